"""Who speaks for a site: an authority, its web address, its own key, or the listener for a site on this machine."""

from __future__ import annotations

import base64
import secrets
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from credentials.dids.document import build_did_document, key_url
from credentials.keys.jws import sign_jws
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.protocols.openid4vp import (
    SignedInLink,
    build_client_id,
    build_did_client_id,
    build_hash_client_id,
    build_redirect_client_id,
    build_signed_link,
    build_unsigned_link,
)
from tests.support.hostile_site import GATE, HOST, SITE, HostileSite
from tests.support.outside import NOW, Authority, Memory, Outside, says
from tests.wallet.questions import SIGNED, ask_and_answer, audience_of, cause_of, lying
from wallet import errors
from wallet.links import WrongLink
from wallet.ports import Tools
from wallet.refused import QuestionRefused, UncertifiedSite
from wallet.service.answer_request import answer, read_request
from wallet.service.open_gate import begin_visit, pass_gate
from wallet.state import Purpose, Wallet

if TYPE_CHECKING:
    from collections.abc import Callable

DID = "did:web:artist.localhost%3A8703"


@pytest.fixture
def tools(filled: Wallet, outside: Outside) -> Tools:
    """A wallet with one EP and one track."""
    held = Memory()
    held.change(lambda _: (filled, None))
    return Tools(keeper=held, web=outside.web, clock=lambda: NOW, random=secrets.token_bytes)


@pytest.fixture
def did_site(site: HostileSite) -> HostileSite:
    """A site that is known by its web address only."""
    document = build_did_document(DID, [site.signer.public_key])
    site.routes.answers["GET /.well-known/did.json"] = says(document)
    site.client_id, site.kid = build_did_client_id(DID), key_url(DID, site.signer.public_key)
    return site


def unsigned(site: HostileSite, **change: Any) -> str:
    address = f"{SITE}/responses/r"
    named = replace(site.request(), client_id=build_redirect_client_id(address))
    return build_unsigned_link(replace(named, **change))


SWAPPED: dict[str, tuple[Callable[[HostileSite], str], str]] = {
    "encryption without a key": (lying(response_mode="direct_post.jwt"), "no_usable_encryption"),
    "a hash instead of the name": (lying(client_id=f"x509_hash:{'A' * 43}"), "wrong_client_id"),
    "a did instead of the name": (lying(client_id=build_did_client_id(DID)), "wrong_client_id"),
    "no proof instead of the name": (
        lying(client_id=build_redirect_client_id(f"{SITE}/responses/r")),
        "wrong_client_id",
    ),
    "the bare name": (lying(client_id=HOST), "wrong_client_id"),
    "the answer elsewhere": (lying(response_uri="http://shop.localhost:8704/r"), "foreign_response_uri"),
    "too late": (lying(exp=int((NOW - timedelta(seconds=1)).timestamp())), "request_expired"),
    "too early": (lying(nbf=int((NOW + timedelta(minutes=5)).timestamp())), "request_not_yet_valid"),
    "for another wallet": (lying(aud="https://wallet.example"), "wrong_request_audience"),
    "the answer by the browser": (lying(response_mode="fragment"), "unsupported_response"),
    "other terms": (
        lying(handstamp_handshake={"text": "Sell all.", "language": "en", "salt": "A" * 22}),
        "handshake_mismatch",
    ),
    "no request at all": (lambda _: "a.b.c", "malformed"),
    "no JSON": (lambda _: "eyJ.eyJ.eyJ", "malformed"),
    "another type of message": (
        lambda site: sign_jws({"typ": "JWT", "x5c": site.chain.x5c()}, site.request().to_json(), site.signer),
        "wrong_typ",
    ),
    "a certificate of another host": (
        lambda site: sign_jws(
            {**SIGNED, "x5c": Authority().certify("label.localhost")[1].x5c()}, site.request().to_json(), site.signer
        ),
        "certificate_wrong_name",
    ),
    "somebody else's signature": (
        lambda site: sign_jws({**SIGNED, "x5c": site.chain.x5c()}, site.request().to_json(), LocalSigner.generate()),
        "bad_signature",
    ),
    "a redirect beside the answer": (lying(redirect_uri=f"{SITE}/cb"), "request_refused"),
    "a query of an older draft": (lying(dcql_query=None, presentation_definition={}), "malformed"),
    "a transaction": (
        lying(
            transaction_data=[base64.urlsafe_b64encode(b'{"type":"pay","credential_ids":["q"]}').decode().rstrip("=")]
        ),
        "invalid_transaction_data",
    ),
}


