from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.keys.jws import sign_jws
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.protocols.client_attestation import check_client_attestation
from credentials.protocols.oauth import InvalidClient, InvalidProof
from credentials.protocols.openid4vci import (
    AttestationRules,
    CredentialRequest,
    build_proof_jwt,
    check_key_attestation,
    check_request_proofs,
)
from tests.support.attesting import CLIENT_ID, ENDS, make_provider

if TYPE_CHECKING:
    from datetime import datetime

COOP = "https://coop.example"
NONCE = "wKI4LT17ac15ES9bw8ac4"


def request(*proofs: str, kind: Any = "jwt") -> CredentialRequest:
    return CredentialRequest(credential_identifier="copy-1", proofs=proofs, proof_type=kind)


def jwt(key: LocalSigner, at: datetime, attestation: str | None = None, nonce: str = NONCE) -> str:
    return build_proof_jwt(
        signer=key, audience=COOP, nonce=nonce, issued_at=int(at.timestamp()), key_attestation=attestation
    )


@pytest.mark.parametrize("bare", [False, True])
def test_one_attestation_binds_every_key_that_it_holds(at: datetime, *, bare: bool) -> None:
    provider = make_provider("bare" if bare else "Wallet provider", bare=bare)
    keys = [LocalSigner.generate() for _ in range(3)]
    text = provider.attest_keys(keys, nonce=NONCE, now=at)
    rules = AttestationRules(anchors=(provider.anchor,), required=True)
    for asked in (request(text, kind="attestation"), request(jwt(keys[1], at, text))):
        proofs = check_request_proofs(asked, audience=COOP, at=at, rules=rules)
        assert {proof.key.thumbprint for proof in proofs} == {key.public_key.thumbprint for key in keys}
        assert {proof.nonce for proof in proofs} == {NONCE}
    assert check_key_attestation(text, anchors=(provider.anchor,), at=at).key_storage == ("iso_18045_moderate",)


def test_an_attestation_by_itself_is_worth_nothing_without_a_trusted_attester(at: datetime) -> None:
    text = make_provider().attest_keys([LocalSigner.generate()], nonce=NONCE, now=at)
    for anchors in ((), (make_provider("Somebody else").anchor,)):
        with pytest.raises(InvalidProof, match="nobody whom this co-op trusts"):
            check_request_proofs(
                request(text, kind="attestation"), audience=COOP, at=at, rules=AttestationRules(anchors=anchors)
            )


def test_beside_a_proof_it_is_passed_over_by_who_trusts_no_attester(at: datetime) -> None:
    key = LocalSigner.generate()
    [proof] = check_request_proofs(request(jwt(key, at, "nonsense")), audience=COOP, at=at)
    assert proof.key.thumbprint == key.public_key.thumbprint


def test_an_attestation_that_is_no_text_is_refused(at: datetime) -> None:
    key = LocalSigner.generate()
    header: dict[str, Any] = {"typ": "openid4vci-proof+jwt", "jwk": key.public_key.jwk, "key_attestation": {}}
    proof = sign_jws(header, {"aud": COOP, "iat": int(at.timestamp()), "nonce": NONCE}, key)
    with pytest.raises(InvalidProof, match="not a JWT"):
        check_request_proofs(
            request(proof), audience=COOP, at=at, rules=AttestationRules(anchors=(make_provider().anchor,))
        )


def test_a_key_without_attestation_is_refused_where_one_is_required(at: datetime) -> None:
    rules = AttestationRules(anchors=(make_provider().anchor,), required=True)
    with pytest.raises(InvalidProof, match="only to keys with a key attestation"):
        check_request_proofs(request(jwt(LocalSigner.generate(), at)), audience=COOP, at=at, rules=rules)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"expires_at": 1_700_000_000}, "its time is over"),
        ({"issued_at": 4_000_000_000}, "dated in the future"),
        ({"expires_at": None}, "`exp` is missing"),
        ({"nonce": "another"}, "another c_nonce"),
        ({"nonce": None}, "`nonce` is missing"),
        ({"keys": []}, "`attested_keys` is missing"),
        ({"keys": [LocalSigner.generate()]}, "does not hold"),
        ({"signer": LocalSigner.generate()}, "signature"),
        ({"x5c": []}, "x5c"),
        ({"x5c": ["AAAA"]}, "not a certificate"),
    ],
)
def test_a_wrong_attestation_beside_a_proof_is_refused(at: datetime, change: dict[str, Any], reason: str) -> None:
    provider, key = make_provider(), LocalSigner.generate()
    text = provider.attest_keys(**{"keys": [key], "nonce": NONCE, "now": at, **change})
    with pytest.raises(InvalidProof, match=reason):
        check_request_proofs(
            request(jwt(key, at, text)),
            audience=COOP,
            at=at,
            rules=AttestationRules(anchors=(provider.anchor,)),
        )


