"""What the drivers of both databases say when one cannot be used, as one error of ours."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DatabaseError, DataError, DBAPIError, IntegrityError, InterfaceError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from credentials.errors import Malformed, OperatorError

_WORDS_OF_STATES: Final = {
    # PostgreSQL's own states (its manual's appendix A): a class of two characters, or one state.
    "08": "its server does not answer",
    "53100": "the disk of its server is full",
    "53300": "its server has no connection left",
    "53": "its server has run out of something",
    "25006": "its server takes no changes just now, it is read-only",
    "55P03": "others were writing for too long",
    "40": "others changed the same at the same moment",
    "57014": "it took too long",
    "57": "its server is stopping or starting",
    "58": "its server has trouble with its own disk",
    "28": "its server does not let this user in",
    "3D000": "its server has no such database",
    "42501": "its server does not let this user do that",
    "42P01": "its tables are missing, so it is not migrated",
    "42703": "its tables are those of another version",
    "XX": "its server reports that data are damaged",
}
_WORDS_OF_REFUSALS: Final = (
    # Who is not let in is told no state, only a sentence; that names host, port and user, which are nobody's business.
    ("authentication failed", "its server does not let this user in"),
    ("pg_hba.conf", "its server does not let this user in"),
    ("no password supplied", "its server wants a password"),
    ("too many clients", "its server has no connection left"),
    ("too many connections", "its server has no connection left"),
    ("remaining connection slots", "its server has no connection left"),
    ("starting up", "its server is stopping or starting"),
    ("shutting down", "its server is stopping or starting"),
    ("recovery mode", "its server is recovering from a crash"),
    # Of one that follows another and has not caught up, or is not to be read.
    ("the database system is not", "its server takes no connection yet, it follows another or is recovering"),
    ("not currently accepting connections", "its server lets nobody use this database just now"),
    ("is not permitted to log in", "its server does not let this user in"),
    ("permission denied", "its server does not let this user in"),
    ("role", "its server knows no such user"),
    ("does not exist", "its server has no such database"),
)


class DatabaseUnavailable(OperatorError):
    """The database cannot be opened, read or written just now."""

    code = "database_unavailable"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"The database cannot be used: {reason}. Try again in a minute; if it stays so, look at its disk or server."
        )


@contextmanager
def translated() -> Iterator[None]:
    """Turn what a driver says into `DatabaseUnavailable`, and what it will not store into `Malformed`.

    A row that is there already (`IntegrityError`) stays as it is: that is an answer, not trouble.
    """
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseUnavailable("every connection to it is in use") from error
    except IntegrityError:
        raise
    except DataError as error:
        # As a NUL within a text, or a number beyond what the column holds. What it was is not repeated.
        raise Malformed("input", "it holds a character or a number that cannot be stored") from error
    except (DatabaseError, InterfaceError) as error:
        if isinstance(error, ProgrammingError) and not _is_of_the_server(error):
            raise
        raise DatabaseUnavailable(words_of(error)) from error


def _is_of_the_server(error: ProgrammingError) -> bool:
    """Tell a right or a table that is missing at the server from a fault of ours in a statement."""
    return getattr(error.orig, "sqlstate", None) in _WORDS_OF_STATES


def words_of(error: DBAPIError) -> str:
    """Say in words why the database cannot be used, without a value, a host or a user: a client may read it."""
    said = " ".join(str(error.orig).split())
    if isinstance(error.orig, sqlite3.Error):
        return said.rstrip(".")
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        words = _WORDS_OF_STATES.items()
        return next((text for begin, text in words if state.startswith(begin)), f"its server says {state}")
    refused = said.partition("FATAL:")[2]
    return next((text for part, text in _WORDS_OF_REFUSALS if part in refused), "its server cannot be reached")
