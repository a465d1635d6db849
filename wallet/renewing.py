"""When what ends with its cohort is to be renewed, and what to do where that was too late.

A cohort lives for its month and the ten days after. At a moment in those ten days, drawn at random when the first of an
offer came, everything of that offer is renewed at once (decision 22).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from credentials.protocols.urls import host_of
from wallet import words
from wallet.linked import LinkedKind
from wallet.state import Copy, Wallet
from wallet.supply import Brought, Deferred, Source, Supply, Waiting

ENDS_SOON: Final = timedelta(days=30)
"""What ends by itself within this time does not count as something that is left; cohorts have a rule of their own."""


RENEWING_NOW: Final = (
    "Renewing now tells your co-op that your wallet is in use at this moment, not where. A site and the co-op that "
    "compare their clocks could guess that it was you; wait a while before you show anything."
)
"""What a listener reads who does not wait for the moment that was drawn."""


def is_due(supply: Supply, now: datetime) -> bool:
    """Tell whether the moment that was drawn for an offer has come."""
    return supply.renew_at is not None and now >= supply.renew_at


def is_stale(source: Source, copy: Copy, now: datetime) -> bool:
    """Tell whether something newer can be had than what is here in the form that a source brings."""
    held = next((each for each in copy.linked if each.kind is source.form), None)
    if held is None:
        return source.form is not None
    if held.kind is LinkedKind.SIGNED:
        return not held.is_valid(now + ENDS_SOON)
    return held.month < f"{now:%Y-%m}"


def stale_sources(supply: Supply, wallet: Wallet, now: datetime) -> tuple[Source, ...]:
    """Return what of an offer can be renewed, or may be had now although it was denied before."""
    return tuple(each for each in supply.sources if _can_renew(each, wallet, now))


def _can_renew(source: Source, wallet: Wallet, now: datetime) -> bool:
    match source:
        case Waiting():
            return source.denied
        case Deferred():
            return False
        case Brought():
            copy = wallet.copy(source.copy)
            return copy is not None and is_stale(source, copy, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A copy whose unlinkable form has ended before it was renewed: the listener chooses, each way in words.

    Attributes:
        why: what happened.
        instance: what showing a single-use instance reveals; None if none is left.
        renewing: what renewing now reveals.
    """

    why: str
    instance: str | None
    renewing: str


def find_late(copy: Copy, kind: LinkedKind, wallet: Wallet, now: datetime) -> Late | None:
    """Return the choice that is left where a form of a copy has ended; None if it is here, or never was to come."""
    ways = [each for supply in wallet.supplies for each in supply.brought if each.copy == copy.key]
    if copy.linked_as(kind, now) or not any(each.form is kind for each in ways):
        return None
    site, title = host_of(copy.issuer), words.title_of(copy)
    left = any(each.is_valid(now) for each in copy.instances)
    because = f" ({copy.not_renewed.rstrip('.')})" if copy.not_renewed else ""
    return Late(
        why=f"The proof of {title} that nobody can follow has ended and was not renewed{because}.",
        instance=(
            "Showing a single-use stamp instead asks nobody. Sites cannot join two of your visits by it, but "
            f"{site}, which made it, and the site together could tell that it was you."
            if left
            else None
        ),
        renewing=RENEWING_NOW,
    )
