"""Four names to ask under, requests by POST with the wallet's nonce, and encrypted answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from credentials.dids import Relation, parse_did_document
from credentials.dids.document import key_url
from credentials.encoding import strict_json
from credentials.keys.encryption import DecryptionKey, encrypt
from credentials.protocols.oauth import build_form
from credentials.protocols.openid4vp import (
    AuthorizationRequest,
    AuthorizationResponse,
    ErrorResponse,
    PlainInLink,
    Prefix,
    RequestReference,
    build_request_uri_post,
    check_plain_request,
    parse_request_link,
    verify_request_object,
)
from credentials.protocols.openid4vp.metadata import OUR_WALLET
from tests.verifier.conftest import ARTIST, FORM, PAGE, Site, Visitor
from verifier.app import build_verifier_app
from verifier.party import AnswerKeys, RequestSigner
from verifier.visits import Requested

if TYPE_CHECKING:
    import httpx

    from verifier.gates import Gate
    from verifier.parts import VerifierParts

ALIVE = [Prefix.X509_SAN_DNS, Prefix.X509_HASH, Prefix.DECENTRALIZED_IDENTIFIER]


def named(site: Site, prefix: Prefix, *, encrypted: bool = False, by_post: bool = False) -> Site:
    """Return the same site under another kind of name."""
    party = replace(site.parts.party, prefix=prefix, fetched_by_post=by_post)
    signer: RequestSigner | None = site.parts.request_signer
    assert signer is not None
    if prefix is Prefix.X509_HASH:
        party = replace(party, x5c=signer.x5c)
    if prefix is Prefix.DECENTRALIZED_IDENTIFIER:
        signer = RequestSigner(signer=signer.signer, kid=key_url(party.did, signer.signer.public_key))
    if prefix is Prefix.REDIRECT_URI:
        signer = None
    keys = AnswerKeys(b"s" * 32) if encrypted else None
    parts: VerifierParts = replace(site.parts, party=party, request_signer=signer, answer_keys=keys)
    return replace(site, parts=parts, app=build_verifier_app(parts))


async def asked(site: Site, visitor: Visitor, device: str = "cross_device", **post: str) -> AuthorizationRequest:
    """Fetch the request as a wallet would, and prove who asks."""
    reference = parse_request_link(visitor.links[device])
    if isinstance(reference, PlainInLink):
        return check_plain_request(reference)
    assert isinstance(reference, RequestReference)
    if post:
        body = build_request_uri_post(post["nonce"])
        reply = await visitor.http.post(reference.request_uri, content=body, headers=FORM)
    else:
        reply = await visitor.http.get(reference.request_uri)
    assert reply.status_code == 200, reply.text
    did = await visitor.http.get("/.well-known/did.json")
    keys = None
    if did.status_code == 200:
        keys = parse_did_document(did.content, did=site.parts.party.did).keys_for(Relation.AUTHENTICATION)
    return verify_request_object(
        reply.text,
        reference=reference,
        anchors=(visitor.anchor,),
        at=visitor.clock(),
        did_keys=keys,
        wallet_nonce=post.get("nonce"),
    )


def answer(visitor: Visitor, request: AuthorizationRequest) -> bytes:
    presentation = visitor.present(request)
    return AuthorizationResponse(vp_token={"release": (presentation,)}, state=request.state).to_form(request.encryption)


@pytest.mark.parametrize("prefix", list(Prefix))
@pytest.mark.parametrize("encrypted", [False, True])
async def test_an_answer_opens_under_each_name_plain_and_encrypted(
    site: Site, gate: Gate, prefix: Prefix, encrypted: bool
) -> None:
    here = named(site, prefix, encrypted=encrypted)
    visitor = await here.visitor().start(gate)
    for device in ("same_device", "cross_device"):
        assert (await asked(here, visitor, device)).client_id.startswith(f"{prefix.value}:")
    request = await asked(here, visitor)
    assert (request.encryption is not None) is encrypted
    reply = await visitor.send(request, answer(visitor, request))
    assert (reply.status_code, reply.json()) == (200, {})


@pytest.mark.parametrize("prefix", ALIVE)
async def test_a_request_fetched_by_post_repeats_the_wallets_nonce(site: Site, gate: Gate, prefix: Prefix) -> None:
    here = named(site, prefix, by_post=True)
    visitor = await here.visitor().start(gate)
    reference = parse_request_link(visitor.links["cross_device"])
    assert isinstance(reference, RequestReference)
    assert reference.method == "post"
    assert (await asked(here, visitor, nonce="n" * 43)).wallet_nonce == "n" * 43


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"vp_formats_supported": {"mso_mdoc": {}}}, "wallet_not_served"),
        ({"vp_formats_supported": {"dc+sd-jwt": {}}}, "wallet_not_served"),  # §10: without prefixes, pre-registered
        ({"vp_formats": {"dc+sd-jwt": {}}, "client_id_prefixes_supported": ["x509_san_dns"]}, None),  # older naming
    ],
)
async def test_a_wallet_that_cannot_answer_hears_it_before_it_tries(
    site: Site, gate: Gate, said: dict[str, strict_json.Json], code: str | None
) -> None:
    visitor = await site.visitor().start(gate)
    reference = parse_request_link(visitor.links["cross_device"])
    assert isinstance(reference, RequestReference)
    body = build_request_uri_post("n" * 22, metadata=said)
    reply = await visitor.http.post(reference.request_uri, content=body, headers=FORM)
    assert (reply.status_code == 200) is (code is None)
    if code:
        assert reply.json()["code"] == code


async def test_a_question_for_a_request_that_is_no_form_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    reference = parse_request_link(visitor.links["cross_device"])
    assert isinstance(reference, RequestReference)
    as_json = await visitor.http.post(
        reference.request_uri, content=b"{}", headers={"Content-Type": "application/json"}
    )
    assert (as_json.status_code, as_json.json()["code"]) == (400, "malformed")
    unread = await visitor.http.post(reference.request_uri, content=b"wallet_metadata=x", headers=FORM)
    assert (unread.status_code, unread.json()["error"]) == (400, "invalid_request")


async def test_our_own_wallet_is_served_under_every_name(site: Site, gate: Gate) -> None:
    prefixes = OUR_WALLET["client_id_prefixes_supported"]
    assert isinstance(prefixes, list)
    assert {prefix.value for prefix in Prefix} <= set(prefixes)
    here = named(site, Prefix.REDIRECT_URI)
    visitor = await here.visitor().start(gate)
    request = await asked(here, visitor)
    # Unsigned, it stands in the link; there is nothing to fetch.
    gone = await visitor.http.get(f"/requests/{request.response_uri.rpartition('/')[2]}")
    assert gone.json()["code"] == "no_such_request"


async def test_an_unsigned_request_still_fits_a_code_to_scan(site: Site, gate: Gate) -> None:
    visitor = await named(site, Prefix.REDIRECT_URI, encrypted=True).visitor().start(gate)
    drawn = await visitor.http.get(f"{visitor.visit}/qr.svg")
    assert drawn.status_code == 200
    assert (await visitor.http.get(visitor.visit, headers=PAGE)).status_code == 200


async def test_a_site_without_a_did_has_no_document(site: Site) -> None:
    reply = await site.visitor().http.get("/.well-known/did.json")
    assert (reply.status_code, reply.json()["code"]) == (404, "no_did")


async def test_each_request_has_a_key_of_its_own_that_lies_encrypted(site: Site, gate: Gate) -> None:
    here = named(site, Prefix.X509_SAN_DNS, encrypted=True)
    visitor = await here.visitor().start(gate)
    keys = {str((await asked(here, visitor, device)).encryption) for device in ("same_device", "cross_device")}
    assert len(keys) == 2
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in here.dump()
    assert b"BEGIN PRIVATE KEY" not in here.dump()


async def test_the_request_says_what_it_takes_under_the_final_names_only(site: Site, gate: Gate) -> None:
    here = named(site, Prefix.X509_SAN_DNS, encrypted=True)
    visitor = await here.visitor().start(gate)
    written = (await asked(here, visitor)).to_json()
    metadata = written["client_metadata"]
    assert isinstance(metadata, dict)
    assert "vp_formats" not in metadata
    formats = metadata["vp_formats_supported"]
    assert isinstance(formats, dict)
    assert isinstance(formats["dc+sd-jwt"], dict)
    assert formats["dc+sd-jwt"]["sd-jwt_alg_values"] == ["ES256", "ES384", "Ed25519"]
    assert metadata["encrypted_response_enc_values_supported"] == ["A128GCM", "A256GCM"]
    assert written["response_mode"] == "direct_post.jwt"


def encrypted_to(request: AuthorizationRequest, parameters: dict[str, strict_json.Json], enc: str = "A128GCM") -> bytes:
    assert request.encryption is not None
    return build_form({"response": encrypt(strict_json.dump(parameters), to=request.encryption.key, enc=enc)})


async def refused(visitor: Visitor, request: AuthorizationRequest, form: bytes) -> str:
    reply = await visitor.send(request, form)
    assert reply.status_code == 400
    return str(reply.json()["code"])


async def test_what_was_asked_encrypted_and_comes_otherwise_is_refused_and_costs_no_try(site: Site, gate: Gate) -> None:
    here = named(site, Prefix.X509_SAN_DNS, encrypted=True)
    visitor = await here.visitor().start(gate)
    request = await asked(here, visitor)
    shown = visitor.present(request)
    plain = AuthorizationResponse(vp_token={"release": (shown,)}, state=request.state).to_form()
    assert await refused(visitor, request, plain) == "plain_response"
    stranger = DecryptionKey.generate().public_jwk
    to_another = build_form({"response": encrypt(b"{}", to=stranger, enc="A256GCM")})
    assert await refused(visitor, request, to_another) == "unreadable_encryption"
    stateless = encrypted_to(request, {"vp_token": {"release": [shown]}})
    assert await refused(visitor, request, stateless) == "wrong_state"
    # The state that stands beside it was not encrypted, so it says nothing.
    beside = stateless + b"&state=" + str(request.state).encode()
    assert await refused(visitor, request, beside) == "wrong_state"
    with here.parts.work.read() as stores:
        visit = stores.load_visit(visitor.visit.rpartition("/")[2])
    assert isinstance(visit, Requested)
    assert visit.failed_answers == 0


async def test_what_was_asked_plain_and_comes_encrypted_is_refused(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await asked(site, visitor)
    key = DecryptionKey.generate().public_jwk
    form = build_form({"response": encrypt(b"{}", to=key, enc="A256GCM"), "state": request.state or ""})
    assert await refused(visitor, request, form) == "encrypted_response"


async def test_an_encrypted_answer_to_the_other_request_of_the_visit_is_refused(site: Site, gate: Gate) -> None:
    here = named(site, Prefix.X509_SAN_DNS, encrypted=True)
    visitor = await here.visitor().start(gate)
    mine, other = await asked(here, visitor, "same_device"), await asked(here, visitor, "cross_device")
    assert await refused(visitor, other, answer(visitor, mine)) == "unreadable_encryption"


async def test_a_vp_token_of_an_older_draft_is_refused_in_words_also_when_encrypted(site: Site, gate: Gate) -> None:
    here = named(site, Prefix.X509_SAN_DNS, encrypted=True)
    visitor = await here.visitor().start(gate)
    request = await asked(here, visitor)
    older = encrypted_to(request, {"vp_token": {"release": visitor.present(request)}, "state": request.state})
    assert await refused(visitor, request, older) == "vp_token_not_arrays"


@pytest.mark.parametrize("hidden", [False, True])
async def test_a_wallet_may_say_no_also_where_answers_are_encrypted(site: Site, gate: Gate, hidden: bool) -> None:
    here = named(site, Prefix.X509_SAN_DNS, encrypted=True)
    visitor = await here.visitor().start(gate)
    request = await asked(here, visitor)
    no = ErrorResponse(error="access_denied", state=request.state)
    reply: httpx.Response = await visitor.send(request, no.to_form(request.encryption if hidden else None))
    assert (reply.status_code, reply.json()) == (200, {})


async def test_a_wrong_type_is_refused_with_the_type_that_is_wanted(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("cross_device")
    credential = visitor.coop.issue(visitor.holder, "urn:example:hat:1")
    reply = await visitor.send(request, visitor.answer(request, credential=credential))
    assert reply.json()["code"] == "unknown_type"
    assert "urn:handstamp:credential:release-ownership:1" in reply.json()["error_description"]


@pytest.mark.parametrize("prefix", list(Prefix))
async def test_an_audience_without_its_prefix_is_refused_under_every_name(
    site: Site, gate: Gate, prefix: Prefix
) -> None:
    here = named(site, prefix)
    visitor = await here.visitor().start(gate)
    request = await asked(here, visitor)
    form = visitor.answer(request, audience=request.client_id.partition(":")[2])
    assert await refused(visitor, request, form) == "wrong_audience"


def test_the_did_of_a_site_carries_its_port(site: Site) -> None:
    assert site.parts.party.did == "did:web:artist.localhost%3A8703"
    assert site.parts.party.base_url == ARTIST
