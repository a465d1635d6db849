"""Sweep out what has expired: codes, tokens, nonces, seen proofs, links and sessions."""

from datetime import datetime

from issuer.ports import Sweepable


def sweep(store: Sweepable, *, now: datetime) -> int:
    """Delete expired rows and return how many. The ledger has no expiry and is never touched."""
    return store.delete_expired(now)
