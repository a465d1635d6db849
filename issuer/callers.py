"""Who asks at an endpoint that wants an access token, and what is said to who shows none (RFC 6750, RFC 9449 §7)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fastapi import Request
from starlette.responses import Response

from credentials.protocols.dpop import DpopProof, check_dpop_proof
from credentials.protocols.oauth import DPOP_CHALLENGE, InvalidToken, OAuthError
from credentials.protocols.openid4vci.tokens import BEARER, DPOP
from issuer.deliveries import Token
from issuer.parts import IssuerParts
from issuer.service.credentials import find_token
from issuer.store import Store
from plumbing.web.app import dpop_header

NO_STORE: Final = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks at a protected endpoint: a good token, and the proof of its key if it is bound to one."""

    access_token: str
    dpop: DpopProof | None


async def identify(request: Request, parts: IssuerParts, *, now: datetime) -> Caller | None:
    """Check the access token and what it is bound to; None if there is none at all.

    Raises:
        InvalidToken, InvalidDpopProof: one of them is wrong, with the scheme that was used.
    """
    given = request.headers.getlist("authorization")
    if not given:
        return None
    scheme, _, text = given[0].partition(" ")
    access_token = text.strip()
    is_bearer = scheme.lower() == BEARER.lower()
    if len(given) > 1 or not access_token or not (is_bearer or scheme.lower() == DPOP.lower()):
        raise InvalidToken("Send one access token, with the scheme DPoP or Bearer, as its token_type says.")
    try:
        token = await parts.database.reading(lambda session: find_token(Store(session), access_token, now=now))
        # RFC 9449 §7.2: a token that is bound to a key is never taken as a bearer token, nor the other way round.
        if is_bearer is not (token.thumbprint is None):
            raise InvalidToken("The access token goes with the other scheme: see its token_type.")
        proof = None if is_bearer else _check_dpop(request, parts, access_token, token, now=now)
    except OAuthError as error:
        error.scheme = BEARER if is_bearer else DPOP
        raise
    return Caller(access_token=access_token, dpop=proof)


def _check_dpop(request: Request, parts: IssuerParts, access_token: str, token: Token, *, now: datetime) -> DpopProof:
    return check_dpop_proof(
        dpop_header(request),
        method="POST",
        url=f"{parts.identity.url}{request.url.path}",
        at=now,
        access_token=access_token,
        bound_to=token.thumbprint,
    )


def who_are_you() -> Response:
    """RFC 6750 §3.1: who sends no token at all is told how to, and nothing else."""
    response = Response(status_code=401, headers={"WWW-Authenticate": DPOP_CHALLENGE, **NO_STORE})
    response.headers.append("WWW-Authenticate", "Bearer")
    return response
