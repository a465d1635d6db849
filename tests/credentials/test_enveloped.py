from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from credentials.bbs import BbsSecretKey
from credentials.data_integrity import errors
from credentials.data_integrity.keys import find_key_in
from credentials.dids.did import parse_did
from credentials.dids.did_key import build_did_key, read_did_key
from credentials.dids.errors import DidKeyUnknown
from credentials.encoding import base64url
from credentials.enveloped import (
    Envelope,
    EnvelopeKind,
    WrongTokenIssuer,
    build_envelope,
    is_enveloped,
    sign_envelope,
)
from credentials.errors import Malformed
from credentials.keys.errors import BadSignature, UnsupportedAlgorithm, WrongTyp
from credentials.keys.jws import sign_jws
from credentials.keys.signer import LocalSigner
from credentials.refusals import Expired, NotYetValid
from credentials.sd_jwt.disclosure import digest_sha256

if TYPE_CHECKING:
    from collections.abc import Mapping

    from credentials.errors import HandstampError

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
SIGNER = LocalSigner.generate()
DID = build_did_key(SIGNER.public_key)
METHOD = f"{DID}#{SIGNER.public_key.multikey}"
CREDENTIAL: dict[str, Any] = {
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "type": ["VerifiableCredential"],
    "issuer": {"id": DID},
    "credentialSubject": {"description": "Was there"},
}
FIND = find_key_in({DID: read_did_key(parse_did(DID, what="DID"))})


def sign(claims: Mapping[str, Any] | None = None, **header: Any) -> dict[str, Any]:
    """Carry whatever claims an issuer could sign, under whatever header."""
    usual = {"typ": "vc+jwt", "kid": METHOD}
    members = {name: value for name, value in (usual | header).items() if value is not ...}
    token = sign_jws(members, {**CREDENTIAL, **(claims or {})}, SIGNER)
    return build_envelope(token, kind=EnvelopeKind.CREDENTIAL_JWT)


def verify(value: Mapping[str, Any], **asked: Any) -> Mapping[str, Any]:
    envelope = Envelope.parse(value)
    envelope.verify(**({"find_key": FIND, "at": NOW} | asked))
    return envelope.document


def test_a_credential_comes_out_of_its_token_as_it_went_in() -> None:
    carried = sign_envelope(
        CREDENTIAL,
        kind=EnvelopeKind.CREDENTIAL_JWT,
        signer=SIGNER,
        verification_method=METHOD,
        claims={"iss": DID, "exp": NOW.timestamp() + 1},
    )
    assert is_enveloped(carried)
    assert not is_enveloped(CREDENTIAL)
    for strange in ({"type": [["EnvelopedVerifiableCredential"]]}, {"type": {}}, {}):
        assert not is_enveloped(strange)
    assert carried["type"] == "EnvelopedVerifiableCredential"
    assert str(carried["id"]).startswith("data:application/vc+jwt,ey")
    assert verify(carried) == CREDENTIAL
    assert verify({**carried, "type": [carried["type"]], "@context": [carried["@context"]]}) == CREDENTIAL


def _sd_jwt(*, typ: str = "vc+sd-jwt") -> str:
    parts: list[Any] = [base64url.encode(secrets.token_bytes(16)), "description", "Was there"]
    disclosure = base64url.encode(str(parts).replace("'", '"').encode())
    subject = {"_sd": [digest_sha256(disclosure)], "name": "Listener"}
    claims = {**CREDENTIAL, "credentialSubject": subject, "_sd_alg": "sha-256"}
    return f"{sign_jws({'typ': typ, 'kid': METHOD}, claims, SIGNER)}~{disclosure}~"


def test_of_an_sd_jwt_comes_out_what_is_disclosed() -> None:
    shown = _sd_jwt()
    hidden = shown.partition("~")[0] + "~"
    all_claims = {"name": "Listener", "description": "Was there"}
    for token, subject in ((shown, all_claims), (hidden, {"name": "Listener"})):
        carried = build_envelope(token, kind=EnvelopeKind.CREDENTIAL_SD_JWT)
        assert verify(carried) == {**CREDENTIAL, "credentialSubject": subject}


def test_an_sd_jwt_of_another_type_or_with_a_key_binding_is_refused() -> None:
    with pytest.raises(WrongTyp):
        Envelope.parse_token(_sd_jwt(typ="dc+sd-jwt"), kind=EnvelopeKind.CREDENTIAL_SD_JWT)
    with pytest.raises(Malformed, match="key binding"):
        Envelope.parse_token(f"{_sd_jwt()}e.e.e", kind=EnvelopeKind.CREDENTIAL_SD_JWT)


@pytest.mark.parametrize(
    "changes",
    [
        {"@context": "https://www.w3.org/2018/credentials/v1"},
        {"@context": None},
        {"id": None},
        {"id": "https://coop.example/credential"},
        {"id": "data:application/vc+cose,eyJ"},
        {"id": "data:application/vc+jwt,eyJ"},
        {"type": ["EnvelopedVerifiableCredential", "VerifiableCredential"]},
        {"type": "EnvelopedVerifiablePresentation"},
    ],
    ids=str,
)
def test_an_object_that_carries_no_token_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        Envelope.parse({**sign(), **changes})


@pytest.mark.parametrize(
    ("claims", "header", "refusal"),
    [
        ({}, {"typ": "dc+sd-jwt"}, WrongTyp),
        ({}, {"typ": ...}, WrongTyp),
        ({}, {"kid": ...}, Malformed),
        ({}, {"alg": "none"}, UnsupportedAlgorithm),
        ({"vc": {}}, {}, Malformed),
        ({"vp": {}}, {}, Malformed),
    ],
    ids=["typ", "no typ", "no kid", "alg", "vc", "vp"],
)
def test_a_token_of_another_kind_is_refused(
    claims: dict[str, Any], header: dict[str, Any], refusal: type[HandstampError]
) -> None:
    with pytest.raises(refusal):
        Envelope.parse(sign(claims, **header))


@pytest.mark.parametrize(
    ("claims", "refusal"),
    [
        ({"iss": "did:example:other"}, WrongTokenIssuer),
        ({"exp": NOW.timestamp()}, Expired),
        ({"nbf": NOW.timestamp() + 1}, NotYetValid),
    ],
    ids=["iss", "exp", "nbf"],
)
def test_what_a_token_says_of_itself_must_hold(claims: dict[str, Any], refusal: type[HandstampError]) -> None:
    with pytest.raises(refusal):
        verify(sign(claims))


def test_a_token_by_another_key_is_refused() -> None:
    with pytest.raises(DidKeyUnknown):
        verify(sign(kid="did:example:other#key"))
    other = LocalSigner.generate()
    token = sign_jws({"typ": "vc+jwt", "kid": METHOD}, CREDENTIAL, other)
    with pytest.raises(BadSignature):
        verify(build_envelope(token, kind=EnvelopeKind.CREDENTIAL_JWT))


def test_a_bbs_key_signs_no_token() -> None:
    key = BbsSecretKey.generate().public_key
    with pytest.raises(errors.WrongKeyKind):
        verify(sign(), find_key=lambda _url, *, purpose: (purpose, key)[1])
