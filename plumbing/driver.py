"""What a driver is told without SQLAlchemy in between, and what becomes of its errors."""

from typing import Any, NoReturn

from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPICursor


def tell_driver(connection: Connection, sql: str, *values: Any) -> DBAPICursor:  # noqa: ANN401  # as each driver wants
    """Run one statement within the connection's transaction, and return the cursor with what came back.

    Raises:
        DBAPIError: as SQLAlchemy says it.
    """
    try:
        cursor = connection.connection.cursor()
        cursor.execute(sql, *values)
    except connection.dialect.loaded_dbapi.Error as error:
        _raise_as_sqlalchemy_does(error, connection, sql)
    return cursor


def tell_driver_often(connection: Connection, sql: str, values: list[Any]) -> DBAPICursor:
    """Run one statement once for each of some values; as `tell_driver` otherwise."""
    try:
        cursor = connection.connection.cursor()
        cursor.executemany(sql, values)
    except connection.dialect.loaded_dbapi.Error as error:
        _raise_as_sqlalchemy_does(error, connection, sql)
    return cursor


def _raise_as_sqlalchemy_does(error: Exception, connection: Connection, sql: str) -> NoReturn:
    # It has no public name. Whoever counts errors is told, a lost connection is given up, and no value is quoted.
    connection._handle_dbapi_exception(error, sql, None, None, None)  # noqa: SLF001