@pytest.mark.parametrize("lie", SWAPPED)
async def test_a_question_that_was_swapped_or_weakened_is_refused_in_words_and_costs_nothing(
    tools: Tools, site: HostileSite, lie: str
) -> None:
    sign, code = SWAPPED[lie]
    site.routes.answers["GET /requests/r"] = lambda _: httpx.Response(200, text=sign(site))
    before = tools.keeper.load()
    with pytest.raises(QuestionRefused, match=r"^The question of .+\. Nothing was shown; .+\.$") as refusal:
        await read_request(site.link(), tools=tools)
    assert cause_of(refusal) == code
    assert tools.keeper.load() == before
    assert site.answers == []


LINKS = {
    f"openid4vp://?client_id={build_client_id(HOST)}&response_uri={SITE}/r&dcql_query=%7B%7D": "unsigned_request",
    f"openid4vp://?client_id=x509_hash:{'A' * 43}&nonce=1": "unsigned_request",
    f"openid4vp://?client_id={build_did_client_id('did:web:a.example')}&nonce=1": "unsigned_request",
    f"openid4vp://?client_id=redirect_uri:{SITE}/r&request_uri={SITE}/requests/r": "signed_redirect_uri",
    f"openid4vp://?client_id=redirect_uri:{SITE}/r&request=eyJ": "signed_redirect_uri",
    f"openid4vp://?client_id={HOST}&request_uri={SITE}/requests/r": "missing_client_id_prefix",
    f"openid4vp://?client_id=verifier_attestation:x&request_uri={SITE}/requests/r": "unsupported_client_id_prefix",
}


@pytest.mark.parametrize("link", LINKS, ids=lambda link: f"{LINKS[link]}-{list(LINKS).index(link)}")
async def test_a_link_that_claims_a_proof_and_brings_none_is_refused_before_anything_is_sent(
    tools: Tools, outside: Outside, link: str
) -> None:
    with pytest.raises(QuestionRefused) as refusal:
        await read_request(link, tools=tools, uncertified=True)
    assert cause_of(refusal) == LINKS[link]
    assert outside.seen == []


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("openid4vp://?request_uri=x", r"link of a request \(.*\)\. Copy all of it and try again"),
        ("openid-credential-offer://?x=1", "a link of this kind is taken by: handstamp wallet receive"),
    ],
)
async def test_a_link_that_is_none_says_what_it_should_have_been(tools: Tools, link: str, told: str) -> None:
    with pytest.raises(WrongLink, match=told):
        await read_request(link, tools=tools)


async def test_a_site_that_no_authority_vouches_for_is_not_asked_until_the_listener_says_so(
    tools: Tools, did_site: HostileSite, outside: Outside
) -> None:
    with pytest.raises(UncertifiedSite, match=r"No authority vouches for artist\.localhost.*--uncertified"):
        await read_request(did_site.link(), tools=tools)
    assert outside.seen == []
    asked = await read_request(did_site.link(), tools=tools, uncertified=True)
    assert not asked.consent.certified
    assert "No authority vouches for artist.localhost" in asked.consent.warnings[0]
    await answer(asked, tools=tools)
    assert audience_of(did_site) == did_site.client_id


@pytest.mark.parametrize("kind", [KeyKind.P384, KeyKind.ED25519])
async def test_a_site_may_sign_with_other_keys_than_ours(tools: Tools, did_site: HostileSite, kind: KeyKind) -> None:
    did_site.signer = LocalSigner.generate(kind=kind)
    document = build_did_document(DID, [did_site.signer.public_key])
    did_site.routes.answers["GET /.well-known/did.json"] = says(document)
    did_site.kid = key_url(DID, did_site.signer.public_key)
    await ask_and_answer(did_site.link(), tools, uncertified=True)
    assert len(did_site.answers) == 1


async def test_a_site_whose_document_lists_another_key_is_refused(tools: Tools, did_site: HostileSite) -> None:
    did_site.routes.answers["GET /.well-known/did.json"] = says(
        build_did_document(DID, [LocalSigner.generate().public_key])
    )
    with pytest.raises(QuestionRefused, match="did not sign it") as refusal:
        await read_request(did_site.link(), tools=tools, uncertified=True)
    assert cause_of(refusal) == "unproven_did"


async def test_a_site_whose_document_is_not_there_is_refused(tools: Tools, did_site: HostileSite) -> None:
    del did_site.routes.answers["GET /.well-known/did.json"]
    with pytest.raises(errors.SiteRefused, match="its key could not be found"):
        await read_request(did_site.link(), tools=tools, uncertified=True)


