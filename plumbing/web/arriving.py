"""How much of unfinished requests one worker holds: bounded for all senders together, and the slowest gives way.

A bound for each body bounds nothing for two thousand senders who never finish. To refuse whoever comes last would let a
few who take their time shut out everybody else; so the one who has been at it longest goes. Who sends a request as fast
as others do is never that one.
"""

from typing import Final, Generic, TypeVar

_PIECE_BYTES: Final = 64  # what keeping a piece costs besides its bytes: of two bytes each, a body would fill megabytes
Sender = TypeVar("Sender")


class Arriving(Generic[Sender]):
    """What was read of requests that cannot be worked on yet. For one thread.

    Args:
        limit: how many bytes all of it may have together.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: dict[Sender, int] = {}
        self._total = 0

    def add(self, sender: Sender, size: int) -> None:
        """Count one more piece, of so many bytes."""
        counted = size + _PIECE_BYTES
        self._held[sender] = self._held.get(sender, 0) + counted
        self._total += counted

    def end(self, sender: Sender) -> None:
        """Count nothing of this sender any more."""
        self._total -= self._held.pop(sender, 0)

    def to_give_way(self) -> Sender | None:
        """Return who began first of those who are counted, if all of them hold too much."""
        return next(iter(self._held)) if self._total > self._limit else None
