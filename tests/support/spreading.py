"""Two workers without sticky sessions: every request of a flow goes to one of them by one bit of its number.

Any two numbers differ in some bit, so of any two requests of a flow one run gives them to different workers: what one
worker kept to itself, the other would miss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx
from typing_extensions import override

if TYPE_CHECKING:
    from fastapi import FastAPI

BITS: Final = range(4)


class Spread(httpx.AsyncBaseTransport):
    """Gives each request to the worker that one bit of its number names."""

    def __init__(self, *workers: FastAPI, bit: int) -> None:
        self._workers = [httpx.ASGITransport(each) for each in workers]
        self._bit = bit
        self.asked = 0

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        worker = self._workers[self.asked >> self._bit & 1]
        self.asked += 1
        return await worker.handle_async_request(request)

    def check(self) -> None:
        """Make sure that both were asked, and that no request was one too many for all to be set apart."""
        assert 1 << self._bit < self.asked <= 1 << len(BITS), self.asked
