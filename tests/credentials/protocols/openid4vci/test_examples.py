"""Every example message of the standard that our profile has is read; the others are refused in words."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from credentials.keys.attesters import AttesterUntrusted, check_attester
from credentials.keys.certificates import parse_x5c
from credentials.keys.jwk import PublicKey
from credentials.keys.jws import parse_jws
from credentials.protocols.client_attestation import TYP as ATTESTATION_TYP
from credentials.protocols.openid4vci import CredentialConfiguration, CredentialResponse, IssuerMetadata
from credentials.protocols.openid4vci.details import read_requested
from credentials.protocols.openid4vci.signed_metadata import TYP as METADATA_TYP

if TYPE_CHECKING:
    from pathlib import Path

ISSUER = "https://credential-issuer.example.com"


def read(vectors_dir: Path, name: str, version: str = "1.0") -> str:
    return (vectors_dir / "openid4vci" / version / "examples" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("authorization_details.json", ("UniversityDegreeCredential",)),
        ("authorization_details_jwt_vc_json.json", ("UniversityDegreeCredential",)),
        ("authorization_details_ldp_vc.json", ("UniversityDegree_LDP_VC",)),
        ("authorization_details_mso_doc.json", ("org.iso.18013.5.1.mDL",)),
        (
            "authorization_details_multiple_credentials.json",
            ("UniversityDegreeCredential", "org.iso.18013.5.1.mDL"),
        ),
        ("authorization_details_sd_jwt_vc.json", ("PID_SD_JWT_VC",)),
        ("authorization_details_with_as.json", ("UniversityDegreeCredential",)),
    ],
)
def test_authorization_details_are_read(vectors_dir: Path, version: str, name: str, wanted: tuple[str, ...]) -> None:
    assert read_requested(read(vectors_dir, name, version)) == wanted


def test_encryption_in_the_metadata_is_read_and_its_key_usable(vectors_dir: Path) -> None:
    text = read(vectors_dir, "credential_issuer_metadata_sd_jwt_long.json")
    metadata = IssuerMetadata.parse(text.encode(), issuer=ISSUER)
    assert metadata.request_encryption
    assert metadata.response_encryption
    key = metadata.request_encryption.usable_key()
    assert key
    assert (key["kid"], metadata.request_encryption.usable_enc()) == ("ac", "A128GCM")
    assert metadata.response_encryption.algorithms == ("ECDH-ES",)
    assert metadata.request_encryption.required
    assert metadata.response_encryption.required


def test_the_signed_metadata_is_of_its_key_and_says_what_the_plain_one_does(vectors_dir: Path) -> None:
    text = "".join(read(vectors_dir, "credential_issuer_metadata_sd_jwt_jwt.txt").split())
    jws = parse_jws(text, what="example", typ=METADATA_TYP)
    chain = parse_x5c(jws.header["x5c"], what="example")
    jws.check_signature(chain.leaf_key)
    assert chain.dns_names[0] == "credential-issuer.example.com"
    assert chain.self_signed  # so HAIP 1.0 §4.1 refuses it, and so do we
    assert jws.claims()["sub"] == ISSUER
    plain = read(vectors_dir, "credential_issuer_metadata_sd_jwt_long.json")
    signed = IssuerMetadata.parse_object(jws.claims(), issuer=ISSUER)
    assert signed.configurations
    assert signed.credential_endpoint == IssuerMetadata.parse(plain.encode(), issuer=ISSUER).credential_endpoint


@pytest.mark.parametrize("kind", ["jwt_vc_json", "ldp_vc", "mso_mdoc", "sd_jwt_vc"])
def test_configurations_of_every_format_are_read(vectors_dir: Path, kind: str) -> None:
    found = json.loads(read(vectors_dir, f"credential_metadata_{kind}.json"))  # the example is foreign
    for name, value in found["credential_configurations_supported"].items():
        configuration = CredentialConfiguration.parse(name, value)
        assert configuration.displays
        assert configuration.claims
        assert configuration.key_attestation_required is (kind == "sd_jwt_vc")


@pytest.mark.parametrize("kind", ["jwt_vc_json", "mso_mdoc", "sd_jwt_vc"])
def test_credentials_that_are_text_are_taken_as_they_are(vectors_dir: Path, kind: str) -> None:
    text = read(vectors_dir, f"credential_response_{kind}.txt")
    # The examples break long strings into lines, as their captions say; JSON does not allow that.
    body = re.sub(r"\n\s+(?=[\w~.-])", "", text[text.index("{") :])
    assert len(CredentialResponse.parse(body.encode()).credentials) == 1


def test_a_credential_that_is_an_object_is_taken_as_an_object(vectors_dir: Path) -> None:
    text = read(vectors_dir, "credential_response_ldp_vc.txt")
    body = re.sub(r"\n\s+(?=[\w])", "", text[text.index("{") :])
    response = CredentialResponse.parse(body.encode())
    [document] = response.documents
    assert response.credentials == ()
    assert document["@context"] == json.loads(body)["credentials"][0]["credential"]["@context"]


def test_the_wallet_attestation_is_of_its_key_but_by_a_certificate_that_signed_itself(vectors_dir: Path) -> None:
    text = "".join(read(vectors_dir, "wallet_attestation.jwt.txt").split())
    jws = parse_jws(text, what="example", typ=ATTESTATION_TYP)
    chain = parse_x5c(jws.header["x5c"], what="example")
    jws.check_signature(chain.leaf_key)
    claims = jws.claims()
    assert claims["sub"] == "https://wallet.example.com"
    assert isinstance(claims["cnf"], dict)
    assert PublicKey.parse_jwk(claims["cnf"]["jwk"], what="example").thumbprint
    with pytest.raises(AttesterUntrusted):
        check_attester(chain, anchors=(), at=datetime(2026, 11, 21, tzinfo=UTC))


def test_the_issuers_published_key_is_read(vectors_dir: Path) -> None:
    document = json.loads(re.sub(r"\n\s+(?=\w)", "", read(vectors_dir, "issuer_jwks.json")))  # foreign
    [key] = document["jwks"]["keys"]
    assert PublicKey.parse_jwk(key, what="example").thumbprint == key["kid"].rpartition(":")[2]
