"""The deferred credential endpoint (OpenID4VCI 1.0 §9), and the holds that are the reason for it."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from credentials.protocols.oauth import CredentialRequestDenied, InvalidTransactionId, OAuthError
from credentials.protocols.openid4vci import DeferredCredentialRequest, DeferredResponse
from issuer.copies import Copy
from issuer.deliveries import DEFERRED_INTERVAL_S, Token, Waiting
from issuer.delivery_ports import Deferring
from issuer.orders import Admitted
from issuer.ports import Holding, Issuing
from issuer.secrets import stored
from issuer.service.losses import NoSuchCopy
from issuer.service.preparing import Occasion, check_not_too_many, prepare
from issuer.service.proving import Commitment, Proven

_UNKNOWN: Final = "The transaction_id is unknown, expired, or its credentials were fetched already."


def fetch_deferred(
    store: Issuing,
    token: Token,
    request: DeferredCredentialRequest,
    *,
    coop: str,
    random: Callable[[int], bytes],
    now: datetime,
) -> Admitted | DeferredResponse | OAuthError:
    """Give what waited, once; or say that it still waits, or that it never comes. Any token of the delivery will do.

    What it is counted by is decided now, not when it was asked for: another wallet may have been first meanwhile.
    """
    waiting = store.waiting(stored(request.transaction_id))
    if waiting is None or waiting.delivery != token.delivery.id or waiting.expires_at <= now:
        return InvalidTransactionId(_UNKNOWN)
    copy = next((copy for copy in token.delivery.copies if copy.id == waiting.copy_id), None)
    if copy is None:
        store.end_waiting(waiting.transaction_hash)
        return CredentialRequestDenied("What was waited for is not owned any more, so it cannot be sent.")
    if store.is_held(copy.id):
        return DeferredResponse(transaction_id=request.transaction_id, interval=DEFERRED_INTERVAL_S)
    proven = _proven(waiting)
    try:
        check_not_too_many(store, copy, proven, delivery=token.delivery.id, now=now)
    except CredentialRequestDenied as refusal:
        return refusal
    if not store.end_waiting(waiting.transaction_hash):
        return InvalidTransactionId(_UNKNOWN)
    occasion = Occasion(delivery=token.delivery.id, coop=coop, random=random, now=now)
    return prepare(store, copy, proven, occasion)


def _proven(waiting: Waiting) -> Proven:
    commitment = None if waiting.commitment is None else Commitment.check(waiting.commitment)
    return Proven(form=waiting.form, keys=waiting.keys, commitment=commitment)


def hold_copy(store: Holding, copy_id: str, *, now: datetime) -> Copy:
    """Hold a copy back: wallets that ask for it are told to come back later.

    Raises:
        NoSuchCopy: there is no good copy of this number.
    """
    copy = store.copy(copy_id)
    if copy is None or copy.ended:
        raise NoSuchCopy
    store.hold(copy_id, now=now)
    return copy


def let_copy_go(store: Deferring, copy_id: str) -> bool:
    """Let a copy go that was held back; False if it was not. Wallets fetch it when they come next."""
    return store.let_go(copy_id)
