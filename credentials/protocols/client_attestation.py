"""Wallet attestations: a wallet's provider vouches for the app (OpenID4VCI 1.0 App. E, HAIP 1.0 §4.4.1).

Two JWTs in two headers: the provider's, which names a key of the app, and one that the app signs with this key for one
authorization server (draft-ietf-oauth-attestation-based-client-auth-07 §5.1 and §5.2).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from credentials.keys.attesters import check_attester
from credentials.keys.certificates import parse_x5c
from credentials.keys.jwk import PublicKey
from credentials.keys.jws import parse_jws, sign_jws
from credentials.keys.signer import Signer
from credentials.protocols.freshness import CLOCK_SKEW_S, check_fresh
from credentials.protocols.members import Members, without_absent
from credentials.protocols.oauth import InvalidClient, refuse_as

ATTESTATION_HEADER: Final = "OAuth-Client-Attestation"
POP_HEADER: Final = "OAuth-Client-Attestation-PoP"
AUTH_METHOD: Final = "attest_jwt_client_auth"
TYP: Final = "oauth-client-attestation+jwt"
POP_TYP: Final = "oauth-client-attestation-pop+jwt"
_WHAT: Final = "wallet attestation"
_POP_WHAT: Final = "proof of the wallet attestation"
_JTI: Final = re.compile(r"[!-~]{8,128}")
_MAX_ID: Final = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAttestation:
    """An attestation that passed, with its proof. The caller still refuses a `jti` that this key used before.

    Attributes:
        client_id: the wallet's product, the same for everybody who has it.
        thumbprint: of the app's key.
        jti: unique per proof.
        issued_at: of the proof, seconds since 1970.
    """

    client_id: str
    thumbprint: str
    jti: str
    issued_at: int


def build_client_attestation(
    *, signer: Signer, x5c: Sequence[str], client_id: str, key: PublicKey, issued_at: int, expires_at: int
) -> str:
    """Build an attestation as a wallet's provider does."""
    claims = without_absent(sub=client_id, iat=issued_at, exp=expires_at, cnf={"jwk": key.jwk})
    return sign_jws({"typ": TYP, "x5c": list(x5c)}, claims, signer)


def build_client_attestation_pop(
    *, signer: Signer, client_id: str, audience: str, jti: str, issued_at: int, challenge: str | None = None
) -> str:
    """Build the app's proof for one request to the authorization server `audience`."""
    claims = without_absent(iss=client_id, aud=audience, jti=jti, iat=issued_at, challenge=challenge)
    return sign_jws({"typ": POP_TYP}, claims, signer)


def check_client_attestation(
    attestation: str | None, pop: str | None, *, anchors: tuple[bytes, ...], audience: str, at: datetime
) -> ClientAttestation:
    """Check both JWTs.

    Args:
        attestation: the value of the header `OAuth-Client-Attestation`, None when it is missing.
        pop: the value of the header `OAuth-Client-Attestation-PoP`.
        anchors: authorities that certify the providers of wallets, PEM.
        audience: the authorization server's identifier.
        at: now.

    Raises:
        InvalidClient: one is missing or wrong (RFC 6749 §5.2).
    """
    with refuse_as(InvalidClient):
        if attestation is None or pop is None:
            raise InvalidClient("This co-op takes only wallets that somebody vouches for: an attestation is missing.")
        client_id, key = _check_attestation(attestation, anchors=anchors, at=at)
        jws = parse_jws(pop, what=_POP_WHAT, typ=POP_TYP)
        jws.check_signature(key)
        claims = Members(jws.claims(), what=_POP_WHAT)
        if claims.text("aud") != audience:
            raise InvalidClient("The proof of the wallet attestation was made for another server.")
        if claims.get("iss") not in {None, client_id}:
            raise InvalidClient("The proof of the wallet attestation names another wallet.")
        check_fresh(claims.time("iat"), at=at, what=_POP_WHAT)
        return ClientAttestation(
            client_id=client_id,
            thumbprint=key.thumbprint,
            jti=claims.text("jti", pattern=_JTI),
            issued_at=claims.time("iat"),
        )


def _check_attestation(text: str, *, anchors: tuple[bytes, ...], at: datetime) -> tuple[str, PublicKey]:
    jws = parse_jws(text, what=_WHAT, typ=TYP)
    chain = parse_x5c(jws.header.get("x5c"), what=_WHAT)
    check_attester(chain, anchors=anchors, at=at)
    jws.check_signature(chain.leaf_key)
    claims = Members(jws.claims(), what=_WHAT)
    now = at.timestamp()
    if claims.time("exp") < now - CLOCK_SKEW_S:
        raise InvalidClient("The wallet attestation has expired.")
    if (claims.optional_time("nbf") or 0) > now + CLOCK_SKEW_S:
        raise InvalidClient("The wallet attestation is not valid yet.")
    key = PublicKey.parse_jwk(claims.object("cnf").required("jwk"), what=f"key of the {_WHAT}")
    return claims.text("sub", max_chars=_MAX_ID), key
