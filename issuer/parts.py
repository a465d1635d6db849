"""What the issuer works with. The composition in `handstamp/` fills it, once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from credentials.keys.encryption import DecryptionKey
from issuer.policy import WalletPolicy
from issuer.status import StatusSchedule
from plumbing.meter import NO_METER, Meter

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from issuer.identity import Identity
    from issuer.service.offers import OfferDesk
    from plumbing.clock import Clock
    from plumbing.database import Database
    from plumbing.web.csrf import FormGuard
    from plumbing.web.pages import Pages

MIGRATIONS: Final = Path(__file__).parent / "migrations"
TEMPLATES: Final = Path(__file__).parent / "web" / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerTools:
    """What commands need: everything but the web, which takes longer to load than most commands take.

    Attributes:
        identity: who we are. Its keys are those of the start: whoever signs, or tells keys, asks `identity_at`.
        turning: gives the identity with the keys of a moment; None where keys never turn.
    """

    database: Database
    identity: Identity
    desk: OfferDesk
    clock: Clock
    random: Callable[[int], bytes]
    schedule: StatusSchedule = field(default_factory=StatusSchedule)
    turning: Callable[[datetime], Identity] | None = None

    def identity_at(self, now: datetime) -> Identity:
        """Who we are, with the keys of this moment: one request takes it once, so that key and certificate agree."""
        return self.identity if self.turning is None else self.turning(now)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerParts(IssuerTools):
    """What the service needs; nothing in it changes while it runs, but for keys that turn."""

    forms: FormGuard
    pages: Pages
    encryption_key: DecryptionKey = field(default_factory=DecryptionKey.generate)
    policy: WalletPolicy = field(default_factory=WalletPolicy)
    meter: Meter = NO_METER
