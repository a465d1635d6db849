"""A co-op's counter over OpenID4VCI 1.0: tokens, the instances of one copy, now or later, and what became of them.

Messages are encrypted in both directions wherever the co-op offers it (§10): what stands in front of it, and ends TLS,
then sees no record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from credentials.encoding import strict_json
from credentials.encoding.strict_json import Json
from credentials.errors import HandstampError, Malformed
from credentials.keys.encryption import DecryptionKey
from credentials.keys.signer import LocalSigner
from credentials.protocols.oauth import (
    CredentialRequestDenied,
    InvalidGrant,
    InvalidNonce,
    InvalidProof,
    InvalidTransactionId,
    UnknownCredentialIdentifier,
    parse_error,
)
from credentials.protocols.openid4vci import (
    CredentialRequest,
    CredentialResponse,
    DeferredCredentialRequest,
    DeferredResponse,
    NonceResponse,
    Notification,
    NotificationEvent,
    RefreshRequest,
    TokenRequest,
    TokenResponse,
    WantedEncryption,
    build_commitment_jwt,
    build_proof_jwt,
    parse_credential_response,
    seal,
    unseal,
)
from credentials.protocols.openid4vci.credential import ProofType
from plumbing.clock import Clock, epoch_s
from plumbing.fetch import Fetcher, Reply
from wallet.desk import Desk
from wallet.errors import IssuerDenied, IssuerRefused, NotYoursAnyMore, OfferedNoLonger, RenewalOver, WrongCode
from wallet.supply import Deferred, Notice, Source
from wallet.wire import FORM, JSON, Proving, origin_of, read_refusal, send_proven, succeeded

_MAX_CREDENTIAL_BYTES: Final = 2 * 1024 * 1024
# A JWE is base64url: four characters for three bytes, and a header.
_MAX_SEALED_BYTES: Final = _MAX_CREDENTIAL_BYTES * 4 // 3 + 8192
# Up to a thousand copies, each with an identifier for every form.
_MAX_TOKEN_BYTES: Final = 1024 * 1024
_SEALED: Final = "application/jwt"
_WHAT: Final = "credential response"
_WRONG: Final = 400

Handed = CredentialResponse | DeferredResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """Standing at a co-op's counter: the network, where to ask, the token and the key that it is bound to."""

    web: Fetcher
    desk: Desk
    proving: Proving
    access_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Letter:
    """The body of one request, and the key that opens its answer, if that comes encrypted."""

    headers: Mapping[str, str]
    content: bytes
    key: DecryptionKey | None


def check_counter(desk: Desk) -> None:
    """Check that this wallet can talk to a co-op, before anything is used up.

    Raises:
        IssuerRefused: it demands an encryption that is not known here, has no nonce endpoint, or a token that is bound
            to nothing would leave the host that gave it.
    """
    if desk.metadata.nonce_endpoint is None:
        raise IssuerRefused(desk.host, "it has no nonce endpoint, which this wallet needs")
    # RFC 9700 §4.9: an issuer may name another's server, and would be shown the other's token. One that is bound to our
    # key is worth nothing to it; one that is bound to nothing stays with the host that gives it.
    at_home = origin_of(desk.server.token_endpoint) == origin_of(desk.metadata.credential_endpoint)
    if not desk.server.dpop_signing_alg_values_supported and not at_home:
        raise IssuerRefused(desk.host, "its tokens come from another host and are bound to no key of yours")
    _write(desk, {}, _wanted_encryption(desk)[1])


async def fetch_token(web: Fetcher, desk: Desk, request: TokenRequest, *, proving: Proving) -> TokenResponse:
    """Exchange an offer's code, with the transaction code, for a token bound to `proving`'s key (§6).

    Raises:
        WrongCode: the offer or the transaction code was not taken.
        IssuerRefused: any other refusal.
    """
    reply = await _ask_token(web, desk, request.to_form(), proving)
    if isinstance(_oauth_error(reply), InvalidGrant):
        raise WrongCode
    return _read_token(desk, reply)


async def renew_token(web: Fetcher, desk: Desk, refresh_token: str, *, proving: Proving) -> TokenResponse:
    """Exchange a refresh token for new tokens (RFC 6749 §6).

    Raises:
        RenewalOver: the co-op takes it no longer.
        IssuerRefused: any other refusal.
    """
    reply = await _ask_token(web, desk, RefreshRequest(refresh_token=refresh_token).to_form(), proving)
    if isinstance(_oauth_error(reply), InvalidGrant):
        raise RenewalOver(desk.host)
    return _read_token(desk, reply)