async def test_a_gate_of_a_site_without_an_authority_opens_when_the_listener_said_so(
    tools: Tools, did_site: HostileSite
) -> None:
    with pytest.raises(UncertifiedSite):
        await begin_visit(GATE, tools=tools)
    visit = await begin_visit(GATE, tools=tools, uncertified=True)
    assert (await pass_gate(visit, tools=tools)).site == did_site.request().host


async def test_a_signed_request_in_the_link_needs_no_fetch(tools: Tools, site: HostileSite, outside: Outside) -> None:
    text = lying()(site)
    link = build_signed_link(SignedInLink(client_id=site.named(), request_object=text))
    await ask_and_answer(link, tools)
    assert outside.paths() == ["POST artist.localhost:8703/responses/r"]


async def test_a_signed_request_of_a_did_in_the_link_fetches_the_document_only(
    tools: Tools, did_site: HostileSite, outside: Outside
) -> None:
    text = sign_jws({**SIGNED, "kid": did_site.kid}, did_site.request().to_json(), did_site.signer)
    link = build_signed_link(SignedInLink(client_id=did_site.named(), request_object=text))
    await read_request(link, tools=tools, uncertified=True)
    assert outside.paths() == ["GET artist.localhost:8703/.well-known/did.json"]


async def test_a_certified_request_in_the_link_by_nobody_known_is_refused(tools: Tools, outside: Outside) -> None:
    stranger = HostileSite.open(outside, Authority())
    stranger.client_id = build_hash_client_id(stranger.chain.x5c())
    link = build_signed_link(SignedInLink(client_id=stranger.named(), request_object=lying()(stranger)))
    with pytest.raises(errors.UnknownAuthority, match="does not know the authority"):
        await read_request(link, tools=tools)


async def test_a_request_that_nobody_signed_is_answered_on_this_machine_when_the_listener_said_so(
    tools: Tools, site: HostileSite
) -> None:
    link = unsigned(site)
    with pytest.raises(UncertifiedSite):
        await read_request(link, tools=tools)
    asked = await read_request(link, tools=tools, uncertified=True)
    assert "Nobody vouches for artist.localhost" in asked.consent.warnings[0]
    await answer(asked, tools=tools)
    assert audience_of(site) == f"redirect_uri:{SITE}/responses/r"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (("artist.localhost%3A8703%2Fresponses%2Fr&aud", "x"), None),
        (
            ("response_uri=http%3A%2F%2Fartist.localhost", "response_uri=http%3A%2F%2Fshop.localhost"),
            "foreign_response_uri",
        ),
        (("response_mode=direct_post", "response_mode=fragment"), "unsupported_response"),
    ],
)
async def test_an_unsigned_request_answers_to_its_own_address_only(
    tools: Tools, site: HostileSite, changed: tuple[str, str], code: str | None
) -> None:
    link = unsigned(site).replace(*changed)
    if code is None:
        assert await read_request(link, tools=tools, uncertified=True)
        return
    with pytest.raises(QuestionRefused) as refusal:
        await read_request(link, tools=tools, uncertified=True)
    assert cause_of(refusal) == code


async def test_an_unsigned_request_of_a_public_site_is_refused(tools: Tools) -> None:
    link = (
        "openid4vp://?client_id=redirect_uri:https://a.example/r&response_type=vp_token&response_mode=direct_post"
        "&nonce=0123456789abcdef&dcql_query=%7B%22credentials%22%3A%5B%7B%22id%22%3A%22q%22%2C%22format%22%3A%22"
        "dc%2Bsd-jwt%22%2C%22meta%22%3A%7B%22vct_values%22%3A%5B%22x%22%5D%7D%7D%5D%7D"
    )
    with pytest.raises(QuestionRefused, match="nobody signed it") as refusal:
        await read_request(link, tools=tools, uncertified=True)
    assert cause_of(refusal) == "public_unsigned_request"


async def test_an_authority_that_is_trusted_for_co_ops_only_vouches_for_no_site(
    tools: Tools, site: HostileSite
) -> None:
    def limit(wallet: Wallet) -> tuple[Wallet, None]:
        limited = tuple(replace(each, purposes=frozenset({Purpose.CO_OPS})) for each in wallet.authorities)
        return replace(wallet, authorities=limited), None

    tools.keeper.change(limit)
    with pytest.raises(errors.UnknownAuthority):
        await read_request(site.link(), tools=tools)
