"""What libraries log, warn of and raise where nobody looks: as our lines, without a single value of theirs.

A library's sentence may hold an address, a path, a query, an SQL parameter or the text of an exception. So of a record
that has arguments only its template is repeated (but for the number of our own process), of one without only what
stands in the table below; of an exception its class and where it arose.
"""

import logging
import sys
import threading
import traceback
import warnings
from pathlib import PurePath
from types import TracebackType
from typing import Any, Final, TextIO

import structlog
from typing_extensions import override

_FRAMES: Final = 8
_WITHHELD: Final = "what it said is not repeated, because it may hold values"
_KNOWN: Final = (
    "ASGI callable returned without completing response.",
    "ASGI callable returned without starting response.",
    "Application shutdown complete.",
    "Application shutdown failed. Exiting.",
    "Application startup complete.",
    "Application startup failed. Exiting.",
    "Exception in ASGI application",
    "Exceeded concurrency limit.",
    "Fatal error on transport",
    "Invalid HTTP request received.",
    "No supported WebSocket library detected.",
    "Shutting down",
    "Task exception was never retrieved",
    "Task was destroyed but it is pending!",
    "Unclosed connection",
    "Unsupported upgrade request.",
    "Using selector",
    "Waiting for application shutdown.",
    "Waiting for application startup.",
    "Waiting for background tasks to complete.",
    "Waiting for connections to close.",
)
"""How sentences begin that a library writes without a value in them; no more than this beginning is repeated."""
_OF_A_PROCESS: Final = frozenset({"Started server process [%d]", "Finished server process [%d]"})
"""Templates whose value is the number of our own process."""


class ForeignLines(logging.Handler):
    """Writes records of the standard library's logging as lines of ours."""

    def __init__(self, log: structlog.typing.FilteringBoundLogger) -> None:
        super().__init__()
        self._log = log

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        more: dict[str, Any] = {}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            more = {"error": type(error).__name__, "where": frames_of(error)}
        try:
            self._log.log(record.levelno // 10 * 10, _said(record), library=record.name, **more)
        except Exception:  # noqa: BLE001  # logging must not end what it tells of, and the default hook prints values
            self._log.error("a line was lost", library=record.name)


def _said(record: logging.LogRecord) -> str:
    said = str(record.msg)
    if record.args:
        return record.getMessage() if said in _OF_A_PROCESS else said
    return next((known for known in _KNOWN if said.startswith(known)), _WITHHELD)


def frames_of(error: BaseException) -> str:
    """Name the last frames in which an error arose: files, lines and functions, never a value."""
    return _name(traceback.extract_tb(error.__traceback__)[-_FRAMES:])


def _name(frames: list[traceback.FrameSummary]) -> str:
    return " > ".join(f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)


def take_over_hooks(log: structlog.typing.FilteringBoundLogger) -> None:
    """Let this process write warnings, and errors that nobody caught, as lines of ours: for services only.

    Python's own hooks print the text of the exception, and with it whatever value it holds.
    """

    def on_error(kind: type[BaseException], error: BaseException | None, _: TracebackType | None) -> None:
        log.error("uncaught", error=kind.__name__, where="" if error is None else frames_of(error))

    def on_warning(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        del message, file, line  # a library may quote a value in them
        log.warning("warning", kind=category.__name__, where=f"{PurePath(filename).name}:{lineno}")

    sys.excepthook = on_error
    sys.unraisablehook = lambda raised: on_error(raised.exc_type, raised.exc_value, None)
    threading.excepthook = lambda raised: on_error(raised.exc_type, raised.exc_value, None)
    warnings.showwarning = on_warning
