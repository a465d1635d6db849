"""Every way in which a co-op could mark a listener by a linked credential or by its key: each is refused."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import httpx
import pytest

from credentials.bbs import BbsSecretKey, ProverNym, commit_nym
from credentials.dids import type_key_url
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.linked_credential import MANDATORY_POINTERS
from tests.support.linked_issuer import DID, LinkedIssuer, make_linked
from tests.support.other_credentials import HOST, URL, make_ours
from tests.support.outside import NOW, Authority, Memory, Outside, says
from tests.wallet.linked import take
from wallet import errors
from wallet.linked import LinkedKind
from wallet.ports import Tools

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
