"""What a wallet receives beside single-use instances, and every way in which a co-op could mark it that is refused."""

import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeAlias

import httpx
import pytest

import schemas
from credentials.bbs import BbsSecretKey, ProverNym, commit_nym
from credentials.dids import type_key_url
from credentials.dids.did_key import build_did_key
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.keys.signer import LocalSigner
from credentials.linked_credential import MANDATORY_POINTERS
from credentials.protocols.openid4vci import Form, build_proof_jwt
from plumbing.fetch import FetchFailed
from tests.support.linked_issuer import DID, LinkedIssuer, configuration, make_linked
from tests.support.other_issuer import HOST, URL, make_ours
from tests.support.outside import NOW, Authority, Memory, Outside, refuses, says
from wallet import errors
from wallet.kinds import CannotKeep, LinkedForm, kind_of
from wallet.linked import LinkedKind
from wallet.ports import Tools
from wallet.service.receive import offered_in_words, read_offer, receive
from wallet.service.remove_copy import remove_copy
from wallet.service.top_up import top_up
from wallet.state import Copy

Change: TypeAlias = Callable[[dict[str, Json]], dict[str, Json]]


@pytest.fixture
def tools(outside: Outside, authority: Authority) -> Tools:
    """A wallet that trusts the authority; what it keeps is not written to the disk at each step, as others try it."""
    keeper = Memory()
    keeper.pin(authority)
    return Tools(keeper=keeper, web=outside.web, clock=lambda: NOW, random=secrets.token_bytes)


@pytest.fixture
def coop(outside: Outside, authority: Authority) -> LinkedIssuer:
    return LinkedIssuer.open(outside, authority)


async def take(coop: LinkedIssuer, tools: Tools) -> tuple[Copy, ...]:
    return await receive(await read_offer(coop.offer_link(), tools=tools), tools=tools)


def another_key(coop: LinkedIssuer) -> str:
    return build_proof_jwt(
        signer=LocalSigner.generate(), audience=URL, nonce="n", issued_at=int(coop.now().timestamp())
    )


async def test_one_offer_brings_a_copy_in_all_its_forms_and_the_countable_ones_are_asked_for_first(
    coop: LinkedIssuer, tools: Tools
) -> None:
    opened = await read_offer(coop.offer_link(), tools=tools)
    assert (offered_in_words(opened), opened.left_out) == ("a release", {})
    told: list[Copy] = []
    (copy,) = await receive(opened, tools=tools, progress=told.append)
    assert coop.asked == ["ep.pseudonym", "ep.bbs", "ep"]
    assert told == [copy]
    assert len(copy.instances) == 4
    assert copy.text("copy") == schemas.NOT_KNOWN
    assert [(each.kind, each.month) for each in copy.linked] == [
        (LinkedKind.PSEUDONYM, "2026-11"),
        (LinkedKind.BASELINE, "2026-11"),
    ]
    assert f"{copy.linked[0].expires_at:%Y-%m-%d}" == "2026-12-11"
    assert coop.violations == []


async def test_everything_comes_encrypted_where_the_co_op_offers_it(coop: LinkedIssuer, tools: Tools) -> None:
    coop.encryption = coop.demands_encryption = True
    (copy,) = await take(coop, tools)
    assert len(copy.linked) == 2
    assert coop.violations == []


async def test_a_release_and_its_track_are_bound_to_one_nym_and_a_membership_to_another(
    coop: LinkedIssuer, tools: Tools
) -> None:
    coop.identifiers = ("ep.pseudonym", "track.pseudonym", "member.pseudonym")
    copies = await take(coop, tools)
    wallet = tools.keeper.load()
    nyms = [wallet.nym_of(copy, copy.linked[0]) for copy in copies]
    assert [nym and nym.scope for nym in nyms] == ["who", "who", "me"]
    assert len(wallet.nyms) == 2
    assert len({nym.secret for nym in wallet.nyms}) == len(set(coop.points.values())) == 2
    assert all(nym.accepted_at for nym in wallet.nyms)
    assert coop.violations == []


