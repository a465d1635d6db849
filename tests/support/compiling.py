"""One memory of compiled statements for all databases of this process.

SQLAlchemy compiles a statement once for each engine. A service has one engine for life; tests have one each, and would
compile every statement again: a third of what a test of a service costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import plumbing.database_engine

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.engine import URL

_FIRST: Final[dict[str, Engine]] = {}
_CREATE: Final = plumbing.database_engine.create_engine


def share_what_was_compiled() -> None:
    """Let every database that is opened from now on know what the first of its kind has compiled."""
    plumbing.database_engine.create_engine = _create_engine


def _create_engine(url: URL, **arguments: Any) -> Engine:
    engine = _CREATE(url, **arguments)
    first = _FIRST.setdefault(url.get_backend_name(), engine)
    if first is not engine and first.dialect.server_version_info:  # known as soon as it was connected
        engine.dialect = engine.pool._dialect = first.dialect  # noqa: SLF001  # SQLAlchemy has no other way
        engine._compiled_cache = first._compiled_cache  # noqa: SLF001
    return engine
