"""Structured logs, one JSON object a line, that never hold what could name a listener.

A log line carries a request id, the route's template (never the path or query that was asked), the method, status and
duration. Claim values, keys, tokens, disclosures and network addresses **must** never be passed to a logger; the
canary audit in `tests/flows` reads every line. What libraries say goes through `plumbing.foreign_logs`, which repeats
none of their values.
"""

import contextlib
import json
import logging
import secrets
import sys
import threading
from collections.abc import Iterator, MutableMapping
from contextvars import ContextVar, Token
from typing import Any, Final, TextIO, TypeAlias

import structlog

from plumbing.foreign_logs import ForeignLines

_Given: TypeAlias = tuple[str, str]
_REQUEST: Final = "request_id"
_RUN: Final = "run_id"
_ID_BYTES: Final = 8
# Twice as cheap as structlog's own context, which copies every variable of the process for each line.
_CURRENT: Final[ContextVar[_Given | None]] = ContextVar("handstamp_current_id", default=None)
_QUIET: Final = ("httpx", "httpcore", "alembic", "uvicorn.access", "sse_starlette", "python_multipart")


def configure(level: str = "info", *, stream: TextIO | None = None) -> None:
    """Send structured lines of `level` and above to standard error, and what libraries say through the same gate.

    Args:
        level: "debug", "info", "warning" or "error".
        stream: instead of standard error.
    """
    lowest = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            add_id,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(lowest),
        logger_factory=_Lines(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, ForeignLines)]:
        root.removeHandler(handler)
    root.addHandler(ForeignLines(get_logger("library")))
    root.setLevel(lowest)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """Return a logger whose lines say which part (`name`) spoke."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(part=name)
    return logger


def begin_request() -> tuple[str, Token[_Given | None]]:
    """Draw the id of a request, which its lines carry from now on; give the token back to `end_request`.

    Nothing that a caller sends is taken for it: two requests with one id would be one caller's.
    """
    request_id = secrets.token_hex(_ID_BYTES)
    return request_id, _CURRENT.set((_REQUEST, request_id))


def end_request(token: Token[_Given | None]) -> None:
    """Let later lines belong to no request."""
    _CURRENT.reset(token)


@contextlib.contextmanager
def run() -> Iterator[str]:
    """Give one run of background work an id, which its lines carry."""
    run_id = secrets.token_hex(_ID_BYTES)
    token = _CURRENT.set((_RUN, run_id))
    try:
        yield run_id
    finally:
        _CURRENT.reset(token)


def current_request_id() -> str | None:
    """Return the id of the request that is answered now; None outside of one."""
    given = _CURRENT.get()
    return given[1] if given is not None and given[0] == _REQUEST else None


def add_id(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put the id of the request or of the run into a line: a processor for structlog."""
    given = _CURRENT.get()
    if given is not None:
        line[given[0]] = given[1]
    return line


class _Lines:
    """Writes each line to a stream at once. A disk that is full loses lines, and ends neither a request nor a run."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def __call__(self, *_: object) -> "_Lines":
        """Be the factory of the one logger that this is."""
        return self

    def msg(self, line: str) -> None:
        """Write one line."""
        with self._lock, contextlib.suppress(OSError, ValueError):  # ValueError: the stream is closed
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = msg


# Made once: `json.dumps` with settings of its own makes an encoder for each line.
_ENCODE: Final = json.JSONEncoder(default=lambda value: type(value).__name__).encode


def _render(_logger: object, _method: str, line: MutableMapping[str, Any]) -> str:
    return _ENCODE(line)
