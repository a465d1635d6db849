"""The nonce endpoint (OpenID4VCI 1.0 §7): a challenge that key proofs answer, good for one request.

A nonce is its end, something random and a MAC over both, so nothing is kept of one that nobody uses. One that is used
is noted until it is over, and a unique key lets it be noted once.
"""

import hmac
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from credentials.encoding import base64url
from credentials.errors import Malformed
from credentials.protocols.openid4vci.credential import NonceResponse
from issuer.delivery_ports import Freshness
from issuer.secrets import OfferSecrets, stored
from plumbing.clock import epoch_s
from plumbing.ids import new_public_id

NONCE_TTL: Final = timedelta(minutes=5)
_END_BYTES: Final = 5
_MAC_BYTES: Final = 32


def give_nonce(secrets: OfferSecrets, *, now: datetime) -> NonceResponse:
    """Make a nonce that is good for five minutes."""
    said = epoch_s(now + NONCE_TTL).to_bytes(_END_BYTES, "big") + new_public_id().encode()
    return NonceResponse(c_nonce=base64url.encode(said + secrets.in_use().nonce_mac(said)))


def use_nonces(store: Freshness, nonces: Iterable[str], *, secrets: OfferSecrets, now: datetime) -> bool:
    """Use nonces up; False if any of them is none of ours, over, or used before."""
    ends = {}
    for nonce in nonces:
        said = _read(nonce, secrets)
        if said is None:
            return False
        # What a proof is noted by begins with the thumbprint of its key, which is no such word.
        name = stored(f"nonce.{base64url.encode(said)}")
        ends[name] = datetime.fromtimestamp(int.from_bytes(said[:_END_BYTES], "big"), UTC)
    if any(until <= now for until in ends.values()):
        return False
    # In one order everywhere, so that two requests with the same nonces never wait for each other.
    return all(store.remember_proof(name, until=ends[name]) for name in sorted(ends))


def _read(nonce: str, secrets: OfferSecrets) -> bytes | None:
    """Return what one of our nonces says; None of any other."""
    try:
        whole = base64url.decode(nonce, what="c_nonce")
    except Malformed:
        return None
    said, mac = whole[:-_MAC_BYTES], whole[-_MAC_BYTES:]
    return said if any(hmac.compare_digest(each.nonce_mac(said), mac) for each in secrets.every()) else None
