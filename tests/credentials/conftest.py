"""A co-op with a certificate and a holder with a key: real ones, made once for all tests of the kernel."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from credentials.encoding import base64url
from credentials.keys.certificates import load_chain_pem
from credentials.keys.jws import sign_jws
from credentials.keys.signer import LocalSigner
from credentials.linked_data import trial_contexts
from credentials.sd_jwt import build_presentation, build_sd_jwt_vc, parse_sd_jwt
from credentials.sd_jwt.disclosure import digest_sha256
from credentials.trust import TrustedIssuer, TrustPolicy
from credentials.verify import verify, verify_issued

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from credentials.evidence import Received, Verified

ISSUER = "http://coop.localhost:8701"
HOST = "coop.localhost"
VCT = "urn:handstamp:credential:track-ownership:1"
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
MONTH_S = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())
CLAIMS = {"name": "Möbius Strip", "byArtist": "The Loops", "acquired": "2026-11"}
AUDIENCE = "x509_san_dns:artist.localhost"
NONCE = "n-0S6_WzA2Mj"


@pytest.fixture
def trial() -> Iterator[None]:
    """The contexts of test suites, which published vectors name and no gate knows."""
    with trial_contexts():
        yield


def write_disclosure(*parts: Any) -> tuple[str, str]:
    """Write a disclosure of any shape; return it and its digest."""
    import json  # noqa: PLC0415

    encoded = base64url.encode(json.dumps(list(parts)).encode())
    return encoded, digest_sha256(encoded)


@dataclass
class World:
    """Both parties, and hand tools to make what is right and what is wrong."""

    authority: trustme.CA
    issuer: LocalSigner
    x5c: list[str]
    policy: TrustPolicy
    holder: LocalSigner = field(default_factory=LocalSigner.generate)

    issuer_url = ISSUER
    host = HOST
    vct = VCT
    now = NOW
    now_s = NOW_S
    month_s = MONTH_S
    claims = CLAIMS
    audience = AUDIENCE
    nonce = NONCE
    write_disclosure = staticmethod(write_disclosure)

    def issue(self, disclosable: Mapping[str, Any] = CLAIMS, **changes: Any) -> str:
        arguments: dict[str, Any] = {
            "vct": VCT,
            "issuer": ISSUER,
            "holder_key": self.holder.public_key,
            "issued_at": MONTH_S,
            "disclosable": disclosable,
            "digest_count": 12,
            "signer": self.issuer,
            "x5c": self.x5c,
            "random": secrets.token_bytes,
        }
        return build_sd_jwt_vc(**(arguments | changes))

    def receive(self, credential: str | None = None, **changes: Any) -> Received:
        arguments: dict[str, Any] = {
            "policy": self.policy,
            "holder_keys": frozenset({self.holder.public_key.thumbprint}),
            "at": self.now,
            "digest_count": 12,
            "claim_names": frozenset(self.claims),
        }
        return verify_issued(self.issue() if credential is None else credential, **(arguments | changes))

    def sign(self, claims: Mapping[str, Any], *disclosures: str, header: Mapping[str, Any] | None = None) -> str:
        """Sign whatever an issuer could sign, over the claims that every credential has."""
        usual = {"iss": ISSUER, "iat": MONTH_S, "vct": VCT, "cnf": {"jwk": self.holder.public_key.jwk}}
        signed = sign_jws(
            {"typ": "dc+sd-jwt", "x5c": self.x5c} | dict(header or {}),
            {name: value for name, value in (usual | dict(claims)).items() if value is not ...},
            self.issuer,
        )
        return "".join(f"{part}~" for part in (signed, *disclosures))

    def present(self, credential: str, disclose: Iterable[str] = (), **changes: Any) -> str:
        arguments: dict[str, Any] = {
            "nonce": NONCE,
            "audience": AUDIENCE,
            "issued_at": NOW_S,
            "signer": self.holder,
        }
        return build_presentation(parse_sd_jwt(credential), disclose=disclose, **(arguments | changes))

    def bind(self, credential: str, *, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """Sign whatever key binding a holder could sign."""
        usual = {"iat": NOW_S, "aud": AUDIENCE, "nonce": NONCE, "sd_hash": digest_sha256(credential)}
        claims = {name: value for name, value in (usual | changes).items() if value is not ...}
        return credential + sign_jws({"typ": "kb+jwt"} | dict(header or {}), claims, self.holder)

    def verify(self, presentation: str, **changes: Any) -> Verified:
        arguments: dict[str, Any] = {"policy": self.policy, "audience": AUDIENCE, "nonce": NONCE, "at": NOW}
        return verify(presentation, **(arguments | changes))


def make_world(**certificate: Any) -> World:
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    leaf = authority.issue_cert(HOST, key_type=trustme.KeyType.ECDSA, **certificate)
    trusted = TrustedIssuer(
        issuer=ISSUER, name="Demo co-op", anchors=(authority.cert_pem.bytes(),), types=frozenset({VCT})
    )
    return World(
        authority=authority,
        issuer=LocalSigner.from_pem(leaf.private_key_pem.bytes(), None),
        x5c=load_chain_pem(leaf.cert_chain_pems[0].bytes()).x5c(),
        policy=TrustPolicy((trusted,)),
    )


@pytest.fixture(scope="session")
def world() -> World:
    return make_world()
