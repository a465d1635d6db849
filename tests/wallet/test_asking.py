"""How a wallet takes a site's question: by every way that the standard has, and never by a weaker one than was said."""

import base64
import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

import schemas
from credentials.dids.document import build_did_document, key_url
from credentials.encoding import base64url
from credentials.keys.certificates import parse_x5c
from credentials.keys.encryption import DecryptionKey
from credentials.keys.jws import sign_jws
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.protocols.dcql import CredentialSet, Query, TrustedAuthority
from credentials.protocols.oauth import parse_form
from credentials.protocols.openid4vp import (
    DIRECT_POST_JWT,
    ClientMetadata,
    SignedInLink,
    build_client_id,
    build_did_client_id,
    build_hash_client_id,
    build_redirect_client_id,
    build_signed_link,
    build_unsigned_link,
    parse_response_form,
)
from credentials.sd_jwt import parse_sd_jwt
from tests.support.hostile_issuer import fill_wallet
from tests.support.hostile_site import GATE, HOST, SITE, HostileSite, asking
from tests.support.outside import NOW, Authority, Memory, Outside, Routes, says
from wallet import errors
from wallet.links import WrongLink
from wallet.ports import Tools
from wallet.refused import AnswerLost, QuestionAnswered, QuestionRefused, UncertifiedSite
from wallet.service.answer_request import Answered, answer, read_request
from wallet.service.open_gate import begin_visit, pass_gate
from wallet.service.show_code import awaits_code, fetch_code
from wallet.state import Copy, Purpose, Wallet

DID = "did:web:artist.localhost%3A8703"
CODE = f"{SITE}/codes/{'c' * 22}"
SIGNED = {"typ": "oauth-authz-req+jwt"}


@pytest.fixture(scope="module")
def filled(authority: Authority) -> Wallet:
    return fill_wallet(authority, "copy-1", "copy-2")


@pytest.fixture
def tools(filled: Wallet, outside: Outside) -> Tools:
    """A wallet with one EP and one track."""
    held = Memory()
    held.change(lambda _: (filled, None))
    return Tools(keeper=held, web=outside.web, clock=lambda: NOW, random=secrets.token_bytes)


@pytest.fixture
def site(outside: Outside, authority: Authority) -> HostileSite:
    return HostileSite.open(outside, authority)


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


async def ask_and_answer(link: str, tools: Tools, **how: Any) -> Answered:
    return await answer(await read_request(link, tools=tools, **how), tools=tools)


def record(tools: Tools, kind: schemas.CredentialType = schemas.RELEASE_OWNERSHIP) -> Copy:
    return next(copy for copy in tools.keeper.load().copies if copy.vct == kind.vct)


def cause_of(refusal: pytest.ExceptionInfo[QuestionRefused]) -> str:
    return str(getattr(refusal.value.__cause__, "code", None))


async def test_a_site_named_by_its_certificate_is_answered_like_one_named_by_its_host(
    tools: Tools, site: HostileSite
) -> None:
    site.client_id = build_hash_client_id(site.chain.x5c())
    asked = await read_request(site.link(), tools=tools)
    assert (asked.consent.site, asked.consent.certified, asked.consent.warnings) == (HOST, True, ())
    await answer(asked, tools=tools)
    assert audience_of(site) == site.client_id


def audience_of(site: HostileSite) -> Any:
    (given,) = site.answers[-1].vp_token["record"]
    payload = given.rpartition("~")[2].split(".")[1]
    return json.loads(base64url.decode(payload, what="payload"))["aud"]


async def test_by_post_every_wallet_says_the_same_and_a_nonce_of_its_own_each_time(
    tools: Tools, site: HostileSite, outside: Outside
) -> None:
    site.method = "post"
    await read_request(site.link(), tools=tools)
    await ask_and_answer(site.link(), tools)
    first, second = (parse_form(form) for form in site.forms)
    assert first["wallet_metadata"] == second["wallet_metadata"]
    assert first["wallet_nonce"] != second["wallet_nonce"]
    assert set(first) == {"wallet_metadata", "wallet_nonce"}
    (posted, *_) = [each for each in outside.seen if each.url.path == "/requests/r"]
    assert posted.headers["accept"] == "application/oauth-authz-req+jwt"


@pytest.mark.parametrize("nonce", [None, "another-wallets-nonce"], ids=["none", "another's"])
async def test_a_request_that_was_not_made_for_this_wallet_is_refused(
    tools: Tools, site: HostileSite, nonce: str | None
) -> None:
    site.method, site.changes = "post", {"wallet_nonce": nonce}
    with pytest.raises(QuestionRefused, match="not made for you just now") as refusal:
        await read_request(site.link(), tools=tools)
    assert cause_of(refusal) == "wrong_wallet_nonce"


async def test_a_request_recorded_at_another_wallets_post_is_refused_at_a_get(tools: Tools, site: HostileSite) -> None:
    site.changes = {"wallet_nonce": "another-wallets-nonce"}
    with pytest.raises(QuestionRefused) as refusal:
        await read_request(site.link(), tools=tools)
    assert cause_of(refusal) == "wrong_wallet_nonce"


