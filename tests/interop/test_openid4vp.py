"""OpenID4VP messages between our code and @openid4vc/openid4vp: requests and answers, in both directions."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from credentials.keys.encryption import DecryptionKey
from credentials.protocols.dcql import ClaimQuery, CredentialQuery, CredentialSet, Query
from credentials.protocols.handshake import Handshake
from credentials.protocols.oauth import parse_form
from credentials.protocols.openid4vp import (
    DIRECT_POST_JWT,
    AuthorizationRequest,
    AuthorizationResponse,
    ClientMetadata,
    RequestReference,
    RequestUriPost,
    ResponseDecryption,
    build_client_id,
    build_hash_client_id,
    build_request_link,
    build_request_object,
    parse_request_link,
    parse_response_form,
    verify_request_object,
)
from plumbing.clock import system_clock
from schemas import RELEASE_OWNERSHIP, TRACK_OWNERSHIP

if TYPE_CHECKING:
    from credentials.protocols.openid4vp.links import Method

PRESENTATION = "header.payload.signature~disclosure~binding.by.holder"
TRACK = "3f1c2a52-6a0b-4a7e-9d4a-3f0a7c9e1d11"
RELEASE = "b2c0e9d4-17f0-4e55-8b0e-2f7c5d9a6e22"


def make_query() -> Query:
    """What a gate for one track asks: the track, or a release that holds it."""
    track = CredentialQuery(
        id="track",
        vct_values=(TRACK_OWNERSHIP.vct,),
        claims=(ClaimQuery(path=("track",), values=(TRACK,)),),
    )
    release = CredentialQuery(
        id="release",
        vct_values=(RELEASE_OWNERSHIP.vct,),
        claims=(ClaimQuery(path=("release",), values=(RELEASE,)),),
    )
    return Query(credentials=(track, release), credential_sets=(CredentialSet(options=(("release",), ("track",))),))


def make_request(world: Any) -> AuthorizationRequest:
    handshake = Handshake.build(text="For your own ears.", language="en", random=secrets.token_bytes)
    return AuthorizationRequest(
        client_id=build_client_id(world.site.host),
        nonce=handshake.nonce,
        state="state-of-this-visit",
        response_uri=f"{world.site.url}/responses/1",
        dcql=make_query(),
        handshake=handshake,
        issued_at=world.now_s,
        expires_at=world.now_s + 3600,
    )


def respond(world: Any, request: AuthorizationRequest, *, signed_by: Any, method: Method = "get") -> dict[str, Any]:
    reference = RequestReference(client_id=request.client_id, request_uri=f"{world.site.url}/requests/1", method=method)
    signed = build_request_object(request, signer=signed_by.signer, x5c=signed_by.x5c)
    return {
        "link": build_request_link(reference),
        "vpToken": {"track": [PRESENTATION]},
        "answers": {
            reference.request_uri: {"body": signed, "type": "application/oauth-authz-req+jwt"},
            request.response_uri: {"body": "{}", "type": "application/json"},
        },
    }


def test_their_wallet_reads_our_request_and_we_read_its_answer(node: Any, world: Any) -> None:
    request = make_request(world)
    seen = node("openid4vp", "respond", **respond(world, request, signed_by=world.site))
    assert seen["client"]["prefix"] == "x509_san_dns"
    assert [each["id"] for each in seen["dcql"]["query"]["credentials"]] == ["track", "release"]
    (answer,) = (message for message in seen["sent"] if message["url"] == request.response_uri)
    read = parse_response_form(answer["body"].encode())
    assert isinstance(read, AuthorizationResponse)
    assert read.vp_token == {"track": (PRESENTATION,)}
    assert read.state == request.state


@pytest.mark.parametrize("enc", ["A128GCM", "A256GCM"])
def test_their_wallet_asks_by_post_knows_us_by_our_certificate_and_encrypts_its_answer(
    node: Any, world: Any, enc: str
) -> None:
    key = DecryptionKey.generate()
    request = replace(
        make_request(world),
        client_id=build_hash_client_id(world.site.x5c),
        response_mode=DIRECT_POST_JWT,
        client_metadata=ClientMetadata(encryption_keys=(key.public_jwk,), encryption_encs=("A128GCM", "A256GCM")),
    )
    seen = node("openid4vp", "respond", **respond(world, request, signed_by=world.site, method="post"), enc=enc)
    assert seen["client"]["prefix"] == "x509_hash"
    asked, answered = seen["sent"]
    assert asked["method"].lower() == "post"
    # This library sends members of its metadata as parameters of their own, and no nonce: both are ignored (§5.10).
    assert RequestUriPost.parse_form((asked["body"] or "").encode()) == RequestUriPost()
    assert set(parse_form(answered["body"].encode())) == {"response"}
    read = parse_response_form(answered["body"].encode(), decryption=ResponseDecryption(key=key))
    assert read == AuthorizationResponse(vp_token={"track": (PRESENTATION,)}, state=request.state)


def test_their_wallet_refuses_another_certificate_than_the_hash_names(node: Any, world: Any) -> None:
    request = replace(make_request(world), client_id=build_hash_client_id(world.coop.x5c))
    reason = node.refusal("openid4vp", "respond", **respond(world, request, signed_by=world.site))
    assert "hash" in reason or "client" in reason


def test_their_wallet_refuses_a_request_that_another_host_signed(node: Any, world: Any) -> None:
    request = make_request(world)
    reason = node.refusal("openid4vp", "respond", **respond(world, request, signed_by=world.coop))
    assert "SAN DNS" in reason or "client" in reason


@pytest.fixture(scope="module")
def asked(node: Any, world: Any) -> dict[str, Any]:
    """A request made by their verifier."""
    made = node(
        "openid4vp",
        "request",
        payload={
            "response_type": "vp_token",
            "response_mode": "direct_post",
            "client_id": build_client_id(world.site.host),
            "response_uri": f"{world.site.url}/answers",
            "nonce": world.nonce,
            "state": "their-state",
            "dcql_query": make_query().to_json(),
            "aud": "https://self-issued.me/v2",
            "client_metadata": {
                "vp_formats_supported": {"dc+sd-jwt": {"sd-jwt_alg_values": ["ES256"], "kb-jwt_alg_values": ["ES256"]}}
            },
        },
        requestUri=f"{world.site.url}/request",
        privateJwk=world.site.private_jwk,
        x5c=world.site.x5c,
    )
    assert isinstance(made, dict)
    return {**made, "at": system_clock()}


def test_we_read_a_request_of_their_verifier(asked: dict[str, Any], world: Any) -> None:
    reference = parse_request_link(asked["link"])
    assert reference.request_uri == f"{world.site.url}/request"
    request = verify_request_object(asked["object"], reference=reference, anchors=(world.anchor,), at=asked["at"])
    assert request.nonce == world.nonce
    assert request.state == "their-state"
    assert request.dcql == make_query()


@pytest.mark.parametrize("enc", ["A128GCM", "A256GCM"])
def test_their_verifier_opens_an_answer_that_our_wallet_encrypted(node: Any, world: Any, enc: str) -> None:
    key = world.site.public_jwk | {"kid": "for this request", "use": "enc", "alg": "ECDH-ES"}
    asked = replace(
        make_request(world),
        response_mode=DIRECT_POST_JWT,
        client_metadata=ClientMetadata(encryption_keys=(key,), encryption_encs=(enc,)),
    )
    answer = AuthorizationResponse(vp_token={"track": (PRESENTATION,)}, state=asked.state)
    form = parse_form(answer.to_form(asked.encryption))
    read = node(
        "openid4vp", "read", payload=asked.to_json(), response=form["response"], privateJwk=world.site.private_jwk
    )
    assert read == {"vp_token": {"track": [PRESENTATION]}, "state": asked.state}
