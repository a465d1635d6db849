"""The nonce endpoint (OpenID4VCI 1.0 §7): a challenge that key proofs answer, good for one request."""

from datetime import datetime, timedelta
from typing import Final

from credentials.protocols.openid4vci.credential import NonceResponse
from issuer.delivery_ports import Freshness
from issuer.secrets import stored
from plumbing.ids import new_secret

NONCE_TTL: Final = timedelta(minutes=5)


def give_nonce(store: Freshness, *, now: datetime) -> NonceResponse:
    """Draw a nonce and remember its hash."""
    nonce = new_secret()
    store.add_nonce(stored(nonce), until=now + NONCE_TTL)
    return NonceResponse(c_nonce=nonce)
