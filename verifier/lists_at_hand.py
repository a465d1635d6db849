"""Status lists that were verified a moment ago: at a busy gate one visit after the other needs the same few.

Finding, verifying and unpacking a list costs as much as all else that a visit with a record does, and whoever knows the
lists before an answer is judged need not judge it twice. They are kept in memory for half a minute: so long at most it
takes until what another process fetched, or the end of the trust in whoever signed a list, is heeded by this one. The
trust in the record itself is looked up each time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from credentials.status import StatusList

_KEPT_FOR: Final = timedelta(seconds=30)
_MOST: Final = 16
"""Of a co-op's lists only some are of this month and the last; each takes 32 KiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    listed: StatusList
    since: datetime
    until: datetime


class ListsAtHand:
    """The last lists that were verified. For one thread."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self.forgotten = 0
        """How often there was a newer list: what was read before the last time may be an older one."""

    def keep(self, listed: StatusList, *, fetched_at: datetime, now: datetime) -> None:
        """Keep a list that was verified now, no longer than it is fresh."""
        fresh_until = fetched_at + timedelta(seconds=listed.ttl_s)
        self._entries.pop(listed.uri, None)
        self._entries[listed.uri] = _Entry(listed=listed, since=now, until=min(now + _KEPT_FOR, fresh_until))
        if len(self._entries) > _MOST:
            del self._entries[next(iter(self._entries))]

    def forget(self, uri: str) -> None:
        """Let go of a list, because there is a newer one."""
        self.forgotten += 1
        self._entries.pop(uri, None)

    def at(self, now: datetime) -> Mapping[str, StatusList]:
        """Return those that are as good as verified now, under their addresses; none if a clock was set back."""
        return {uri: each.listed for uri, each in self._entries.items() if _is_good(each, now)}


def _is_good(entry: _Entry, now: datetime) -> bool:
    ends = entry.listed.expires_at
    return entry.since <= now <= entry.until and (ends is None or now.timestamp() < ends)
