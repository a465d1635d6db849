"""What a wallet receives beside single-use instances, and what of it is refused for itself alone."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import schemas
from credentials.dids.did_key import build_did_key
from credentials.keys.signer import LocalSigner
from credentials.protocols.openid4vci import Form, build_proof_jwt
from plumbing.fetch import FetchFailed
from tests.support.linked_issuer import LinkedIssuer, configuration, make_linked
from tests.support.other_credentials import URL
from tests.support.outside import NOW, Authority, Memory, Outside, refuses, says
from tests.wallet.linked import take
from wallet import errors
from wallet.kinds import CannotKeep, LinkedForm, kind_of
from wallet.linked import LinkedKind
from wallet.ports import Tools
from wallet.service.receive import offered_in_words, read_offer, receive
from wallet.service.remove_copy import remove_copy
from wallet.service.top_up import top_up

if TYPE_CHECKING:
    from wallet.state import Copy


@pytest.fixture
def tools(outside: Outside, authority: Authority) -> Tools:
    """A wallet that trusts the authority; what it keeps is not written to the disk at each step, as others try it."""
    keeper = Memory()
    keeper.pin(authority)
    return Tools(keeper=keeper, web=outside.web, clock=lambda: NOW, random=secrets.token_bytes)


@pytest.fixture
def coop(outside: Outside, authority: Authority) -> LinkedIssuer:
    return LinkedIssuer.open(outside, authority)


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
