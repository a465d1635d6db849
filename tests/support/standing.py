"""The time of day as services read it, which stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from plumbing import clock

if TYPE_CHECKING:
    from datetime import tzinfo

    import pytest


class Standing(datetime):
    """A clock that stands: no month, day or half minute ends between two steps."""

    moment: ClassVar[datetime] = datetime(2026, 11, 21, 20, 0, 10, tzinfo=UTC)

    @classmethod
    @override
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return cls.moment


def stop_the_clock(patch: pytest.MonkeyPatch, moment: datetime = Standing.moment) -> None:
    """Let it be `moment` until a test says otherwise, or `patch` ends."""
    patch.setattr(Standing, "moment", moment)
    patch.setattr(clock, "datetime", Standing)