async def test_a_nym_is_on_the_disk_before_the_co_op_hears_of_it_and_used_again_after_a_crash(
    coop: LinkedIssuer, tools: Tools
) -> None:
    coop.identifiers = ("ep.pseudonym",)
    give = coop.routes.answers["POST /credential"]
    link = coop.offer_link()
    seen: list[int] = []

    def crash(request: httpx.Request) -> httpx.Response:
        seen.append(len(tools.keeper.load().nyms))
        give(request)
        raise httpx.ReadError("the machine was switched off")

    coop.routes.answers["POST /credential"] = crash
    with pytest.raises(FetchFailed):
        await receive(await read_offer(link, tools=tools), tools=tools)
    assert seen[0] == 1
    assert tools.keeper.load().nyms[0].accepted_at is None
    coop.routes.answers["POST /credential"] = give
    (copy,) = await receive(await read_offer(link, tools=tools), tools=tools)
    assert len(tools.keeper.load().nyms) == len(coop.points) == 1
    assert tools.keeper.load().nym_of(copy, copy.linked[0])
    assert coop.violations == []


async def test_a_co_op_that_does_not_say_who_counts_gets_no_commitment(coop: LinkedIssuer, tools: Tools) -> None:
    coop.identifiers, coop.scopes = ("ep.pseudonym",), {}
    with pytest.raises(errors.IssuerRefused, match="who counts"):
        await take(coop, tools)
    assert coop.asked == []
    assert tools.keeper.load().nyms == ()


async def test_a_form_that_is_denied_keeps_no_other_from_coming_and_is_not_asked_for_at_each_top_up(
    coop: LinkedIssuer, tools: Tools
) -> None:
    coop.ended.add("ep.pseudonym")
    (copy,) = await take(coop, tools)
    assert [each.kind for each in copy.linked] == [LinkedKind.BASELINE]
    assert len(copy.instances) == 4
    coop.asked.clear()
    await top_up(tools=tools)
    assert coop.asked == []


async def test_a_second_wallet_gets_all_but_what_counts_and_says_why(
    coop: LinkedIssuer, tools: Tools, authority: Authority
) -> None:
    await take(coop, tools)
    keeper = Memory()
    keeper.pin(authority)
    second = replace(tools, keeper=keeper)
    (copy,) = await take(coop, second)
    assert [each.kind for each in copy.linked] == [LinkedKind.BASELINE]
    assert len(copy.instances) == 4
    assert copy.not_renewed
    assert "Another wallet" in copy.not_renewed
    coop.asked.clear()
    assert (await top_up(tools=second)).not_renewed == ()
    assert coop.asked == [], "it is asked for again with the renewals only"


async def test_what_is_published_names_a_key_of_the_wallet_that_stays(coop: LinkedIssuer, tools: Tools) -> None:
    coop.identifiers = ("artist.eddsa",)
    (copy,) = await take(coop, tools)
    (signed,) = copy.linked
    assert signed.kind is LinkedKind.SIGNED
    signer = LocalSigner.from_pem(signed.key.encode(), None)
    assert build_did_key(signer.public_key) == coop.subjects[0]
    assert json.loads(signed.credential)["credentialSubject"]["id"] == coop.subjects[0]
    later = replace(tools, clock=lambda: NOW + timedelta(days=340))
    coop.clock = later.clock
    assert len((await top_up(tools=later)).renewed) == 1
    assert coop.subjects == [coop.subjects[0]] * 2


async def test_what_is_published_about_somebody_else_is_refused(coop: LinkedIssuer, tools: Tools) -> None:
    coop.identifiers = ("artist.eddsa",)
    coop.names = another_key
    with pytest.raises(errors.UnwantedCredential, match="somebody else"):
        await take(coop, tools)


async def test_an_end_of_something_is_told_to_the_co_op_for_every_form_that_came(
    coop: LinkedIssuer, tools: Tools
) -> None:
    (copy,) = await take(coop, tools)
    assert sorted(name for event, name in coop.told if event == "credential_accepted") == [
        "about-4",
        "about-ep.bbs",
        "about-ep.pseudonym",
    ]
    remove_copy(copy, tools=tools)
    await top_up(tools=tools)
    assert sorted(name for event, name in coop.told if event == "credential_deleted") == [
        "about-4",
        "about-ep.bbs",
        "about-ep.pseudonym",
    ]


def with_member(name: str, value: Json) -> Change:
    return lambda document: {**document, name: value}


def with_claim(name: str, value: Json) -> Change:
    def change(document: dict[str, Json]) -> dict[str, Json]:
        subject = document["credentialSubject"]
        assert isinstance(subject, dict)
        return {**document, "credentialSubject": {**subject, name: value}}

    return change