@pytest.mark.parametrize("status", [405, 404, 500, 302])
async def test_a_site_that_takes_no_post_after_all_is_not_asked_by_get(
    tools: Tools, site: HostileSite, outside: Outside, status: int
) -> None:
    site.method = "post"
    site.routes.answers["POST /requests/r"] = says({}, status)
    with pytest.raises(errors.SiteRefused):
        await read_request(site.link(), tools=tools)
    assert outside.paths() == ["POST artist.localhost:8703/requests/r"]


async def test_an_answer_that_only_the_site_may_read_is_sent_so(
    tools: Tools, site: HostileSite, outside: Outside
) -> None:
    site.key = DecryptionKey.generate()
    said = ClientMetadata(encryption_keys=(site.key.public_jwk,), encryption_encs=("A128GCM", "A256GCM"))
    site.changes = {"response_mode": DIRECT_POST_JWT, "client_metadata": said}
    await ask_and_answer(site.link(), tools)
    assert len(site.answers) == 1
    (sent,) = [each.content for each in outside.seen if each.url.path == "/responses/r"]
    assert set(parse_form(sent)) == {"response"}
    header = base64url.decode(parse_form(sent)["response"].partition(".")[0], what="header")
    assert b'"enc":"A256GCM"' in header


def lying(**claims: Any) -> Callable[[HostileSite], str]:
    """Sign what no builder of ours would sign."""

    def sign(site: HostileSite) -> str:
        header: dict[str, Any] = {**SIGNED, "x5c": site.chain.x5c()}
        return sign_jws(header, site.request().to_json() | claims, site.signer)

    return sign


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


async def test_a_link_that_is_none_says_what_it_should_have_been(tools: Tools) -> None:
    with pytest.raises(WrongLink, match="link of a request"):
        await read_request("openid4vp://?request_uri=x", tools=tools)


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


async def test_a_question_that_was_answered_and_taken_is_not_answered_again(tools: Tools, site: HostileSite) -> None:
    text = lying()(site)
    site.routes.answers["GET /requests/r"] = lambda _: httpx.Response(200, text=text)
    await ask_and_answer(site.link(), tools)
    with pytest.raises(QuestionAnswered, match="21 November 2026 at 09:30 UTC") as refusal:
        await read_request(site.link(), tools=tools)
    assert refusal.value.code == "question_answered"
    assert len(site.answers) == 1


async def test_after_a_lost_answer_the_same_question_gets_another_stamp_never_the_same(
    tools: Tools, site: HostileSite
) -> None:
    text, seen = lying()(site), []

    def lose(request: httpx.Request) -> httpx.Response:
        seen.append(parse_response_form(request.content))
        raise httpx.ReadError("gone")

    site.routes.answers["GET /requests/r"] = lambda _: httpx.Response(200, text=text)
    site.routes.answers["POST /responses/r"] = lose
    for _ in range(2):
        with pytest.raises(AnswerLost, match=r"One stamp was used up, the copy stays yours"):
            await ask_and_answer(site.link(), tools)
    (doubt,) = (await read_request(site.link(), tools=tools)).consent.warnings[-1:]
    assert doubt.startswith("You answered this before, and whether it arrived is not known.")
    stamps = [each.vp_token["record"][0].partition("~")[0] for each in seen]
    assert len(set(stamps)) == len(stamps) >= 2
    assert not any(receipt.accepted for receipt in tools.keeper.load().receipts)


async def test_a_number_that_was_given_before_is_said_to_join_the_visits(tools: Tools, site: HostileSite) -> None:
    site.query = asking("copy")
    first = await read_request(site.link(), tools=tools)
    assert [warning[:20] for warning in first.consent.warnings] == ["They ask for the num"]
    await answer(first, tools=tools)
    again = (await read_request(site.link(), tools=tools)).consent.warnings
    assert "You gave this number here before, on 21 November 2026" in again[1]
    tools.keeper.change(
        lambda wallet: (replace(wallet, receipts=tuple(replace(r, site="shop.example") for r in wallet.receipts)), None)
    )
    elsewhere = (await read_request(site.link(), tools=tools)).consent.warnings
    assert "given to shop.example before" in elsewhere[1]


async def test_details_that_are_rare_together_are_said_to_be(tools: Tools, site: HostileSite) -> None:
    site.query = asking("acquired", "acquisition")
    (warning,) = (await read_request(site.link(), tools=tools)).consent.warnings
    assert "rare together" in warning
    site.query = asking("acquired")
    assert (await read_request(site.link(), tools=tools)).consent.warnings == ()


async def test_of_two_ways_to_answer_the_one_without_the_number_is_taken(tools: Tools, site: HostileSite) -> None:
    (number,) = asking("copy").credentials
    (track,) = asking("track", "name", kind=schemas.TRACK_OWNERSHIP).credentials
    sets = (CredentialSet(options=(("record",), ("track",))),)
    site.query = Query(credentials=(number, replace(track, id="track")), credential_sets=sets)
    (shown,) = (await read_request(site.link(), tools=tools)).consent.copies
    assert shown.query_id == "track"


