"""Who signs: the co-op's address, name, key and certificates, made ready once, when the service starts."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlsplit

from credentials.dids import fingerprint_keys
from credentials.encoding import base64url
from credentials.encoding.strict_json import Json
from credentials.errors import OperatorError
from credentials.keys.certificates import CertificateChain
from credentials.keys.jwk import PublicKey
from credentials.keys.signer import Signer
from credentials.protocols.oauth import ServerError
from credentials.protocols.urls import host_of
from issuer.linked_keys import LinkedKeys

_DID_CONTEXT: Final[list[Json]] = [
    "https://www.w3.org/ns/did/v1",
    "https://w3id.org/security/jwk/v1",
    "https://w3id.org/security/multikey/v1",
]


class NoCertificate(OperatorError):
    """Every credential carries the certificate of the co-op's host, and there is none."""

    code = "no_certificate"

    def __init__(self, host: str) -> None:
        super().__init__(
            f"This co-op has no certificate for {host}, so no wallet would take what it hands out. Give it one: "
            "handstamp issuer keys import --key KEY.pem --chain CHAIN.pem"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedKey:
    """A key that the co-op states beside the one in use: it comes, or what it signed is still good.

    Attributes:
        key: the public key.
        x5c: its certificates, as headers carry them.
    """

    key: PublicKey
    x5c: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The issuer of every credential, with its keys as they are at one moment.

    Attributes:
        url: the credential issuer's identifier, compared exactly by everybody.
        name: what people read.
        signer: the key; it is parsed once, not per credential.
        linked: the keys of linked credentials and door passes.
        x5c: the certificates as headers carry them; empty before some were imported.
        dns_names: the hosts that they are for.
        valid_until: when the certificate ends; None without one.
        others: further keys that are stated: they come, or what they signed is still good.
    """

    url: str
    name: str
    signer: Signer
    linked: LinkedKeys
    x5c: tuple[str, ...] = ()
    dns_names: tuple[str, ...] = ()
    valid_until: datetime | None = None
    others: tuple[StatedKey, ...] = ()

    @classmethod
    def build(
        cls,
        *,
        url: str,
        name: str,
        signer: Signer,
        linked: LinkedKeys,
        chain: CertificateChain | None,
        others: tuple[StatedKey, ...] = (),
    ) -> "Identity":
        """Take the parts from the key store."""
        return cls(
            url=url,
            name=name,
            signer=signer,
            linked=linked,
            x5c=tuple(chain.x5c()) if chain else (),
            dns_names=chain.dns_names if chain else (),
            valid_until=chain.leaf.not_valid_after_utc if chain else None,
            others=others,
        )

    def check_certified(self) -> None:
        """Refuse to serve without a certificate for our own host: wallets and gates would refuse what comes out."""
        host = host_of(self.url)
        if host not in {name.lower() for name in self.dns_names}:
            raise NoCertificate(host)

    def check_can_sign(self, now: datetime) -> None:
        """Refuse to sign with an expired certificate: nobody would accept what comes out."""
        if self.valid_until is not None and now > self.valid_until:
            raise ServerError("The co-op's certificate has expired; it must renew it before it can send records.")

    @property
    def status_lists_url(self) -> str:
        """Where all status lists are named."""
        return f"{self.url}/statuslists"

    def status_list_url(self, list_id: str) -> str:
        """Where a status list is: what credentials name, so it must never move."""
        return f"{self.status_lists_url}/{list_id}"

    @property
    def signing_name(self) -> str:
        """A name of key and certificates: what was signed under another is signed anew before that one ends."""
        parts = "|".join((self.signer.public_key.thumbprint, *self.x5c))
        return base64url.encode(hashlib.sha256(parts.encode()).digest())

    @property
    def did(self) -> str:
        """The did:web identifier; a port is written as %3A (did:web §3.2)."""
        parts = urlsplit(self.url)
        path = [quote(step, safe="") for step in parts.path.split("/") if step]
        return ":".join(["did", "web", parts.netloc.replace(":", "%3A"), *path])

    @property
    def public_jwk(self) -> dict[str, Json]:
        """The public key as documents publish it, with its thumbprint as `kid`."""
        return _jwk(self.signer.public_key)

    def did_document(self) -> Mapping[str, Json]:
        """Build the did:web document (DID Core §5): every key that signs something of ours."""
        keys = dict.fromkeys((self.signer.public_key, *(each.key for each in self.others)))
        methods: list[dict[str, Json]] = [
            {
                "id": f"{self.did}#{key.thumbprint}",
                "type": "JsonWebKey",
                "controller": self.did,
                "publicKeyJwk": _jwk(key),
            }
            for key in keys
        ]
        methods += self.linked.verification_methods(self.did)
        return {
            "@context": _DID_CONTEXT,
            "id": self.did,
            "verificationMethod": list[Json](methods),
            "assertionMethod": [each["id"] for each in methods],
            "alsoKnownAs": [self.url],
        }

    def jwt_vc_issuer(self) -> Mapping[str, Json]:
        """Build `/.well-known/jwt-vc-issuer` (SD-JWT VC, "JWT VC Issuer Metadata").

        The certificates stand beside the key (RFC 7517 §4.7), so that a wallet sees that everybody gets the same.
        """
        stated = (StatedKey(key=self.signer.public_key, x5c=self.x5c), *self.others)
        return {"issuer": self.url, "jwks": {"keys": [_jwk(each.key, each.x5c) for each in stated]}}

    @property
    def fingerprint(self) -> str:
        """One fingerprint of all keys in the DID document, which whoever runs a site compares."""
        return fingerprint_keys([self.signer.public_key, *(each.key for each in self.others), *self.linked.every_key])


def _jwk(key: PublicKey, x5c: tuple[str, ...] = ()) -> dict[str, Json]:
    chain: dict[str, Json] = {"x5c": list[Json](x5c)} if x5c else {}
    return {**key.jwk, "kid": key.thumbprint, "use": "sig", "alg": key.algorithm} | chain
