"""A clock for tests in which time passes."""

from dataclasses import dataclass
from datetime import datetime

from tests.support.outside import NOW


@dataclass
class Clock:
    """A clock that a test moves."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now
