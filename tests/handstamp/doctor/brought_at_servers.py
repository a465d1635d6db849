"""What can be wrong with a PostgreSQL server."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg

from tests.handstamp.doctor.bringing import brings
from tests.support import databases

if TYPE_CHECKING:
    import pytest

    from tests.handstamp.doctor.conftest import Place

ON_A_SERVER: set[str] = set()
"""The kinds for which a server is needed."""


@brings("postgresql_unreachable")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.change("issuer", database_url=f"postgresql:///coop?host={place.folder}/no-socket")


@brings("postgresql_unencrypted")
def _(place: Place, _: pytest.MonkeyPatch) -> None:
    place.change("issuer", database_url="postgresql://coop@db.example/coop")


def on_a_server(kind: str, *patches: tuple[str, Any], statement: str = "", inside: str = "", way: str = "") -> None:
    """Let a service be on the tests' server; a statement makes it a database of its own, which `inside` changes."""
    ON_A_SERVER.add(kind)

    @brings(kind, "issuer")
    def _(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in patches:
            monkeypatch.setattr(f"handstamp.doctor.checks.postgresql.{name}", value)
        url = databases.fresh_postgresql(databases.EMPTY)
        if statement:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("DROP DATABASE IF EXISTS doctored")
                connection.execute(statement)  # type: ignore[call-overload]
            url = re.sub(r"@/\w+", "@/doctored", url)
        if inside:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(inside)  # type: ignore[call-overload]
        place.change("issuer", database_url=url + way)


MAKE = "CREATE DATABASE doctored TEMPLATE template0"
on_a_server("postgresql_old", ("_POSTGRESQL", 990000))
on_a_server("postgresql_not_durable")  # the tests' server keeps nothing for ever
on_a_server("postgresql_superuser")  # and lets them in as its owner
on_a_server("postgresql_few_connections", ("_SPARE", 10_000))
on_a_server("postgresql_clock_off", ("_CLOCKS_APART", timedelta(0)))
on_a_server("postgresql_encoding", statement=f"{MAKE} ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'")
on_a_server(
    "postgresql_read_only",
    statement=MAKE,
    inside="ALTER DATABASE doctored SET default_transaction_read_only = on",
)
on_a_server(  # a role that everybody is a member of, and that owns nothing
    "postgresql_not_owned", statement=MAKE, inside="CREATE TABLE hold (id int)", way="&options=-crole=pg_monitor"
)


@brings("postgresql_held", "issuer")
def _(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handstamp.doctor.checks.postgresql._HELD_S", -1)
    url = databases.fresh_postgresql(databases.EMPTY)
    idle = place.stack.enter_context(psycopg.connect(url))
    idle.execute("SELECT 1")
    place.change("issuer", database_url=url)


ON_A_SERVER.add("postgresql_held")
