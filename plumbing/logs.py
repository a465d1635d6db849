"""Structured logs, one JSON object a line, that never hold what could name a listener.

A log line carries a request id, the route's template (never the path or query that was asked), the method, status and
duration. Claim values, keys, tokens, disclosures and network addresses **must** never be passed to a logger; the
canary audit in `tests/flows` reads every line.
"""

import logging
import sys

import structlog


def configure(level: str = "info") -> None:
    """Send structured lines of `level` and above to standard error; silence the libraries' own chatter."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    for name in ("httpx", "httpcore", "alembic", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """Return a logger whose lines say which part (`name`) spoke."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(part=name)
    return logger