async def fetch_instances(counter: Counter, source: Source, *, keys: Sequence[LocalSigner]) -> Handed:
    """Ask for one copy, an instance for each of `keys`, in one request (§8).

    A nonce that the co-op calls stale is replaced once.

    Raises:
        IssuerRefused: the co-op said no.
    """
    reply, letter = await _ask(counter, source, keys)
    if isinstance(_oauth_error(reply), InvalidNonce):
        reply, letter = await _ask(counter, source, keys)
    return _read_handed(counter.desk, reply, letter)


async def fetch_linked(counter: Counter, source: Source, *, commitment: bytes | None) -> Handed:
    """Ask for a credential that is shown by proofs, in one request (§8).

    Args:
        counter: where.
        source: what.
        commitment: to the nym that it shall be bound to, proof included; None for what is bound to nothing.

    Raises:
        IssuerDenied, IssuerRefused: the co-op said no.
    """
    if commitment is None:
        return _read_handed(counter.desk, *await _send_request(counter, source, (), "jwt"))
    reply, letter = await _commit(counter, source, commitment)
    if isinstance(_oauth_error(reply), InvalidNonce):
        reply, letter = await _commit(counter, source, commitment)
    return _read_handed(counter.desk, reply, letter)


async def fetch_deferred(counter: Counter, deferred: Deferred) -> Handed:
    """Ask for what was announced for later (§9).

    Raises:
        OfferedNoLonger: the co-op knows nothing of it, or handed it out before.
        IssuerRefused: it says no.
    """
    endpoint = counter.desk.metadata.deferred_credential_endpoint
    if endpoint is None:
        raise IssuerRefused(counter.desk.host, "it announced something for later and says nowhere where to ask for it")
    wanted, key = _wanted_encryption(counter.desk)
    request = DeferredCredentialRequest(transaction_id=deferred.transaction_id, response_encryption=wanted)
    letter = _write(counter.desk, request.to_json(), key)
    reply = await _post(counter, endpoint, letter)
    if isinstance(_oauth_error(reply), InvalidTransactionId):
        raise OfferedNoLonger(counter.desk.host)
    handed = _read_handed(counter.desk, reply, letter)
    # §9.2: one transaction keeps its name.
    if isinstance(handed, DeferredResponse) and handed.transaction_id != deferred.transaction_id:
        raise Malformed(_WHAT, "it defers another request than the one that was asked about")
    return handed


async def tell(counter: Counter, notice: Notice) -> bool:
    """Tell the co-op what became of something (§11); return whether it has heard, or will not hear however often."""
    endpoint = counter.desk.metadata.notification_endpoint
    if endpoint is None:
        return True
    message = Notification(notification_id=notice.notification_id, event=NotificationEvent(notice.event))
    content = strict_json.dump(message.to_json())
    headers = {**JSON, "Content-Type": "application/json"}
    reply = await _post(counter, endpoint, _Letter(headers=headers, content=content, key=None))
    return succeeded(reply) or (reply.status == _WRONG and _oauth_error(reply) is not None)


def build_proofs(keys: Sequence[LocalSigner], *, audience: str, nonce: str, clock: Clock) -> tuple[str, ...]:
    """Return one key proof for each key (App. F.1)."""
    issued_at = epoch_s(clock())
    return tuple(build_proof_jwt(signer=key, audience=audience, nonce=nonce, issued_at=issued_at) for key in keys)


async def _ask_token(web: Fetcher, desk: Desk, form: bytes, proving: Proving) -> Reply:
    return await send_proven(
        web,
        "POST",
        desk.server.token_endpoint,
        proving=proving,
        headers=JSON | FORM,
        content=form,
        max_bytes=_MAX_TOKEN_BYTES,
    )


def _read_token(desk: Desk, reply: Reply) -> TokenResponse:
    if not succeeded(reply):
        raise IssuerRefused(desk.host, read_refusal(reply))
    # Only who never spoke of DPoP may give a token without: else somebody between could take the binding away.
    return TokenResponse.parse(reply.body, allow_bearer=not desk.server.dpop_signing_alg_values_supported)


async def _ask(counter: Counter, source: Source, keys: Sequence[LocalSigner]) -> tuple[Reply, _Letter]:
    nonce = await _fetch_nonce(counter.web, counter.desk)
    proofs = build_proofs(keys, audience=counter.desk.issuer, nonce=nonce, clock=counter.proving.clock)
    return await _send_request(counter, source, proofs, "jwt")


