"""Sweep out what has expired (codes, tokens, nonces, seen proofs, links, sessions), and end what has lapsed."""

from datetime import datetime

from issuer.ports import Sweeping
from issuer.service.registers import lapse_members


def sweep(store: Sweeping, *, now: datetime) -> int:
    """Delete expired rows and return how many. The ledger has no expiry; a membership whose time is up ends."""
    lapse_members(store, now=now)
    return store.delete_expired(now)