def without_claim(document: dict[str, Json]) -> dict[str, Json]:
    subject = document["credentialSubject"]
    assert isinstance(subject, dict)
    return {**document, "credentialSubject": {name: subject[name] for name in subject if name != "gtin"}}


def turned(document: dict[str, Json]) -> dict[str, Json]:
    return dict(reversed(document.items()))


def claims_turned(document: dict[str, Json]) -> dict[str, Json]:
    subject = document["credentialSubject"]
    assert isinstance(subject, dict)
    return {**document, "credentialSubject": dict(reversed(subject.items()))}


MARKS: dict[str, tuple[dict[str, Any], str]] = {
    "a date within the month": ({"change": with_member("validFrom", "2026-11-02T00:00:00Z")}, "breaks the rule"),
    "a second within the day": ({"change": with_member("validFrom", "2026-11-01T00:00:01Z")}, "breaks the rule"),
    "another month": ({"change": with_member("validFrom", "2026-10-01T00:00:00Z")}, "this month's cohort"),
    "a longer life": ({"change": with_member("validUntil", "2027-01-11T00:00:00Z")}, "this month's cohort"),
    "a number of its own": ({"change": with_member("id", "urn:uuid:5f0f1f3e-0000-4000-8000-000000000000")}, "rule"),
    "a status of its own": (
        {"change": with_member("credentialStatus", {"type": "BitstringStatusListEntry"})},
        "credentialStatus|rule",
    ),
    "members in another order": ({"change": turned}, "in another order"),
    "claims in another order": ({"change": claims_turned}, "in another order"),
    "a claim less": ({"change": without_claim}, "breaks the rule"),
    "two spaces in a title": ({"change": with_claim("name", "Night  Bus EP")}, "cannot be seen"),
    "a space after a title": ({"change": with_claim("name", "Night Bus EP ")}, "cannot be seen"),
    "a letter of no width": ({"change": with_claim("name", "Night\u200bBus EP")}, "cannot be seen"),
    "an accent put on apart": ({"change": with_claim("byArtist", "Cafe\u0301")}, "cannot be seen"),
    "a claim more": ({"change": with_claim("isrcCode", "QZES62012345")}, "breaks the rule"),
    "another issuer": ({"change": with_member("issuer", "did:web:coop.example")}, "."),
    "a moment in the proof": ({"created": NOW}, "says more than the proofs of others"),
    "more that is always shown": ({"mandatory": (*MANDATORY_POINTERS, "/credentialSubject/name")}, "always shows"),
    "the same in another order": ({"mandatory": MANDATORY_POINTERS[::-1]}, "always shows"),
    "labels in another order": ({"in_document_order": False, "hmac_key": bytes(32)}, "labelled"),
    "a key that nobody can look up": ({"key": BbsSecretKey.generate()}, "."),
}


@pytest.mark.parametrize("mark", MARKS)
async def test_whatever_could_mark_the_listener_is_refused(coop: LinkedIssuer, tools: Tools, mark: str) -> None:
    changes, words = MARKS[mark]
    coop.identifiers, coop.make_document = ("ep.bbs",), partial(make_linked, **changes)
    with pytest.raises(errors.UnwantedCredential, match=words):
        await take(coop, tools)
    assert tools.keeper.load().copies == ()
    assert coop.violations == []


async def test_a_form_that_says_something_else_than_the_one_before_is_refused_alone(
    coop: LinkedIssuer, tools: Tools
) -> None:
    coop.identifiers = ("member.pseudonym", "member.bbs")

    def one_each(issuer: LinkedIssuer, identifier: str, commitment: bytes | None) -> Any:
        issuer.said = {} if commitment else {"shareClass": "founder"}
        return make_linked(issuer, identifier, commitment)

    coop.make_document = one_each
    with pytest.raises(errors.UnwantedCredential, match="its shareClass differs"):
        await take(coop, tools)
    (copy,) = tools.keeper.load().copies
    assert [each.kind for each in copy.linked] == [LinkedKind.PSEUDONYM]


