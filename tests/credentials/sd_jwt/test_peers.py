"""Independent code must agree with ours: the PyPI packages `sd-jwt` (the RFC's own) and `openvc-core`.

Both are oracles for tests, never verifiers of ours.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwcrypto.jwk import JWK
from openvc.keys import P256SigningKey
from openvc.proof.sd_jwt import SdJwtVcProofSuite
from openvc.x5c import resolve_x5c_key
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from credentials.sd_jwt import parse_sd_jwt
from credentials.sd_jwt.errors import UnreferencedDisclosure
from credentials.trust import TrustedIssuer, TrustPolicy

if TYPE_CHECKING:
    from credentials.keys.signer import LocalSigner
    from tests.credentials.conftest import World


def private_jwk(signer: LocalSigner) -> JWK:
    return JWK.from_pem(signer.to_pem(None))


def private_key(signer: LocalSigner) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(signer.to_pem(None), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def openvc_key(signer: LocalSigner) -> P256SigningKey:
    return P256SigningKey(private_key(signer), signer.public_key.thumbprint)


def test_sd_jwt_accepts_what_we_present(world: World) -> None:
    verifier = SDJWTVerifier(
        world.present(world.issue(), ["name", "acquired"]),
        lambda _issuer, _header: private_jwk(world.issuer),
        world.audience,
        world.nonce,
    )
    payload = verifier.get_verified_payload()
    assert payload["name"] == world.claims["name"]
    assert payload["acquired"] == world.claims["acquired"]
    assert "byArtist" not in payload


def test_sd_jwt_presents_what_we_issue(world: World) -> None:
    holder = SDJWTHolder(world.issue(issued_at=0))
    holder.create_presentation({"byArtist": True}, world.nonce, world.audience, private_jwk(world.holder))
    # This library dates the key binding by its own clock.
    verified = world.verify(holder.sd_jwt_presentation, at=datetime.now(UTC))
    assert dict(verified.disclosed) == {"byArtist": world.claims["byArtist"]}


def test_we_read_and_present_what_sd_jwt_issues(world: World) -> None:
    claims: dict[Any, Any] = {
        "iss": world.issuer_url,
        "vct": world.vct,
        "iat": world.month_s,
        SDObj("name"): "Möbius",
        "nested": {SDObj("deep"): [1, {"x": None}]},
        "tags": [SDObj("a"), "b", SDObj("c")],
        SDObj("person"): {SDObj("age"): 3},
    }
    issued = SDJWTIssuer(
        claims,
        private_jwk(world.issuer),
        private_jwk(world.holder),
        add_decoy_claims=True,
        extra_header_parameters={"typ": "dc+sd-jwt", "x5c": world.x5c},
    ).sd_jwt_issuance
    read = parse_sd_jwt(issued).claims
    assert (read["name"], read["nested"], read["tags"], read["person"]) == (
        "Möbius",
        {"deep": [1, {"x": None}]},
        ["a", "b", "c"],
        {"age": 3},
    )
    verified = world.verify(world.present(issued, ["name", "tags"]))
    assert dict(verified.disclosed) == {"name": "Möbius", "nested": {}, "tags": ["a", "b", "c"]}


def test_openvc_accepts_what_we_present(world: World) -> None:
    verified = SdJwtVcProofSuite().verify(
        world.present(world.issue(), ["name"]),
        public_key_jwk=world.issuer.public_key.jwk,
        audience=world.audience,
        nonce=world.nonce,
        require_key_binding=True,
        expected_vct=world.vct,
        now=world.now,
    )
    assert verified.key_bound
    assert verified.claims["name"] == world.claims["name"]
    assert "byArtist" not in verified.claims


def test_openvc_accepts_our_certificate_chain(world: World) -> None:
    anchor = x509.load_pem_x509_certificate(world.authority.cert_pem.bytes())
    key = resolve_x5c_key(world.x5c, f"https://{world.host}", trust_anchors=[anchor], now=world.now)
    assert key == world.issuer.public_key.jwk


def test_we_accept_what_openvc_issues_and_presents(world: World) -> None:
    suite = SdJwtVcProofSuite()
    issued = suite.issue(
        {"iss": world.issuer_url, "iat": 0, "name": "x", "byArtist": "y"},
        signing_key=openvc_key(world.issuer),
        disclosable=["name", "byArtist"],
        holder_jwk=world.holder.public_key.jwk,
        vct=world.vct,
        decoys=10,
        x5c=world.x5c,
    )
    assert dict(world.verify(world.present(issued, ["name"])).disclosed) == {"name": "x"}
    presented = suite.create_presentation(
        issued, holder_key=openvc_key(world.holder), audience=world.audience, nonce=world.nonce
    )
    verified = world.verify(presented, at=datetime.now(UTC))
    assert dict(verified.disclosed) == {"name": "x", "byArtist": "y"}


def test_a_key_pinned_by_value_verifies_a_credential_that_comes_without_a_chain(world: World) -> None:
    issued = SdJwtVcProofSuite().issue(
        {"iss": world.issuer_url, "iat": world.month_s, "name": "x"},
        signing_key=openvc_key(world.issuer),
        disclosable=["name"],
        holder_jwk=world.holder.public_key.jwk,
        vct=world.vct,
    )
    trusted = TrustedIssuer(
        issuer=world.issuer_url,
        name="co-op",
        types=frozenset({world.vct}),
        public_keys={world.issuer.public_key.thumbprint: world.issuer.public_key},
    )
    assert world.verify(world.present(issued, ["name"]), policy=TrustPolicy((trusted,))).disclosed == {"name": "x"}


def test_what_sd_jwt_lets_pass_and_we_do_not(world: World) -> None:
    """The reason for code of our own: a disclosure that nobody signed, which that library takes without a word."""
    stray, _ = world.write_disclosure("salt", "admin", True)  # noqa: FBT003
    head, *disclosures, _ = world.issue().split("~")
    text = "~".join([head, *disclosures, stray, ""])
    payload = SDJWTVerifier(text, lambda _issuer, _header: private_jwk(world.issuer)).get_verified_payload()
    assert json.dumps(payload)
    with pytest.raises(UnreferencedDisclosure):
        parse_sd_jwt(text)
