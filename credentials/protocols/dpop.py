"""DPoP (RFC 9449): a token that only the holder of a key can use."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from credentials.encoding import base64url
from credentials.keys.jwk import PublicKey
from credentials.keys.jws import parse_jws, sign_jws
from credentials.keys.signer import Signer
from credentials.protocols.freshness import check_fresh
from credentials.protocols.members import Members, without_absent
from credentials.protocols.oauth import InvalidDpopProof, InvalidToken, UseDpopNonce, refuse_as
from credentials.protocols.urls import comparable_target

TYP: Final = "dpop+jwt"
_WHAT: Final = "DPoP proof"
_MAX_PROOF: Final = 4096
# A server remembers every `jti` for as long as its proof is fresh, so the length is bounded (RFC 9449 §11.1).
_JTI: Final = re.compile(r"[!-~]{8,128}")
_METHOD: Final = re.compile(r"[A-Z]{1,16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DpopProof:
    """A proof that passed. The caller still refuses a `jti` that this key used before (RFC 9449 §11.1).

    Attributes:
        thumbprint: RFC 7638 thumbprint of the proving key, the `jkt` to bind or compare.
        jti: unique per proof.
        issued_at: seconds since 1970.
    """

    thumbprint: str
    jti: str
    issued_at: int


def build_dpop_proof(
    *,
    signer: Signer,
    method: str,
    url: str,
    issued_at: int,
    jti: str,
    access_token: str | None = None,
    nonce: str | None = None,
) -> str:
    """Build the value of the `DPoP` header for one request (RFC 9449 §4.2). `url` may still have its query."""
    target = re.split(r"[?#]", url, maxsplit=1)[0]
    ath = None if access_token is None else hash_access_token(access_token)
    claims = without_absent(jti=jti, htm=method, htu=target, iat=issued_at, ath=ath, nonce=nonce)
    return sign_jws({"typ": TYP, "jwk": signer.public_key.jwk}, claims, signer)


def check_dpop_proof(
    header: str | None,
    *,
    method: str,
    url: str,
    at: datetime,
    access_token: str | None = None,
    bound_to: str | None = None,
    nonce: str | None = None,
) -> DpopProof:
    """Check the value of a `DPoP` header (RFC 9449 §4.3; the numbers are those of its list).

    1. There is exactly one proof: repeated headers arrive joined by commas, which no JWT contains.
    2, 3. It is a well-formed JWT, and has every required claim.
    4. `typ` is `dpop+jwt`.
    5. `alg` is an asymmetric algorithm that we accept: ES256, ES384 or EdDSA, as its key is.
    6, 7. The signature verifies with the `jwk` of the header, which holds no private key.
    8. `htm` is the request's method.
    9. `htu` is the request's address, the PUBLIC one that the client sees, without query and fragment.
    10. `nonce` is ours, where we demanded one.
    11. `iat` is recent.
    12. With an access token: `ath` is its hash, and the token is `bound_to` the thumbprint of the proving key.

    Raises:
        InvalidDpopProof: a check failed; 401 at a protected resource, else 400.
        UseDpopNonce: the nonce is missing or another.
        InvalidToken: the access token is bound to another key.
    """
    status = 400 if access_token is None else 401
    with refuse_as(InvalidDpopProof, status=status):
        proof, claims = _verify(header)
        _check_target(claims, method=method, url=url)
        check_fresh(proof.issued_at, at=at, what=_WHAT)
        if access_token is not None and claims.text("ath") != hash_access_token(access_token):
            raise InvalidDpopProof("The DPoP proof was made for another access token.")
    if nonce is not None and claims.get("nonce") != nonce:
        raise UseDpopNonce("The DPoP proof must carry the nonce from the DPoP-Nonce header.", status=status)
    if bound_to is not None and bound_to != proof.thumbprint:
        raise InvalidToken("The access token is bound to another key than the one of the DPoP proof.")
    return proof


def hash_access_token(access_token: str) -> str:
    """The `ath` of an access token (RFC 9449 §4.2)."""
    return base64url.encode(hashlib.sha256(access_token.encode("ascii", "backslashreplace")).digest())


def _verify(header: str | None) -> tuple[DpopProof, Members]:
    """Checks 1 to 7."""
    if header is None:
        raise InvalidDpopProof("The DPoP header is missing.")
    if "," in header or len(header) > _MAX_PROOF:
        raise InvalidDpopProof("There must be exactly one DPoP proof, of at most 4096 characters.")
    jws = parse_jws(header, what=_WHAT, typ=TYP)
    key = PublicKey.parse_jwk(jws.header.get("jwk"), what=f"key of the {_WHAT}")
    jws.check_signature(key)
    claims = Members(jws.claims(), what=_WHAT)
    proof = DpopProof(thumbprint=key.thumbprint, jti=claims.text("jti", pattern=_JTI), issued_at=claims.time("iat"))
    return proof, claims


def _check_target(claims: Members, *, method: str, url: str) -> None:
    """Checks 8 and 9."""
    if claims.text("htm", pattern=_METHOD) != method:
        raise InvalidDpopProof("The DPoP proof was made for another method.")
    if comparable_target(claims.text("htu")) != comparable_target(url):
        raise InvalidDpopProof("The DPoP proof was made for another address.")
