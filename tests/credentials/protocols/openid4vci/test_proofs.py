from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.encoding import base64url
from credentials.keys.jws import sign_jws
from credentials.protocols.oauth import InvalidProof
from credentials.protocols.openid4vci import Proof, build_proof_jwt, check_proof_jwt, check_proofs

if TYPE_CHECKING:
    from credentials.keys.signer import LocalSigner

COOP = "http://coop.localhost:8701"
TYP = "openid4vci-proof+jwt"
# OpenID4VCI 1.0 App. F.1, the example, typed in.
EXAMPLE_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "nUWAoAv3XZith8E7i19OdaxOLYFOwM-Z2EuM02TirT4",
    "y": "HskHU8BjUi1U9Xqi7Swmj8gwAK_0xkcDjEW_71SosEY",
}
EXAMPLE = (
    "eyJ0eXAiOiJvcGVuaWQ0dmNpLXByb29mK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwiY3J2IjoiUC0yNTYiLCJ4IjoiblVX"
    "QW9BdjNYWml0aDhFN2kxOU9kYXhPTFlGT3dNLVoyRXVNMDJUaXJUNCIsInkiOiJIc2tIVThCalVpMVU5WHFpN1N3bWo4Z3dBS18weGtjRGpFV183"
    "MVNvc0VZIn19.eyJhdWQiOiJodHRwczovL2NyZWRlbnRpYWwtaXNzdWVyLmV4YW1wbGUuY29tIiwiaWF0IjoxNzAxOTYwNDQ0LCJub25jZSI6Ikxh"
    "clJHU2JtVVBZdFJZTzZCUTR5bjgifQ.-a3EDsxClUB4O3LeDD5DVGEnNMT01FCQW4P6-2-BNBqc_Zxf0Qw4CWayLEpqkAomlkLb9zioZoipdP-jv"
    "h1WlA"
)


def build(signer: LocalSigner, now_s: int, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    return sign_jws(
        {"typ": TYP, "jwk": signer.public_key.jwk} | (header or {}),
        {"aud": COOP, "iat": now_s, "nonce": "c-nonce"} | claims,
        signer,
    )


def test_the_proof_of_the_standard_passes() -> None:
    at = datetime.fromtimestamp(1701960444, UTC)
    proof = check_proof_jwt(EXAMPLE, audience="https://credential-issuer.example.com", at=at)
    assert proof.nonce == "LarRGSbmUPYtRYO6BQ4yn8"
    assert proof.key.jwk == EXAMPLE_KEY


def test_what_is_built_passes(signer: LocalSigner, at: datetime, now_s: int) -> None:
    text = build_proof_jwt(signer=signer, audience=COOP, nonce="c-nonce", issued_at=now_s)
    assert check_proof_jwt(text, audience=COOP, at=at) == Proof(key=signer.public_key, nonce="c-nonce")


def test_every_proof_needs_its_own_key(
    signer: LocalSigner, other_signer: LocalSigner, at: datetime, now_s: int
) -> None:
    proofs = [build(signer, now_s), build(other_signer, now_s)]
    keys = [proof.key for proof in check_proofs(proofs, audience=COOP, at=at)]
    assert keys == [signer.public_key, other_signer.public_key]
    with pytest.raises(InvalidProof, match="same key"):
        check_proofs([*proofs, build(signer, now_s - 1)], audience=COOP, at=at)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "http://other.localhost:8701"}, "another issuer"),
        ({"aud": COOP + "/"}, "another issuer"),
        ({"aud": [COOP]}, "not a string"),
        ({"aud": None}, "`aud` is missing"),
        ({"nonce": None}, "`nonce` is missing"),
        ({"nonce": ""}, "empty"),
        ({"nonce": "x" * 513}, "longer"),
        ({"iat": None}, "`iat` is missing"),
        ({"iat": "1"}, "not an integer"),
    ],
)
def test_a_proof_with_a_wrong_claim_is_refused(
    signer: LocalSigner, at: datetime, now_s: int, claims: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidProof, match=reason):
        check_proof_jwt(build(signer, now_s, **claims), audience=COOP, at=at)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"typ": "JWT"}, "type"),
        ({"alg": "none"}, "ES256"),
        ({"kid": "did:example:1#1"}, "no `kid` or `x5c`"),
        ({"x5c": ["MII"]}, "no `kid` or `x5c`"),
        ({"jwk": None}, "key of the key proof"),
        ({"jwk": EXAMPLE_KEY | {"d": base64url.encode(b"\x01" * 32)}}, "private"),
        ({"jwk": EXAMPLE_KEY}, "signature"),
    ],
)
def test_a_proof_with_a_wrong_header_is_refused(
    signer: LocalSigner, at: datetime, now_s: int, header: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidProof, match=reason):
        check_proof_jwt(build(signer, now_s, header=header), audience=COOP, at=at)


def test_a_proof_without_its_key_is_refused(signer: LocalSigner, at: datetime, now_s: int) -> None:
    text = sign_jws({"typ": TYP}, {"aud": COOP, "iat": now_s, "nonce": "n"}, signer)
    with pytest.raises(InvalidProof, match="`jwk`"):
        check_proof_jwt(text, audience=COOP, at=at)


def test_an_old_or_future_proof_is_refused(signer: LocalSigner, at: datetime, now_s: int) -> None:
    for ago_s, reason in ((361, "too old"), (-61, "future")):
        with pytest.raises(InvalidProof, match=reason):
            check_proof_jwt(build(signer, now_s), audience=COOP, at=at + timedelta(seconds=ago_s))


@given(st.text(max_size=60) | st.from_regex(r"[A-Za-z0-9_-]{0,20}\.[A-Za-z0-9_-]{0,20}\.[A-Za-z0-9_-]{0,20}"))
def test_any_text_is_an_invalid_proof(text: str) -> None:
    with pytest.raises(InvalidProof):
        check_proof_jwt(text, audience=COOP, at=datetime(2026, 11, 21, tzinfo=UTC))


def test_an_endless_proof_is_refused(at: datetime) -> None:
    with pytest.raises(InvalidProof, match="24576"):
        check_proof_jwt("a" * 24577, audience=COOP, at=at)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(
    header=st.fixed_dictionaries({}, optional=dict.fromkeys(("typ", "alg", "kid", "jwk", "x5c"), JSON)),
    claims=st.fixed_dictionaries({}, optional=dict.fromkeys(("iat", "nonce"), JSON)),
)
def test_any_signed_claims_for_another_issuer_are_an_invalid_proof(
    signer: LocalSigner, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    text = build(signer, 1795248000, header=header, **({"aud": "https://other.example"} | claims))
    with pytest.raises(InvalidProof):
        check_proof_jwt(text, audience=COOP, at=datetime(2026, 11, 21, 8, 0, tzinfo=UTC))
