"""Offers to a wallet, and the states that one goes through: open, then redeemed or burnt. No state leads back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from issuer.copies import Copy

OFFER_TTL: Final = timedelta(minutes=10)
TRIES: Final = 5
MAX_COPIES: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What every offer has, whatever became of it."""

    id: str
    listener: str
    copies: tuple[Copy, ...]
    tx_code_mac: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Open(Offer):
    """Waits for its codes; each wrong transaction code takes one of the tries."""

    tries_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemed(Offer):
    """Gave its one token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burnt(Offer):
    """Was closed after too many wrong codes."""


AnyOffer = Open | Redeemed | Burnt