@pytest.mark.parametrize(
    ("identifier", "said"),
    [
        ("ep.bbs", {"name": "Night Bus E.P."}),
        ("ep.bbs", {"release": "00000000-0000-4000-8000-000000000001"}),
        ("ep", {"byArtist": "The Long Way home"}),
        ("track.pseudonym", {"isrcCode": "QZES62099999"}),
    ],
)
async def test_what_the_public_catalogue_does_not_say_is_refused(
    coop: LinkedIssuer, tools: Tools, outside: Outside, identifier: str, said: dict[str, str]
) -> None:
    coop.identifiers = (identifier,)
    coop.said = said
    coop.make = lambda issuer, name, key: make_ours(issuer, name, key, **said)
    with pytest.raises(errors.UnwantedCredential, match="public catalogue"):
        await take(coop, tools)
    for asked in outside.seen:
        if "/catalogue/" in asked.url.path:
            assert not {"authorization", "dpop", "cookie"} & {name.lower() for name in asked.headers}


async def test_the_catalogue_is_asked_once_for_all_that_an_offer_brings_of_a_release(
    coop: LinkedIssuer, tools: Tools
) -> None:
    await take(coop, tools)
    assert len(coop.looked) == 1


async def test_a_door_pass_comes_with_the_credential_that_it_belongs_to_and_of_the_same_nym(
    coop: LinkedIssuer, tools: Tools
) -> None:
    coop.identifiers = ("member.door", "ep.door", "ep.pseudonym", "member.pseudonym")
    for copy in await take(coop, tools):
        counted, door = copy.linked
        assert (counted.kind, door.kind) == (LinkedKind.PSEUDONYM, LinkedKind.DOOR)
        assert (counted.commitment, counted.issuer_key) == (door.commitment, door.issuer_key)
        assert (counted.month, counted.expires_at) == (door.month, door.expires_at)
        assert "standing" in copy.claims or "name" in copy.claims, "what else is known of it stays"
    assert coop.violations == []


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "9d0f6a1e-2c53-4a4f-8f7d-000000000000"},
        {"month": 2026 * 12 + 9},
        {"vct": schemas.TRACK_OWNERSHIP.vct},
    ],
)
async def test_a_door_pass_that_says_something_else_is_refused(
    coop: LinkedIssuer, tools: Tools, changes: dict[str, Any]
) -> None:
    coop.identifiers = ("ep.pseudonym", "ep.door")

    def one_each(issuer: LinkedIssuer, identifier: str, commitment: bytes | None) -> Any:
        return make_linked(issuer, identifier, commitment, **(changes if identifier == "ep.door" else {}))

    coop.make_document = one_each
    with pytest.raises(errors.UnwantedCredential):
        await take(coop, tools)
    (copy,) = tools.keeper.load().copies
    assert [each.kind for each in copy.linked] == [LinkedKind.PSEUDONYM]


async def test_a_door_pass_alone_is_refused_for_there_is_nothing_to_hold_it_against(
    coop: LinkedIssuer, tools: Tools
) -> None:
    coop.identifiers = ("ep.door",)
    with pytest.raises(errors.UnwantedCredential, match="hold it against"):
        await take(coop, tools)


async def test_a_door_pass_of_a_title_that_proofs_cannot_show_is_held_against_the_instances(
    coop: LinkedIssuer, tools: Tools
) -> None:
    coop.identifiers = ("ep", "ep.door", "ep.bbs", "ep.pseudonym")
    coop.ended = {"ep.bbs", "ep.pseudonym"}
    told: list[Copy] = []
    (copy,) = await receive(await read_offer(coop.offer_link(), tools=tools), tools=tools, progress=told.append)
    assert coop.asked == ["ep.pseudonym", "ep.door", "ep.bbs", "ep", "ep.door"]
    assert ([each.kind for each in copy.linked], len(copy.instances)) == ([LinkedKind.DOOR], 4)
    assert copy.not_renewed
    assert "Refunded." in copy.not_renewed
    assert [each.key for each in told] == [copy.key]
    assert coop.violations == []


async def test_a_co_op_without_a_catalogue_hands_out_no_linked_title(coop: LinkedIssuer, tools: Tools) -> None:
    for path in [each for each in coop.routes.answers if "/catalogue/" in each]:
        coop.routes.answers[path] = says({"release": 1})
    with pytest.raises(errors.UnwantedCredential, match="could be for you alone"):
        await take(coop, tools)
    (copy,) = tools.keeper.load().copies
    assert (len(copy.instances), copy.linked) == (4, ())