async def test_what_a_site_cannot_read_is_not_offered_to_it(tools: Tools, site: HostileSite) -> None:
    site.changes = {"client_metadata": ClientMetadata(sd_jwt_algorithms=("ES384",))}
    with pytest.raises(errors.NotForThisGate):
        await read_request(site.link(), tools=tools)


async def test_a_gate_with_a_limit_gives_a_code_to_type(tools: Tools, site: HostileSite, outside: Outside) -> None:
    site.routes.answers["POST /responses/r"] = says({"redirect_uri": CODE})
    site.routes.answers[f"GET /codes/{'c' * 22}"] = says({"code": "482193"})
    answered = await ask_and_answer(site.link(), tools)
    assert awaits_code(answered)
    assert await fetch_code(answered, tools=tools) == "482193"
    (asked,) = [each for each in outside.seen if each.url.path.startswith("/codes/")]
    assert asked.headers["accept"] == "application/json"
    assert "cookie" not in asked.headers


@pytest.mark.parametrize(
    "reply",
    [
        says({}, 404),
        says({"code": "12"}),
        says({"code": "\x1b[2J12"}),
        says({}),
        lambda _: httpx.Response(200, text="x"),
    ],
    ids=["gone", "too short", "control letters", "none", "no JSON"],
)
async def test_a_code_that_is_none_is_said_in_words(
    tools: Tools, site: HostileSite, reply: Callable[[httpx.Request], httpx.Response]
) -> None:
    site.routes.answers["POST /responses/r"] = says({"redirect_uri": CODE})
    site.routes.answers[f"GET /codes/{'c' * 22}"] = reply
    answered = await ask_and_answer(site.link(), tools)
    with pytest.raises(errors.SiteRefused):
        await fetch_code(answered, tools=tools)


async def test_a_way_on_in_the_browser_is_no_code(tools: Tools, site: HostileSite) -> None:
    assert not awaits_code(await ask_and_answer(site.link(), tools))
    assert not awaits_code(replace(await ask_and_answer(site.link(), tools), redirect_uri=None))


async def test_a_code_at_another_host_is_never_asked_for(tools: Tools, site: HostileSite, outside: Outside) -> None:
    outside.parties["shop.localhost:8704"] = Routes()
    site.routes.answers["POST /responses/r"] = says({"redirect_uri": f"http://shop.localhost:8704/codes/{'c' * 22}"})
    with pytest.raises(errors.SiteRefused, match="another host"):
        await ask_and_answer(site.link(), tools)
    assert outside.sent_to("shop.localhost") == []


async def test_an_ordered_question_discloses_each_claim_by_its_path(tools: Tools, site: HostileSite) -> None:
    site.query = asking("release", "name")
    asked = await read_request(site.link(), tools=tools)
    assert asked.consent.copies[0].paths == (("release",), ("name",))
    await answer(asked, tools=tools)
    sd_jwt = parse_sd_jwt(site.answers[0].vp_token["record"][0])
    assert {each.name for each in sd_jwt.disclosures} == {"release", "name"}
    (receipt,) = tools.keeper.load().receipts
    assert set(receipt.shown[0].claims) == {"release", "name"}
    assert record(tools).uses == 1


async def test_an_answer_whose_address_is_out_of_reach_says_that_a_stamp_was_spent(
    tools: Tools, site: HostileSite, outside: Outside
) -> None:
    asked = await read_request(site.link(), tools=tools)
    with pytest.raises(errors.SiteRefused, match="One stamp was used up"):
        await answer(replace(asked, first_party="https://public.example/"), tools=tools)
    assert site.answers == []
    assert outside.paths() == ["GET artist.localhost:8703/requests/r"]


async def test_a_site_that_names_an_authority_is_shown_only_what_that_one_vouches_for(
    tools: Tools, site: HostileSite
) -> None:
    sample = parse_sd_jwt(record(tools).instances[0].credential)
    (known,) = parse_x5c(sample.header["x5c"], what="chain").authority_key_ids
    (query,) = asking("release").credentials
    for values, fits in (((known,), True), (("A" * 27,), False)):
        authority = TrustedAuthority(type="aki", values=values)
        site.query = Query(credentials=(replace(query, trusted_authorities=(authority,)),))
        if fits:
            assert (await read_request(site.link(), tools=tools)).consent.copies
        else:
            with pytest.raises(errors.NotForThisGate):
                await read_request(site.link(), tools=tools)


async def test_an_empty_wallet_says_what_to_do_first(tools: Tools, site: HostileSite) -> None:
    tools.keeper.change(lambda wallet: (replace(wallet, copies=()), None))
    with pytest.raises(errors.NotForThisGate, match="receive an offer from your co-op first"):
        await read_request(site.link(), tools=tools)
    assert site.answers == []
