"""What a trackserver consists of; the composition in `handstamp/` fills it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from plumbing.meter import NO_METER, Meter
from trackserver.packages import ZipLayouts

if TYPE_CHECKING:
    from collections.abc import Callable

    from plumbing.clock import Clock
    from plumbing.database import Database
    from plumbing.web.pages import Pages

MIGRATIONS: Final = Path(__file__).parent / "migrations"
TEMPLATES: Final = Path(__file__).parent / "web" / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackserverTools:
    """What commands need: everything but the web.

    Attributes:
        base_url: the public address, as others see it, without a slash at its end.
        covers: the folder where copies of covers are kept.
        new_secret: gives 256 random bits as text; `new_id` 128.
        random: gives so many random bytes.
        zip_layouts: remembers the zips that were asked for last.
    """

    database: Database
    base_url: str
    covers: Path
    clock: Clock
    new_secret: Callable[[], str]
    new_id: Callable[[], str]
    random: Callable[[int], bytes]
    zip_layouts: ZipLayouts = field(default_factory=ZipLayouts)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackserverParts(TrackserverTools):
    """What the service needs."""

    pages: Pages
    meter: Meter = NO_METER
