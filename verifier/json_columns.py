"""JSON columns in statements that go to the driver as they are: text there and back, on every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Text, cast
from sqlmodel import col

from credentials.encoding import strict_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.sql import ColumnElement

    from credentials.encoding.strict_json import Json

_MAX_BYTES: Final = 2**24
_MAX_DEPTH: Final = 64
_WHAT: Final = "column of our own"


def json_text(column: Any) -> ColumnElement[str]:  # noqa: ANN401  # a column of a table, as its model has it
    """Read a JSON column as the text that it is; PostgreSQL's driver would parse it, and SQLite's would not."""
    return cast(col(column), Text)


def write_json(value: Json | Mapping[str, Json] | Sequence[Json]) -> str:
    """Write a value for a JSON column."""
    return strict_json.dump(value).decode()


def read_json(text: str) -> Any:  # noqa: ANN401  # what we wrote ourselves
    """Read what `write_json` or SQLAlchemy wrote."""
    return strict_json.parse(text, what=_WHAT, max_bytes=_MAX_BYTES, max_depth=_MAX_DEPTH)
