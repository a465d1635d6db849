"""Signed issuer metadata (OpenID4VCI 1.0 §12.2.3): the same members, vouched for by the host's certificate."""

from datetime import datetime
from typing import Final

from credentials.errors import Malformed
from credentials.keys.certificates import check_chain, parse_x5c
from credentials.keys.jws import parse_jws, sign_jws
from credentials.keys.signer import Signer
from credentials.protocols.freshness import CLOCK_SKEW_S
from credentials.protocols.members import Members, without_absent
from credentials.protocols.openid4vci.metadata import MAX_METADATA_BYTES, IssuerMetadata, WrongIssuerIdentifier
from credentials.protocols.urls import host_of

TYP: Final = "openidvci-issuer-metadata+jwt"
_WHAT: Final = "signed issuer metadata"
# Base64url makes four characters of three bytes; the rest is for header and signature.
_MAX_BYTES: Final = MAX_METADATA_BYTES * 4 // 3 + 32_768


def sign_metadata(
    metadata: IssuerMetadata, *, signer: Signer, x5c: tuple[str, ...], issued_at: int, expires_at: int
) -> str:
    """Write the metadata as a JWT; `x5c` is the chain of the issuer's host without its anchor (HAIP 1.0 §4.1)."""
    envelope = without_absent(
        iss=metadata.credential_issuer, sub=metadata.credential_issuer, iat=issued_at, exp=expires_at
    )
    return sign_jws({"typ": TYP, "x5c": list(x5c)}, metadata.to_json() | envelope, signer)


def parse_signed_metadata(text: str, *, issuer: str, anchors: tuple[bytes, ...], at: datetime) -> IssuerMetadata:
    """Read signed metadata that was fetched for `issuer` and is signed by a certificate of its host.

    Args:
        text: the JWT.
        issuer: the credential issuer's identifier.
        anchors: trusted authorities, PEM.
        at: now.

    Raises:
        Malformed: it is no such JWT, or its time is over.
        WrongTyp, UnsupportedAlgorithm, BadSignature, a refusal of `check_chain`: who signed is not who must.
        WrongIssuerIdentifier: it speaks for another issuer.
    """
    jws = parse_jws(text, what=_WHAT, typ=TYP, max_bytes=_MAX_BYTES)
    chain = parse_x5c(jws.header.get("x5c"), what=_WHAT)
    check_chain(chain, anchors=anchors, dns_name=host_of(issuer), at=at)
    jws.check_signature(chain.leaf_key)
    claims = jws.claims(max_bytes=MAX_METADATA_BYTES)
    members = Members(claims, what=_WHAT)
    if members.text("sub") != issuer:
        raise WrongIssuerIdentifier(_WHAT)
    now = at.timestamp()
    if members.time("iat") > now + CLOCK_SKEW_S:
        raise Malformed(_WHAT, "it is dated in the future")
    expires_at = members.optional_time("exp")
    if expires_at is not None and expires_at < now - CLOCK_SKEW_S:
        raise Malformed(_WHAT, "its time is over")
    return IssuerMetadata.parse_object(claims, issuer=issuer)