def test_keys_that_would_tell_holders_apart_or_are_too_many_are_refused(at: datetime) -> None:
    provider = make_provider()
    rules = AttestationRules(anchors=(provider.anchor,))
    other_kind = LocalSigner.generate(KeyKind.ED25519)
    text = provider.attest_keys([other_kind], nonce=NONCE, now=at)
    with pytest.raises(InvalidProof, match="another kind"):
        check_request_proofs(request(text, kind="attestation"), audience=COOP, at=at, rules=rules)
    keys = [LocalSigner.generate() for _ in range(12)]
    twice = [jwt(part[0], at, provider.attest_keys(part, nonce=NONCE, now=at)) for part in (keys, keys[:1] + keys)]
    with pytest.raises(InvalidProof):
        check_request_proofs(request(*twice), audience=COOP, at=at, rules=rules)
    more = [LocalSigner.generate() for _ in range(12)]
    both = [jwt(part[0], at, provider.attest_keys(part, nonce=NONCE, now=at)) for part in (keys, more)]
    with pytest.raises(InvalidProof, match="more than 20"):
        check_request_proofs(request(*both), audience=COOP, at=at, rules=rules)


def test_an_attester_whose_certificate_has_ended_vouches_for_nobody() -> None:
    provider = make_provider()
    late = ENDS + timedelta(days=1)
    text = provider.attest_keys([LocalSigner.generate()], nonce=NONCE, now=late)
    with pytest.raises(InvalidProof, match="nobody whom"):
        check_key_attestation(text, anchors=(provider.anchor,), at=late)


def test_another_type_of_token_is_no_attestation_and_an_older_spelling_is(at: datetime) -> None:
    provider = make_provider()
    now = int(at.timestamp())
    claims: dict[str, Any] = {"iat": now, "nonce": NONCE, "attested_keys": [LocalSigner.generate().public_key.jwk]}
    older = sign_jws({"typ": "keyattestation+jwt", "x5c": list(provider.x5c)}, claims, provider.signer)
    assert check_key_attestation(older, anchors=(provider.anchor,), at=at).nonce == NONCE
    other = sign_jws({"typ": "JWT", "x5c": list(provider.x5c)}, claims, provider.signer)
    with pytest.raises(InvalidProof, match="key-attestation"):
        check_key_attestation(other, anchors=(provider.anchor,), at=at)


@given(st.text(max_size=60))
def test_any_text_is_refused_as_an_attestation(text: str) -> None:
    with pytest.raises(InvalidProof):
        check_key_attestation(text, anchors=(make_provider().anchor,), at=ENDS - timedelta(days=1))


# Wallet attestations


def check_wallet(at: datetime, attestation: str | None, pop: str | None) -> str:
    anchors = (make_provider().anchor,)
    return check_client_attestation(attestation, pop, anchors=anchors, audience=COOP, at=at).client_id


def test_a_wallet_that_its_provider_vouches_for_is_known(at: datetime) -> None:
    provider = make_provider()
    attestation = provider.attest_wallet(now=at)
    pop = provider.prove_wallet(audience=COOP, now=at, jti="a-unique-jti")
    assert check_wallet(at, attestation, pop) == CLIENT_ID


@pytest.mark.parametrize(
    ("attested", "proven", "reason"),
    [
        ({"expires_at": 1_700_000_000}, {}, "has expired"),
        ({"signer": LocalSigner.generate()}, {}, "signature"),
        ({"key": LocalSigner.generate().public_key}, {}, "signature"),
        ({"client_id": "https://another.example"}, {}, "another wallet"),
        ({"x5c": []}, {}, "x5c"),
        ({}, {"audience": "https://another.example"}, "another server"),
        ({}, {"issued_at": 1_700_000_000}, "too old"),
        ({}, {"jti": "short"}, "jti"),
    ],
)
def test_a_wrong_wallet_attestation_is_refused(
    at: datetime, attested: dict[str, Any], proven: dict[str, Any], reason: str
) -> None:
    provider = make_provider()
    attestation = provider.attest_wallet(now=at, **attested)
    pop = provider.prove_wallet(**{"audience": COOP, "now": at, "jti": "a-unique-jti", **proven})
    with pytest.raises(InvalidClient, match=reason):
        check_wallet(at, attestation, pop)


def test_a_missing_half_is_no_attestation(at: datetime) -> None:
    provider = make_provider()
    attestation = provider.attest_wallet(now=at)
    pop = provider.prove_wallet(audience=COOP, now=at, jti="a-unique-jti")
    for pair in ((None, pop), (attestation, None), (pop, attestation), (f"{attestation},{attestation}", pop)):
        with pytest.raises(InvalidClient):
            check_wallet(at, *pair)


def test_an_attestation_of_tomorrow_is_refused(at: datetime) -> None:
    provider = make_provider()
    now = int(at.timestamp())
    key = provider.app.public_key.jwk
    claims: dict[str, Any] = {"sub": CLIENT_ID, "exp": now + 99_999, "nbf": now + 3600, "cnf": {"jwk": key}}
    attestation = sign_jws({"typ": "oauth-client-attestation+jwt", "x5c": list(provider.x5c)}, claims, provider.signer)
    with pytest.raises(InvalidClient, match="not valid yet"):
        check_wallet(at, attestation, provider.prove_wallet(audience=COOP, now=at, jti="a-unique-jti"))
