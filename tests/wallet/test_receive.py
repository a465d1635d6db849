"""What a wallet takes from a co-op: all of a copy or nothing, and what it cannot keep is said beforehand."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

import schemas
from credentials.encoding import base64url
from credentials.protocols.openid4vci import CredentialOffer, TxCode
from plumbing.fetch import FetchFailed
from tests.support.hostile_issuer import URL, HostileIssuer, honest
from tests.support.outside import NOW, Authority, Outside, jwk_of, release_claims, says
from tests.wallet.receiving import held, refusal, take
from wallet import errors
from wallet.service.receive import offered_in_words, read_offer, receive
from wallet.state import Copy, Wallet

if TYPE_CHECKING:
    from credentials.keys.jwk import PublicKey
    from wallet.ports import Tools


async def test_a_copy_comes_in_four_instances_each_with_a_key_of_its_own(issuer: HostileIssuer, tools: Tools) -> None:
    (copy,) = await take(issuer, tools)

    assert held(tools) == (copy,)
    assert copy.claims["name"] == "Night Bus EP"
    assert len({instance.key for instance in copy.instances}) == 4
    assert len({instance.credential for instance in copy.instances}) == 4


async def test_what_is_offered_is_said_before_anything_is_used(issuer: HostileIssuer, tools: Tools) -> None:
    opened = await read_offer(issuer.link(), tools=tools)
    assert opened.host == "coop.localhost"
    assert offered_in_words(opened) == "a track and a release"
    assert opened.code == TxCode(length=6)
    assert issuer.tokens == 0


async def test_one_offer_brings_several_copies_and_each_is_told_when_it_is_kept(
    issuer: HostileIssuer, tools: Tools
) -> None:
    issuer.identifiers = ("copy-1", "copy-2")
    told: list[str] = []
    opened = await read_offer(issuer.link(), tools=tools)
    await receive(opened, tools=tools, tx_code="123456", progress=lambda copy: told.append(copy.vct))
    assert told == [schemas.RELEASE_OWNERSHIP.vct, schemas.TRACK_OWNERSHIP.vct]


async def test_an_offer_by_value_works_too(issuer: HostileIssuer, tools: Tools) -> None:
    opened = await read_offer(issuer.offer().to_link(), tools=tools)
    assert len(await receive(opened, tools=tools, tx_code="123456")) == 1


async def test_an_offer_that_takes_a_code_is_not_tried_without_one(
    issuer: HostileIssuer, tools: Tools, outside: Outside
) -> None:
    with pytest.raises(errors.CodeNeeded, match="Nothing was used up"):
        await take(issuer, tools, code=None)
    assert "POST coop.localhost:8701/token" not in outside.paths()


async def test_a_wrong_code_loses_nothing_and_can_be_corrected(issuer: HostileIssuer, tools: Tools) -> None:
    with pytest.raises(errors.WrongCode, match="Nothing is lost"):
        await take(issuer, tools, code="000000")
    assert len(await take(issuer, tools)) == 1


async def test_an_offer_read_again_after_it_was_received_asks_the_co_op_for_no_second_token(
    issuer: HostileIssuer, tools: Tools, outside: Outside
) -> None:
    await take(issuer, tools)
    with pytest.raises(errors.AlreadyReceived, match="all that it holds is in your wallet"):
        await take(issuer, tools)
    assert outside.paths().count("POST coop.localhost:8701/token") == 1
    assert len(held(tools)) == 1


async def test_a_crash_between_two_copies_keeps_the_first_and_goes_on_with_the_second(
    issuer: HostileIssuer, tools: Tools
) -> None:
    issuer.identifiers = ("copy-1", "copy-2")

    def crash_at_second(an_issuer: HostileIssuer, identifier: str, index: int, key: PublicKey) -> str:
        if identifier == "copy-2":
            raise httpx.ReadError("the cable was pulled")
        return honest(an_issuer, identifier, index, key)

    issuer.issue = crash_at_second
    with pytest.raises(FetchFailed):
        await take(issuer, tools)
    assert [copy.vct for copy in held(tools)] == [schemas.RELEASE_OWNERSHIP.vct]

    issuer.issue = honest
    opened = await read_offer(issuer.link(), tools=tools)
    assert opened.code is None, "the code was used; no code is asked again"
    (second,) = await receive(opened, tools=tools)
    assert second.vct == schemas.TRACK_OWNERSHIP.vct
    assert len(held(tools)) == 2


async def test_more_instances_of_a_copy_are_added_to_it(issuer: HostileIssuer, tools: Tools) -> None:
    await take(issuer, tools)
    issuer.code, issuer.tokens = "another-code-of-128-bits", 0
    await receive(await read_offer(issuer.offer().to_link(), tools=tools), tools=tools, tx_code="123456")
    assert [len(copy.instances) for copy in held(tools)] == [8]


async def test_a_co_op_that_corrects_a_title_replaces_the_instances_that_say_otherwise(
    issuer: HostileIssuer, tools: Tools
) -> None:
    await take(issuer, tools)
    issuer.code, issuer.tokens = "another-code-of-128-bits", 0
    issuer.issue = lambda *four: honest(*four, disclosable=release_claims(name="Night Bus EP (2026)"))
    await receive(await read_offer(issuer.offer().to_link(), tools=tools), tools=tools, tx_code="123456")
    assert [(copy.claims["name"], len(copy.instances)) for copy in held(tools)] == [("Night Bus EP (2026)", 4)]


async def test_a_wallet_that_trusts_nobody_contacts_nobody(
    issuer: HostileIssuer, tools: Tools, outside: Outside
) -> None:
    tools.keeper.change(lambda wallet: (replace(wallet, authorities=()), None))
    with pytest.raises(errors.UnknownAuthority, match="wallet trust add"):
        await take(issuer, tools)
    assert outside.seen == []


async def test_a_co_op_that_nobody_vouches_for_is_refused_and_can_be_trusted_afterwards(
    issuer: HostileIssuer, tools: Tools
) -> None:
    wallet = tools.keeper.load()
    stranger = replace(wallet.authorities[0], certificate=Authority().pem.decode())
    tools.keeper.change(lambda before: (replace(before, authorities=(stranger,)), None))
    assert isinstance(await refusal(issuer, tools), errors.UnknownAuthority)

    tools.keeper.change(lambda before: (replace(before, authorities=wallet.authorities), None))
    assert len(await receive(await read_offer(issuer.link(), tools=tools), tools=tools)) == 1


async def test_no_cookie_no_referer_and_one_name_for_every_wallet_are_sent(
    issuer: HostileIssuer, tools: Tools, outside: Outside
) -> None:
    issuer.routes.answers["POST /nonce"] = says({"c_nonce": "n"}, 200, **{"Set-Cookie": "tag=you"})
    await take(issuer, tools)
    for request in outside.seen:
        assert "cookie" not in request.headers
        assert "referer" not in request.headers
        assert request.headers["user-agent"] == "handstamp-wallet"


async def test_a_stale_nonce_is_replaced_once(issuer: HostileIssuer, tools: Tools, outside: Outside) -> None:
    give, refused = issuer.give_credentials, []

    def first_stale(request: httpx.Request) -> httpx.Response:
        if not refused:
            refused.append(request)
            return httpx.Response(400, json={"error": "invalid_nonce"})
        return give(request)

    issuer.routes.answers["POST /credential"] = first_stale
    assert len(await take(issuer, tools)) == 1
    assert outside.paths().count("POST coop.localhost:8701/nonce") == 2


@pytest.mark.parametrize("says_it_in", ["body", "header"])
async def test_a_server_that_wants_its_nonce_in_the_proof_gets_it(
    issuer: HostileIssuer, tools: Tools, says_it_in: str
) -> None:
    give = issuer.give_token

    def wants_nonce(request: httpx.Request) -> httpx.Response:
        payload = json.loads(base64url.decode(request.headers["DPoP"].split(".")[1], what="proof"))
        if payload.get("nonce") == "server-nonce":
            return give(request)
        challenge = {"WWW-Authenticate": 'DPoP error="use_dpop_nonce"'} if says_it_in == "header" else {}
        body = {"error": "use_dpop_nonce"} if says_it_in == "body" else {}
        return httpx.Response(401, json=body, headers={"DPoP-Nonce": "server-nonce", **challenge})

    issuer.routes.answers["POST /token"] = wants_nonce
    assert len(await take(issuer, tools)) == 1


async def test_a_token_without_details_brings_what_was_offered(issuer: HostileIssuer, tools: Tools) -> None:
    def plain(request: httpx.Request) -> httpx.Response:
        keys = list(json.loads(request.content)["proofs"]["jwt"])
        configuration = json.loads(request.content)["credential_configuration_id"]
        identifier = "copy-1" if configuration == "ReleaseOwnershipCredential" else "copy-2"
        made = [honest(issuer, identifier, index, jwk_of(proof)) for index, proof in enumerate(keys)]
        return httpx.Response(200, json={"credentials": [{"credential": each} for each in made]})

    issuer.routes.answers["POST /token"] = says({"access_token": "t", "token_type": "DPoP"})
    issuer.routes.answers["POST /credential"] = plain
    assert len(await take(issuer, tools)) == 2


UNKEPT: list[tuple[dict[str, object], str]] = [
    ({"format": "mso_mdoc"}, "a form that this wallet does not know"),
    ({"key_attestation_required": True}, "proof of where your keys lie"),
    ({"binding_methods": ()}, "anybody's who copies it"),
    ({"proof_algorithms": ("EdDSA",)}, "no key of the kind"),
]


@pytest.mark.parametrize(("change", "words"), UNKEPT)
async def test_what_the_wallet_cannot_keep_is_left_out_and_said_before_anything_is_used(
    issuer: HostileIssuer, tools: Tools, outside: Outside, change: dict[str, object], words: str
) -> None:
    metadata = issuer.metadata()
    bad = replace(metadata.configurations[0], **change)  # type: ignore[arg-type]
    text = replace(metadata, configurations=(bad, *metadata.configurations[1:])).to_json()
    issuer.routes.answers["GET /.well-known/openid-credential-issuer"] = says(text)
    opened = await read_offer(issuer.link(), tools=tools)
    assert bad.id not in opened.kinds
    assert words in opened.left_out[bad.id]
    both = replace(metadata, configurations=tuple(replace(each, **change) for each in metadata.configurations))  # type: ignore[arg-type]
    issuer.routes.answers["GET /.well-known/openid-credential-issuer"] = says(both.to_json())
    with pytest.raises(errors.NothingOffered, match=words):
        await read_offer(issuer.link(), tools=tools)
    assert "POST coop.localhost:8701/token" not in outside.paths()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pre_authorized_code": None, "tx_code": None, "issuer_state": "s"}, "log-in"),
        ({"authorization_server": "http://shop.localhost:8701"}, "does not know"),
    ],
)
async def test_offers_of_a_kind_that_this_wallet_cannot_take_say_so(
    issuer: HostileIssuer, tools: Tools, change: dict[str, object], words: str
) -> None:
    offer: CredentialOffer = replace(issuer.offer(), **change)  # type: ignore[arg-type]
    with pytest.raises(errors.IssuerRefused, match=words):
        await read_offer(offer.to_link(), tools=tools)


async def test_a_co_op_without_a_nonce_endpoint_or_with_forced_encryption_is_refused_in_words(
    issuer: HostileIssuer, tools: Tools
) -> None:
    metadata = issuer.metadata().to_json()
    issuer.routes.answers["GET /.well-known/openid-credential-issuer"] = says(
        metadata | {"credential_response_encryption": {"encryption_required": True}}
    )
    with pytest.raises(errors.IssuerRefused, match="encrypted"):
        await read_offer(issuer.link(), tools=tools)
    issuer.routes.answers["GET /.well-known/openid-credential-issuer"] = says(
        {name: value for name, value in metadata.items() if name != "nonce_endpoint"}
    )
    with pytest.raises(errors.IssuerRefused, match="nonce endpoint"):
        await read_offer(issuer.link(), tools=tools)


async def test_a_token_is_forgotten_when_it_has_expired(issuer: HostileIssuer, tools: Tools) -> None:
    await take(issuer, tools)
    late = replace(tools, clock=lambda: NOW.replace(hour=23))
    assert tools.keeper.load().pruned(late.clock()).supplies == ()


async def test_two_commands_that_receive_at_once_keep_both_copies(issuer: HostileIssuer, tools: Tools) -> None:
    def add(name: str) -> None:
        def keep(wallet: Wallet) -> tuple[Wallet, None]:
            copy = Copy(id=name, issuer=URL, vct=schemas.TRACK_OWNERSHIP.vct, claims={}, received_at=NOW, instances=())
            return wallet.with_copy(copy), None

        tools.keeper.change(keep)

    await asyncio.gather(take(issuer, tools), asyncio.to_thread(add, "other"))
    assert len(held(tools)) == 2