async def test_another_of_the_co_ops_keys_for_one_listener_is_refused(coop: LinkedIssuer, tools: Tools) -> None:
    coop.identifiers = ("ep.bbs", "track.bbs")
    coop.bbs_keys["TrackOwnershipCredential"] = coop.bbs_keys["ReleaseOwnershipCredential"]
    with pytest.raises(errors.UnwantedCredential, match="another key than others of its type"):
        await take(coop, tools)


async def test_a_second_copy_under_another_stated_key_is_refused(coop: LinkedIssuer, tools: Tools) -> None:
    coop.identifiers = ("ep.bbs",)
    await take(coop, tools)
    name = "ReleaseOwnershipCredential"
    coop.more_keys.append((name, coop.bbs_keys[name]))
    coop.bbs_keys[name] = BbsSecretKey.generate()
    with pytest.raises(errors.UnwantedCredential, match="another key than others of its type"):
        await take(coop, tools)


@pytest.mark.parametrize("identifier", ["ep.bbs", "ep.pseudonym"])
async def test_the_first_credential_under_any_key_but_the_newest_is_refused(
    coop: LinkedIssuer, tools: Tools, identifier: str
) -> None:
    coop.identifiers = (identifier,)
    older = BbsSecretKey.generate()
    coop.more_keys.append(("ReleaseOwnershipCredential", older))
    coop.make_document = partial(make_linked, key=older)
    with pytest.raises(errors.UnwantedCredential):
        await take(coop, tools)


async def test_a_key_for_another_type_is_refused_however_it_is_called(coop: LinkedIssuer, tools: Tools) -> None:
    coop.identifiers = ("ep.bbs",)
    key = coop.bbs_keys["TrackOwnershipCredential"]
    for name in ("TrackOwnershipCredential", "ReleaseOwnershipCredential"):
        method = type_key_url(DID, name, key.public_key)
        coop.make_document = partial(make_linked, key=key, verification_method=method)
        with pytest.raises(errors.UnwantedCredential):
            await take(coop, tools)


async def test_a_nonce_that_went_stale_is_replaced_once(coop: LinkedIssuer, tools: Tools) -> None:
    coop.identifiers = ("ep.pseudonym",)
    give = coop.routes.answers["POST /credential"]

    def once_stale(request: httpx.Request) -> httpx.Response:
        coop.routes.answers["POST /credential"] = give
        return refuses("invalid_nonce")(request)

    coop.routes.answers["POST /credential"] = once_stale
    (copy,) = await take(coop, tools)
    assert len(copy.linked) == 1


async def test_what_a_co_op_does_not_name_cannot_be_told_apart_and_is_refused(coop: LinkedIssuer, tools: Tools) -> None:
    coop.identifiers, coop.names_identifiers = ("ep.bbs",), False
    coop.routes.answers["POST /credential"] = says({"credentials": [{"credential": {"a": 1}}]})
    with pytest.raises(errors.IssuerRefused, match="which of your things"):
        await take(coop, tools)


async def test_an_sd_jwt_vc_without_any_number_is_told_apart_by_what_it_says(coop: LinkedIssuer, tools: Tools) -> None:
    coop.identifiers, coop.names_identifiers = ("ep", "track"), False
    assert len({copy.id for copy in await take(coop, tools)}) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "mso_mdoc"},
        {"signing_algorithms": ("bbs-2029",)},
        {"types": ("VerifiableCredential", "LibraryCard")},
        {"contexts": ("https://www.w3.org/ns/credentials/v2",)},
        {"commitment_algorithms": ("ES512",)},
    ],
)
def test_what_is_none_of_our_types_in_a_form_of_ours_cannot_be_kept(changes: dict[str, Any]) -> None:
    ours = configuration(schemas.RELEASE_OWNERSHIP, Form.PSEUDONYM)
    assert kind_of(ours) == LinkedForm(type=schemas.RELEASE_OWNERSHIP, kind=LinkedKind.PSEUDONYM)
    with pytest.raises(CannotKeep, match="a form that this wallet does not know"):
        kind_of(replace(ours, **changes))


