"""The endpoints that wallets speak to with a code or a token: OpenID4VCI 1.0 §6 to §11.

Every refusal has OAuth's exact body, whatever the `Accept` header says. A refusal that must leave a trace comes back
from the use case as a value, so that its transaction is committed before it is answered.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Final, assert_never

from fastapi import APIRouter, Request
from sqlmodel import Session
from starlette.responses import Response

from credentials.encoding import strict_json
from credentials.encoding.strict_json import Json
from credentials.protocols.client_attestation import ATTESTATION_HEADER, POP_HEADER, check_client_attestation
from credentials.protocols.dpop import DpopProof, check_dpop_proof
from credentials.protocols.freshness import CLOCK_SKEW_S, MAX_AGE_S
from credentials.protocols.oauth import (
    InvalidClient,
    InvalidDpopProof,
    InvalidEncryptionParameters,
    InvalidRequest,
    OAuthError,
    refuse_as,
)
from credentials.protocols.openid4vci import (
    CodeRequest,
    CredentialRequest,
    DeferredCredentialRequest,
    DeferredResponse,
    Notification,
    PushedRequest,
    PushedResponse,
    RefreshRequest,
    TokenRequest,
    TokenResponse,
    WantedEncryption,
    parse_token_request,
    seal,
    unseal,
)
from credentials.protocols.openid4vci.authorization import REQUEST_URI_PREFIX
from credentials.protocols.openid4vci.credential import MAX_REQUEST_BYTES
from credentials.protocols.openid4vci.tokens import AnyTokenRequest
from issuer.authorizations import PUSHED_TTL
from issuer.callers import NO_STORE, identify, who_are_you
from issuer.counted import count_issued
from issuer.deliveries import Token
from issuer.orders import Admitted
from issuer.parts import IssuerParts
from issuer.secrets import stored
from issuer.service.authorizations import push, redeem_code, wanted_of
from issuer.service.credentials import admit, enter
from issuer.service.deferred import fetch_deferred
from issuer.service.nonces import give_nonce
from issuer.service.notifications import note_notification
from issuer.service.proving import check_proven
from issuer.service.signing import sign
from issuer.service.tokens import redeem, refresh
from issuer.store import Store
from issuer.turns import turn_of_copy, turn_of_grant
from plumbing.turns import BESIDE_ALL
from plumbing.web.app import dpop_header, oauth_response

_JSON: Final = "application/json"
_JWT: Final = "application/jwt"
_CREATED: Final = 201
_ACCEPTED: Final = 202
_NO_CONTENT: Final = 204

Handler = Callable[[Request, IssuerParts], Awaitable[Response]]


def add_wallet_endpoints(router: APIRouter, parts: IssuerParts) -> None:
    """Add the endpoints to a router."""
    for path, handler in WALLET_ENDPOINTS.items():
        _add(router, path, handler, parts)


def _add(router: APIRouter, path: str, handler: Handler, parts: IssuerParts) -> None:
    @router.post(path)
    async def endpoint(request: Request) -> Response:
        """Answer a wallet."""
        try:
            return await handler(request, parts)
        except OAuthError as error:
            return oauth_response(error)


async def _token(request: Request, parts: IssuerParts) -> Response:
    """Exchange a code or a refresh token for tokens (OpenID4VCI 1.0 §6)."""
    now = parts.clock()
    header = dpop_header(request)
    # A wallet that sends a proof is never given less than it asked for, whatever is wrong with the proof.
    if header is None and not parts.policy.haip:
        proof = None
    else:
        proof = check_dpop_proof(header, method="POST", url=f"{parts.identity.url}/token", at=now)
    asked = parse_token_request(await request.body())
    client = await _check_client(request, parts, now=now)
    if isinstance(asked, CodeRequest) and client not in {None, asked.client_id}:
        raise InvalidClient("The client_id is another than the one of the wallet attestation.")
    answer = await parts.database.writing(
        lambda session: _exchange(Store(session), asked, proof, parts, now=now), turn_of_grant(asked)
    )
    if isinstance(answer, OAuthError):
        raise answer
    return json_response(answer.to_json())


def _exchange(
    store: Store, asked: AnyTokenRequest, proof: DpopProof | None, parts: IssuerParts, *, now: datetime
) -> TokenResponse | OAuthError:
    match asked:
        case TokenRequest():
            return redeem(store, asked, proof, secrets=parts.desk.secrets, now=now)
        case RefreshRequest():
            if proof is None:
                return InvalidDpopProof("The DPoP header is missing.")
            return refresh(store, asked, proof, now=now)
        case CodeRequest():
            return redeem_code(store, asked, proof, now=now)
        case _:
            assert_never(asked)


async def _push(request: Request, parts: IssuerParts) -> Response:
    """Keep what a wallet asks for until its listener answers (RFC 9126 §2)."""
    now = parts.clock()
    header = dpop_header(request)
    proof = None if header is None else check_dpop_proof(header, method="POST", url=f"{parts.identity.url}/par", at=now)
    asked = PushedRequest.parse_form(await request.body())
    if proof and asked.dpop_thumbprint not in {None, proof.thumbprint}:
        # RFC 9449 §10.1: both may be given, and then they must agree.
        raise InvalidRequest("dpop_jkt names another key than the one of the DPoP proof.")
    client = await _check_client(request, parts, now=now)
    if client is not None and client != asked.client_id:
        raise InvalidClient("The client_id is another than the one of the wallet attestation.")
    wanted = wanted_of(asked)
    secret = await parts.database.writing(
        lambda session: push(Store(session), asked, proof, wanted=wanted, now=now), BESIDE_ALL
    )
    if isinstance(secret, OAuthError):
        raise secret
    given = PushedResponse(request_uri=f"{REQUEST_URI_PREFIX}{secret}", expires_in=int(PUSHED_TTL.total_seconds()))
    return json_response(given.to_json(), status=_CREATED)


async def _check_client(request: Request, parts: IssuerParts, *, now: datetime) -> str | None:
    """Check a wallet attestation where one is sent, and demand it in HAIP mode (HAIP 1.0 §4.4.1); return its wallet.

    Raises:
        InvalidClient: it is missing, wrong, or its proof was used before.
    """
    attestation, pop = _one_header(request, ATTESTATION_HEADER), _one_header(request, POP_HEADER)
    if not parts.policy.haip and (not parts.policy.attesters or (attestation is None and pop is None)):
        return None
    checked = check_client_attestation(
        attestation, pop, anchors=parts.policy.attesters, audience=parts.identity.url, at=now
    )
    until = datetime.fromtimestamp(checked.issued_at + MAX_AGE_S + 2 * CLOCK_SKEW_S, UTC)
    shown = stored(f"{checked.thumbprint}.{checked.jti}")
    fresh = await parts.database.writing(lambda session: Store(session).remember_proof(shown, until=until), BESIDE_ALL)
    if not fresh:
        raise InvalidClient("The proof of the wallet attestation was used before.")
    return checked.client_id


def _one_header(request: Request, name: str) -> str | None:
    """Join repeated headers with commas, which no JWT contains, so that two are refused as none."""
    return ",".join(request.headers.getlist(name)) or None


async def _nonce(_: Request, parts: IssuerParts) -> Response:
    """Give a challenge for key proofs (OpenID4VCI 1.0 §7)."""
    return json_response(give_nonce(parts.desk.secrets, now=parts.clock()).to_json())


async def _credential(request: Request, parts: IssuerParts) -> Response:
    """Issue credentials, one per key, or say when to come back (OpenID4VCI 1.0 §8)."""
    now = parts.clock()
    caller = await identify(request, parts, now=now)
    if caller is None:
        return who_are_you()
    data, encrypted = await _open_body(request, parts)
    asked = CredentialRequest.parse(data, encrypted=encrypted)
    proven = check_proven(asked, audience=parts.identity.url, at=now, rules=parts.policy.keys)
    parts.identity_at(now).check_can_sign(now)

    def admit_all(session: Session) -> Admitted | DeferredResponse | OAuthError:
        return admit(
            Store(session),
            caller.access_token,
            asked,
            dpop=caller.dpop,
            proven=proven,
            desk=parts.desk,
            random=parts.random,
            now=now,
        )

    answer = await parts.database.writing(admit_all, turn_of_copy(asked))
    return _deliver(answer, asked.response_encryption, parts, now=now)


async def _deferred(request: Request, parts: IssuerParts) -> Response:
    """Issue what had to wait, or say that it still does (OpenID4VCI 1.0 §9)."""
    now = parts.clock()
    caller = await identify(request, parts, now=now)
    if caller is None:
        return who_are_you()
    data, encrypted = await _open_body(request, parts)
    asked = DeferredCredentialRequest.parse(data, encrypted=encrypted)
    parts.identity_at(now).check_can_sign(now)

    def fetch(session: Session) -> Admitted | DeferredResponse | OAuthError:
        store = Store(session)
        token = enter(store, caller.access_token, dpop=caller.dpop, now=now)
        if not isinstance(token, Token):
            return token
        return fetch_deferred(store, token, asked, coop=parts.identity.url, random=parts.random, now=now)

    answer = await parts.database.writing(fetch)
    return _deliver(answer, asked.response_encryption, parts, now=now)


async def _notification(request: Request, parts: IssuerParts) -> Response:
    """Note what became of credentials (OpenID4VCI 1.0 §11)."""
    now = parts.clock()
    caller = await identify(request, parts, now=now)
    if caller is None:
        return who_are_you()
    told = Notification.parse(await request.body())

    def note(session: Session) -> OAuthError | None:
        store = Store(session)
        token = enter(store, caller.access_token, dpop=caller.dpop, now=now)
        return note_notification(store, token, told) if isinstance(token, Token) else token

    refusal = await parts.database.writing(note, BESIDE_ALL)
    if refusal is not None:
        raise refusal
    return Response(status_code=_NO_CONTENT, headers=NO_STORE)


async def _open_body(request: Request, parts: IssuerParts) -> tuple[bytes, bool]:
    """The JSON text of a request, and whether it came encrypted (§10).

    Raises:
        InvalidEncryptionParameters: it came encrypted and does not open.
    """
    body = await request.body()
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JWT:
        return body, False
    key = parts.encryption_key
    with refuse_as(InvalidEncryptionParameters):
        return unseal(body, keys={key.kid: key}, max_bytes=MAX_REQUEST_BYTES, what="encrypted request"), True


def _deliver(
    answer: Admitted | DeferredResponse | OAuthError,
    wanted: WantedEncryption | None,
    parts: IssuerParts,
    *,
    now: datetime,
) -> Response:
    """Sign what was admitted, outside the database, and encrypt whatever is said if the wallet asked for that (§8.3).

    Raises:
        OAuthError: the refusal that the use case returned; it is never encrypted (§8.3.1).
    """
    if isinstance(answer, OAuthError):
        raise answer
    if isinstance(answer, DeferredResponse):
        return json_response(answer.to_json(), wanted=wanted, status=_ACCEPTED)
    # With the keys of the moment at which it was admitted, whose month it says.
    signed = sign(answer, identity=parts.identity_at(now), random=parts.random)
    count_issued(parts.meter, answer, signed)
    return json_response(signed.to_json(), wanted=wanted)


def json_response(body: Mapping[str, Json], *, wanted: WantedEncryption | None = None, status: int = 200) -> Response:
    """An answer that nobody keeps, as JSON or encrypted."""
    if wanted is None:
        return Response(strict_json.dump(dict(body)), status_code=status, media_type=_JSON, headers=NO_STORE)
    sealed = seal(body, to=wanted.jwk, enc=wanted.enc)
    return Response(sealed, status_code=status, media_type=_JWT, headers=NO_STORE)


WALLET_ENDPOINTS: Final[Mapping[str, Handler]] = {
    "/token": _token,
    "/nonce": _nonce,
    "/credential": _credential,
    "/par": _push,
    "/deferred_credential": _deferred,
    "/notification": _notification,
}
"""Every endpoint of this module, by its path."""
