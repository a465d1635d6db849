from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.encoding import base64url
from credentials.keys.jws import sign_jws
from credentials.protocols.oauth import InvalidProof
from credentials.protocols.openid4vci import (
    DOOR_PASS,
    LDP_VC,
    SD_JWT_VC,
    CommitmentProof,
    Form,
    build_commitment_jwt,
    check_commitment_jwt,
    check_request_commitment,
    split_name,
)
from credentials.protocols.openid4vci.commitments import COMMITMENT_BYTES, TYP

if TYPE_CHECKING:
    from datetime import datetime

    from credentials.keys.signer import LocalSigner

COOP = "http://coop.localhost:8701"
# The first commitment of the published fixtures (cfrg-bbs-pseudonyms, SHA-256, nymCommit001), typed in.
COMMITMENT = bytes.fromhex(
    "b989fc492e2047f602504eb3e236c0acb04224c77ad0d4cbd31c887b9eb05a1f27d7acfb266fe0ae062914bfa060984c5c2ac3247080eb71fe"
    "fc7e9622ffae372425a699a298ba991a0bc5c6a3d9211347d0ce98d5c0550667269df1fb81f8fa30c07d49"
).ljust(144, b"\x01")


def build(signer: LocalSigner, now_s: int, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    return sign_jws(
        {"typ": TYP, "jwk": signer.public_key.jwk} | (header or {}),
        {"aud": COOP, "iat": now_s, "nonce": "n", "commitment_with_proof": base64url.encode(COMMITMENT)} | claims,
        signer,
    )


def test_a_commitment_is_read_as_it_was_built(signer: LocalSigner, at: datetime, now_s: int) -> None:
    text = build_commitment_jwt(
        signer=signer, audience=COOP, nonce="n", issued_at=now_s, commitment_with_proof=COMMITMENT
    )
    assert text == build(signer, now_s) or len(text) == len(build(signer, now_s))
    expected = CommitmentProof(commitment_with_proof=COMMITMENT, nonce="n")
    assert check_commitment_jwt(text, audience=COOP, at=at) == expected
    assert check_request_commitment([text], audience=COOP, at=at) == expected
    with pytest.raises(InvalidProof, match="exactly one"):
        check_request_commitment([text, text], audience=COOP, at=at)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "http://other.localhost:8701"}, "another issuer"),
        ({"aud": [COOP]}, "not a string"),
        ({"nonce": None}, "`nonce` is missing"),
        ({"nonce": "x" * 513}, "longer"),
        ({"iat": 1}, "too old"),
        ({"commitment_with_proof": None}, "is missing"),
        ({"commitment_with_proof": "AAAA"}, "exactly one secret"),
        # A second secret would be a second set of pseudonyms.
        ({"commitment_with_proof": base64url.encode(bytes(COMMITMENT_BYTES + 32))}, "exactly one secret"),
        ({"commitment_with_proof": "+" * 192}, "base64url"),
        ({"commitment_with_proof": "A" * 2049}, "longer"),
    ],
)
def test_a_commitment_with_a_wrong_claim_is_refused(
    signer: LocalSigner, at: datetime, now_s: int, claims: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidProof, match=reason):
        check_commitment_jwt(build(signer, now_s, **claims), audience=COOP, at=at)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"typ": "openid4vci-proof+jwt"}, "typ"),
        ({"kid": "x"}, "`kid`"),
        ({"jwk": {"kty": "EC"}}, "key of the commitment proof"),
    ],
)
def test_a_commitment_with_a_wrong_header_is_refused(
    signer: LocalSigner, at: datetime, now_s: int, header: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidProof, match=reason):
        check_commitment_jwt(build(signer, now_s, header=header), audience=COOP, at=at)


def test_a_commitment_signed_by_another_key_is_refused(
    signer: LocalSigner, other_signer: LocalSigner, at: datetime, now_s: int
) -> None:
    with pytest.raises(InvalidProof, match="signature"):
        check_commitment_jwt(build(signer, now_s, header={"jwk": other_signer.public_key.jwk}), audience=COOP, at=at)


@given(st.text(max_size=60) | st.just("x" * 2049))
def test_any_text_is_an_invalid_proof(text: str) -> None:
    from datetime import UTC, datetime  # noqa: PLC0415

    with pytest.raises(InvalidProof):
        check_commitment_jwt(text, audience=COOP, at=datetime(2026, 11, 21, tzinfo=UTC))


def test_every_form_has_a_name_of_its_own() -> None:
    assert [form.of("T") for form in Form] == ["T", "T.bbs", "T.pseudonym", "T.door", "T.eddsa"]
    assert all(split_name(form.of("T")) == ("T", form) for form in Form)
    assert {form.format for form in Form} == {SD_JWT_VC, LDP_VC, DOOR_PASS}


@pytest.mark.parametrize("name", ["T.", "T.x", "T.bbs.bbs", "T.BBS"])
def test_a_form_that_nobody_knows_is_none(name: str) -> None:
    assert split_name(name) == ("T", None)