async def test_a_second_name_for_the_one_key_is_refused(coop: LinkedIssuer, tools: Tools) -> None:
    coop.identifiers = ("ep.bbs",)
    key = coop.bbs_keys["ReleaseOwnershipCredential"].public_key
    document = json.loads(coop.did_document(httpx.Request("GET", URL)).content)
    named = {"id": f"{DID}#yours", "type": "Multikey", "controller": DID, "publicKeyMultibase": key.multikey}
    document["verificationMethod"].append(named)
    document["assertionMethod"].append(f"{DID}#yours")
    coop.routes.answers["GET /.well-known/did.json"] = says(document)
    assert len(await take(coop, tools)) == 1
    coop.make_document = partial(make_linked, verification_method=f"{DID}#yours")
    with pytest.raises(errors.UnwantedCredential):
        await take(coop, tools)


async def test_a_co_op_that_states_a_crowd_of_keys_is_refused(coop: LinkedIssuer, tools: Tools) -> None:
    coop.identifiers = ("ep.bbs",)
    coop.more_keys += [("ReleaseOwnershipCredential", BbsSecretKey.generate()) for _ in range(12)]
    with pytest.raises(errors.UnwantedCredential, match="so many keys"):
        await take(coop, tools)


@pytest.mark.parametrize("later", ["ep.pseudonym", "ep.door", "track.pseudonym"])
async def test_another_entropy_than_before_is_refused(coop: LinkedIssuer, tools: Tools, later: str) -> None:
    coop.identifiers = ("ep.pseudonym",)
    await take(coop, tools)
    coop.entropy.clear()
    coop.identifiers = (later,)
    with pytest.raises(errors.UnwantedCredential, match="another number to your secret than before"):
        await take(coop, tools)


async def test_a_commitment_of_somebody_else_in_the_signature_is_refused(coop: LinkedIssuer, tools: Tools) -> None:
    coop.identifiers = ("ep.pseudonym",)
    other = commit_nym(ProverNym.generate(secrets.token_bytes), random=secrets.token_bytes).commitment_with_proof
    coop.make_document = partial(make_linked, commitment_with_proof=other)
    with pytest.raises(errors.UnwantedCredential):
        await take(coop, tools)
    assert tools.keeper.load().nyms[0].accepted_at is None


async def test_what_is_signed_for_another_kind_of_use_is_refused(coop: LinkedIssuer, tools: Tools) -> None:
    coop.identifiers = ("ep.pseudonym",)
    coop.make_document = lambda issuer, identifier, _: make_linked(issuer, identifier, None)
    with pytest.raises(errors.UnwantedCredential, match="another kind of use"):
        await take(coop, tools)


@pytest.mark.parametrize("body", [{"credentials": [{"credential": "text"}]}, {"credentials": [{"credential": {}}] * 2}])
async def test_what_does_not_come_as_one_document_is_refused(
    coop: LinkedIssuer, tools: Tools, body: dict[str, Any]
) -> None:
    coop.identifiers = ("ep.bbs",)
    coop.routes.answers["POST /credential"] = says(body)
    with pytest.raises((errors.UnwantedCredential, Malformed)):
        await take(coop, tools)
    assert tools.keeper.load().copies == ()


async def test_keys_that_could_be_stated_for_one_listener_are_asked_for_where_nobody_is_named(
    coop: LinkedIssuer, tools: Tools, outside: Outside
) -> None:
    await take(coop, tools)
    (asked,) = [each for each in outside.seen if each.url.path.endswith("did.json")]
    assert not {"authorization", "dpop", "cookie"} & {name.lower() for name in asked.headers}
    order = outside.paths()
    assert order.index(f"GET {HOST}:8801/.well-known/did.json") < order.index(f"POST {HOST}:8801/token")


async def test_without_the_did_document_only_what_needs_it_is_refused(coop: LinkedIssuer, tools: Tools) -> None:
    coop.routes.answers["GET /.well-known/did.json"] = says({}, 404)
    with pytest.raises(errors.UnwantedCredential, match="DID document could not be read"):
        await take(coop, tools)
    (copy,) = tools.keeper.load().copies
    assert (len(copy.instances), copy.linked) == (4, ())


async def test_a_co_op_that_no_pinned_authority_vouches_for_hands_out_nothing_by_its_did_alone(
    coop: LinkedIssuer, tools: Tools
) -> None:
    coop.identifiers = ("ep.bbs",)
    coop.signer, coop.chain = Authority().certify(HOST)
    with pytest.raises(errors.UnknownAuthority):
        await take(coop, tools)
