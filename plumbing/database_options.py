"""What may stand behind the `?` of a database's address: checked when settings are read, before anybody connects."""

import importlib
import re
from typing import Final

from sqlalchemy.engine import URL

_A_NAME: Final = re.compile("[a-z_]{1,40}")
_NUMBERS: Final = frozenset(
    {
        "connect_timeout",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "tcp_user_timeout",
    }
)
_WORDS: Final = {
    "sslmode": frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}),
    "target_session_attrs": frozenset({"any", "read-write", "read-only", "primary", "standby", "prefer-standby"}),
}
_SEVERAL: Final = frozenset({"host", "port"})  # of several servers, one after the other


def wrong_option_of_postgresql(url: URL) -> str | None:
    """Say in words which option of an address its driver would not take; values are not repeated."""
    pq = importlib.import_module("psycopg").pq
    known = {each.keyword.decode() for each in pq.Conninfo.get_defaults()}
    found = (_wrong_with(name, value, known) for name, value in url.query.items())
    return next((words for words in found if words), None)


def wrong_option_of_sqlite(url: URL) -> str | None:
    """Say in words that SQLite takes no option here: how a file is opened is decided in one place."""
    return "an SQLite file takes no options; leave out the ? and what follows it" if url.query else None


def _wrong_with(name: str, value: str | tuple[str, ...], known: set[str]) -> str | None:
    if not _A_NAME.fullmatch(name):
        return "what follows its ? is no option; in a user name or password a ? is written %3F, a & is written %26"
    if name not in known:
        return f"PostgreSQL knows no option {name}; the manual of its libpq lists them, as sslmode or connect_timeout"
    if not isinstance(value, str):
        return None if name in _SEVERAL else f"its option {name} is there twice"
    if name in _NUMBERS and not value.isdecimal():
        return f"its option {name} is no whole number"
    if value not in _WORDS.get(name, {value}):
        return f"its option {name} is none of {', '.join(sorted(_WORDS[name]))}"
    return None
