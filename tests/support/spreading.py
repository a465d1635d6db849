"""Two workers without sticky sessions: every request of a flow goes to one of them by one bit of its number.

Any two numbers differ in some bit, so of any two requests of a flow one run gives them to different workers: what one
worker kept to itself, the other would miss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

BITS: Final = range(4)


class Spread:
    """Gives each request to the worker that one bit of its number names."""

    def __init__(self, *workers: ASGIApp, bit: int) -> None:
        self._workers, self._bit = workers, bit
        self.asked = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, as an application does."""
        worker = self._workers[self.asked >> self._bit & 1]
        self.asked += 1
        await worker(scope, receive, send)

    def check(self) -> None:
        """Make sure that both were asked, and that no request was one too many for all to be set apart."""
        assert 1 << self._bit < self.asked <= 1 << len(BITS), self.asked
