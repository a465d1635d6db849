"""What the drivers of both databases say when one cannot be used, as one error of ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DatabaseError, DataError, DBAPIError, IntegrityError, InterfaceError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from credentials.errors import Malformed, OperatorError

_WORDS_OF_STATES: Final = {
    # PostgreSQL's own states (its manual's appendix A): a class of two characters, or one state.
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


class DatabaseUnavailable(OperatorError):
    """The database cannot be opened, read or written just now."""

    code = "database_unavailable"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The database cannot be used: {reason}. Nothing was changed; check the disk and try again.")


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
    """Say in words why the database cannot be used; what the server says of values is left out."""
    state = getattr(error.orig, "sqlstate", None)
    if state is None:  # SQLite, or no answer of a server at all: neither speaks of values
        return " ".join(str(error.orig).split()).rstrip(".")
    return next(
        (words for begin, words in _WORDS_OF_STATES.items() if state.startswith(begin)), f"its server says {state}"
    )
