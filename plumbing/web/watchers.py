"""How often open pages look for news: the more there are, the less often each.

So a thousand streams, whoever opens them, cost no more reads than a hundred, and every page is still told, a little
later. How many connections there may be at all is bounded elsewhere (`plumbing/web/slow.py`).
"""

from typing import Final

_LONGEST_PAUSE_S: Final = 15.0
_LOOKS_PER_S: Final = 200


class Watchers:
    """How many streams are open in this process; enter it for as long as one is.

    Args:
        pause_s: how long a stream waits between two looks while there are few.
    """

    def __init__(self, *, pause_s: float) -> None:
        self._pause_s = pause_s
        self.open = 0

    def __enter__(self) -> None:
        self.open += 1

    def __exit__(self, *_: object) -> None:
        self.open -= 1

    @property
    def pause_s(self) -> float:
        """How long each stream waits before it looks again, so that all together look at most so often."""
        return min(max(self._pause_s, self.open / _LOOKS_PER_S), _LONGEST_PAUSE_S)
