"""A worker that has too much to do says so at once, instead of answering everybody late.

What waits is counted from the moment its header is read until its answer begins. An answer that has begun (a download,
a page that waits for news) holds no place: it costs little until it ends, and connections have a bound of their own.
Nor does a request whose body is still on its way: a hundred senders who take their time would else shut out all others.

In one turn of the event loop a server reads every request that has arrived and only then works on the first, so who
counts when the application is called counts one at a time. `plumbing/web/slow.py` therefore takes the places while it
reads, and leaves the verdict in the scope; under any other server they are taken here.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from plumbing.logs import get_logger
from plumbing.web.exempt import ALWAYS_ANSWERED

TURN: Final = "handstamp.turn"
"""The member of a scope that says whether the request got a place when it was read."""
_LINE_EVERY_S: Final = 10.0


class Load:
    """How many requests of this worker wait for their answer, of how many that may. For one thread.

    Args:
        limit: how many may wait; 0 for as many as come.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.waiting = 0

    def enter(self, path: str) -> bool:
        """Take a place, if there is one; who is always answered takes one even if there is none."""
        if self._limit and self.waiting >= self._limit and path not in ALWAYS_ANSWERED:
            return False
        self.waiting += 1
        return True

    def enter_again(self) -> None:
        """Take a place, even if there is none: of who had one, and gave it back while the body was on its way."""
        self.waiting += 1

    def leave(self) -> None:
        """Give the place back."""
        self.waiting -= 1


class Overload:
    """Refuses with 503 and `Retry-After` before any work is done. Outermost.

    The load is looked up at the application (`app.state.load`), where the composition puts it.
    """

    def __init__(self, app: ASGIApp, *, refuse: Callable[[Request], Response]) -> None:
        self._app = app
        self._refuse = refuse
        self._log = get_logger("web")
        self._shed = 0
        self._next_line = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if it has a place, and give the place back as soon as it is answered."""
        load: Load | None = getattr(scope["app"].state, "load", None) if scope["type"] == "http" else None
        if load is None:
            await self._app(scope, receive, send)
            return
        turn = scope.pop(TURN, None)
        if not (load.enter(scope["path"]) if turn is None else turn):
            self._note()
            await self._refuse(Request(scope))(scope, receive, send)
            return
        place = _Place(load)

        async def receive_elsewhere() -> Message:
            with place.given_back():
                return await receive()

        async def send_and_leave(message: Message) -> None:
            place.leave()
            await send(message)

        try:
            await self._app(scope, receive_elsewhere, send_and_leave)
        finally:
            place.leave()

    def _note(self) -> None:
        """Log how many were turned away, seldom: a line for each would be more work than is saved."""
        self._shed += 1
        now = time.monotonic()
        if now >= self._next_line:
            self._log.warning("overloaded", turned_away=self._shed)
            self._shed, self._next_line = 0, now + _LINE_EVERY_S


class _Place:
    """The place of one request, from when it is called until its answer begins."""

    __slots__ = ("_away", "_load")

    def __init__(self, load: Load) -> None:
        self._load: Load | None = load
        self._away = 0

    def leave(self) -> None:
        """Give the place back for good, if it was not."""
        if self._load is not None and not self._away:
            self._load.leave()
        self._load = None

    @contextmanager
    def given_back(self) -> Iterator[None]:
        """Let others have the place while its request waits for its sender."""
        if self._load is not None and not self._away:
            self._load.leave()
        self._away += 1
        try:
            yield
        finally:
            self._away -= 1
            if self._load is not None and not self._away:
                self._load.enter_again()