async def _commit(counter: Counter, source: Source, commitment: bytes) -> tuple[Reply, _Letter]:
    proof = build_commitment_jwt(
        # Of this request alone: what binds is the nym, and a key that came back would be one more thing to know by.
        signer=LocalSigner.generate(),
        audience=counter.desk.issuer,
        nonce=await _fetch_nonce(counter.web, counter.desk),
        issued_at=epoch_s(counter.proving.clock()),
        commitment_with_proof=commitment,
    )
    return await _send_request(counter, source, (proof,), "bbs2023_commitment")


async def _send_request(
    counter: Counter, source: Source, proofs: tuple[str, ...], proof_type: ProofType
) -> tuple[Reply, _Letter]:
    desk = counter.desk
    wanted, key = _wanted_encryption(desk)
    request = CredentialRequest(
        credential_identifier=source.credential_identifier,
        credential_configuration_id=None if source.credential_identifier else source.configuration_id,
        proofs=proofs,
        proof_type=proof_type,
        response_encryption=wanted,
    )
    letter = _write(desk, request.to_json(), key)
    return await _post(counter, desk.metadata.credential_endpoint, letter), letter


def _wanted_encryption(desk: Desk) -> tuple[WantedEncryption | None, DecryptionKey | None]:
    """Return how the answer shall come, and the fresh key that opens it; nothing where the co-op offers nothing."""
    asking, answering = desk.metadata.request_encryption, desk.metadata.response_encryption
    enc = answering.usable_enc() if answering and "ECDH-ES" in answering.algorithms else None
    # §8.2: who wants an encrypted answer must encrypt the question, or its key could be exchanged on the way.
    if enc and asking and asking.usable_key() and asking.usable_enc():
        key = DecryptionKey.generate()
        return WantedEncryption(jwk=key.public_jwk, enc=enc), key
    if answering and answering.required:
        raise IssuerRefused(desk.host, "it demands encrypted answers in a way that this wallet does not know")
    return None, None


def _write(desk: Desk, message: Mapping[str, Json], key: DecryptionKey | None) -> _Letter:
    asking = desk.metadata.request_encryption
    to, enc = (asking.usable_key(), asking.usable_enc()) if asking else (None, None)
    accept = {"Accept": f"{_SEALED}, application/json"} if key else JSON
    if to and enc:
        content = seal(message, to=to, enc=enc).encode()
        return _Letter(headers={**accept, "Content-Type": _SEALED}, content=content, key=key)
    if asking and asking.required:
        raise IssuerRefused(desk.host, "it demands encrypted requests in a way that this wallet does not know")
    return _Letter(
        headers={**accept, "Content-Type": "application/json"}, content=strict_json.dump(dict(message)), key=key
    )


async def _post(counter: Counter, url: str, letter: _Letter) -> Reply:
    return await send_proven(
        counter.web,
        "POST",
        url,
        proving=counter.proving,
        headers=letter.headers,
        content=letter.content,
        access_token=counter.access_token,
        max_bytes=_MAX_SEALED_BYTES if letter.key else _MAX_CREDENTIAL_BYTES,
    )


def _read_handed(desk: Desk, reply: Reply, letter: _Letter) -> Handed:
    if not succeeded(reply):
        raise _refusal(desk, reply)
    if letter.key is None:
        return parse_credential_response(reply.body)
    # §10: what should have come encrypted and did not is refused by `unseal`.
    keys = {letter.key.kid: letter.key}
    return parse_credential_response(unseal(reply.body, keys=keys, max_bytes=_MAX_SEALED_BYTES, what=_WHAT))


def _refusal(desk: Desk, reply: Reply) -> HandstampError:
    match _oauth_error(reply):
        case UnknownCredentialIdentifier():
            return NotYoursAnyMore(desk.host)
        case CredentialRequestDenied() | InvalidProof():
            return IssuerDenied(desk.host, read_refusal(reply))
        case _:
            return IssuerRefused(desk.host, read_refusal(reply))


async def _fetch_nonce(web: Fetcher, desk: Desk) -> str:
    reply = await web.request("POST", desk.metadata.nonce_endpoint or "", headers=JSON, content=b"")
    if not succeeded(reply):
        raise IssuerRefused(desk.host, read_refusal(reply))
    return NonceResponse.parse(reply.body).c_nonce


def _oauth_error(reply: Reply) -> HandstampError | None:
    if succeeded(reply):
        return None
    try:
        return parse_error(reply.body, status=reply.status)
    except Malformed:
        return None
