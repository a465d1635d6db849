"""What the issuer's edge works with. The composition in `handstamp/` fills it, once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from credentials.keys.encryption import DecryptionKey
from issuer.identity import Identity
from issuer.policy import WalletPolicy
from issuer.service.offers import OfferDesk
from issuer.status import StatusSchedule
from plumbing.clock import Clock
from plumbing.database import Database
from plumbing.web.csrf import FormGuard
from plumbing.web.pages import Pages

MIGRATIONS: Final = Path(__file__).parent / "migrations"
TEMPLATES: Final = Path(__file__).parent / "web" / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerParts:
    """Database, identity and the rest; nothing in it changes while the service runs."""

    database: Database
    identity: Identity
    desk: OfferDesk
    forms: FormGuard
    pages: Pages
    clock: Clock
    random: Callable[[int], bytes]
    schedule: StatusSchedule = field(default_factory=StatusSchedule)
    encryption_key: DecryptionKey = field(default_factory=DecryptionKey.generate)
    policy: WalletPolicy = field(default_factory=WalletPolicy)
