"""Whether a PostgreSQL server answers at all: who falls silent is waited for once, then left alone for a while.

A server that stands still, or behind a network that swallows everything, says nothing: no error, and not that it hung
up. Its own limits of time stand still with it. So whoever has waited for a second looks whether it takes a new
connection. If it does, others hold a lock or the statement is slow, and that has an end of its own. If it does not,
everybody who waits is told, and so is at once whoever comes; once in a second one of them looks again.
"""

import threading
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import ConnectionFailure, ConnectionTimeout
from psycopg.waiting import Ready
from typing_extensions import override

from plumbing.database_errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
_LOOK_AFTER_S: Final = 1.0
_LOOK_FOR_S: Final = 2  # the least that libpq knows
_LOOKS: Final = 2
_LATE_S: Final = 0.05
_REST_S: Final = 1.0
_LOST_AFTER_S: Final = 40.0  # longer than a server lets any statement take: this connection alone is lost
_SILENT: Final = "its server does not answer"


class Pulse:
    """What is known of one server. For any number of threads."""

    def __init__(self) -> None:
        self._one_looks = threading.Lock()
        self._knock: Callable[[], None] | None = None
        self._is_silent = False
        self._heard_at = self._looked_at = time.monotonic()

    def check(self) -> None:
        """Check that it was not silent just now.

        Raises:
            DatabaseUnavailable: it was. One caller in a second looks again instead, and passes if it answers.
        """
        if not self._is_silent:
            return
        if time.monotonic() < self._looked_at + _REST_S or not self._one_looks.acquire(blocking=False):
            raise DatabaseUnavailable(_SILENT)
        try:
            self._look()
        finally:
            self._one_looks.release()
        if self._is_silent:
            raise DatabaseUnavailable(_SILENT)

    def open(self, *arguments: Any, **options: Any) -> "WatchedConnection":  # noqa: ANN401  # as the driver takes them
        """Open a connection that does not wait for a silent server.

        Raises:
            psycopg.Error: it cannot be opened.
            DatabaseUnavailable: the server was silent just now.
        """
        self.check()
        shortly = {**options, "connect_timeout": _LOOK_FOR_S}
        self._knock = lambda: psycopg.connect(*arguments, **shortly).close()
        try:
            connection = self._connect(*arguments, **options)
        except ConnectionTimeout as error:
            self._is_silent, self._looked_at = True, time.monotonic()
            raise ConnectionFailure(_SILENT) from error
        connection.pulse = self
        return connection

    def _connect(self, *arguments: Any, **options: Any) -> "WatchedConnection":  # noqa: ANN401  # as the driver takes them
        try:
            return WatchedConnection.connect(*arguments, **options)
        except ConnectionTimeout:
            if not self._answers():
                raise
            return WatchedConnection.connect(*arguments, **options)  # it was we who came too late

    def is_silent(self) -> bool:
        """Look whether it takes a new connection, if nobody looked just now; the others wait for whoever looks."""
        with self._one_looks:
            if not self._is_silent and time.monotonic() > self._heard_at + _REST_S:
                self._look()
            return self._is_silent

    def _look(self) -> None:
        self._is_silent = not self._answers()
        self._looked_at = time.monotonic()
        if not self._is_silent:
            self._heard_at = self._looked_at

    def _answers(self) -> bool:
        for _ in range(_LOOKS):
            begun = time.monotonic()
            try:
                if self._knock is not None:
                    self._knock()
            except ConnectionTimeout:
                # Whoever wakes up late stood still themselves (a machine that was paused, or had too much to do), and
                # missed what the server said meanwhile. Each of its addresses is given the same time.
                if (time.monotonic() - begun) % _LOOK_FOR_S < _LATE_S:
                    return False
            except psycopg.Error as error:
                return "FATAL:" in str(error)  # it does not let us in, but it says so
            else:
                return True
        return False


class WatchedConnection(psycopg.Connection[Any]):
    """A connection that gives itself up when its server fell silent."""

    pulse: Pulse | None = None

    @override
    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        return super().wait(self._watched(gen), interval, timeout)

    def _watched(self, gen: PQGen[T]) -> PQGen[T]:
        """Pass on what the driver waits for, and look at the server when nothing comes for long."""
        try:
            wanted = next(gen)
            begun = heard = time.monotonic()
            while True:
                ready = yield wanted
                now = time.monotonic()
                if ready != Ready.NONE:
                    heard = now
                elif now > heard + _LOOK_AFTER_S and (now > begun + _LOST_AFTER_S or self._is_lost()):
                    self.pgconn.finish()  # nothing more is said to who does not listen, not even ROLLBACK
                    raise ConnectionFailure(_SILENT)
                wanted = gen.send(ready)
        except StopIteration as ended:
            result: T = ended.value
            return result

    def _is_lost(self) -> bool:
        return self.pulse is not None and self.pulse.is_silent()
