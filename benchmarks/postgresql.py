"""A PostgreSQL server for the time of a measurement, as durable as a real one; where none can be run, none."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Final

import psycopg

from tests.support.postgres import NoServer, folder_of_run, start_once, stop

# What was committed has reached the disk, as on SQLite with `synchronous=FULL`; the rest are the server's defaults.
_DURABLE: Final = "-c listen_addresses='' -c unix_socket_permissions=0777 -c max_connections=50"


@contextlib.contextmanager
def postgresql_urls(*names: str) -> Iterator[Mapping[str, str]]:
    """Give the addresses of empty databases by their names; no address where no server can be run."""
    folder = folder_of_run(os.getpid())
    try:
        server = start_once(folder, controller_pid=os.getpid(), options=_DURABLE)
    except NoServer as error:
        print(f"  PostgreSQL: NOT MEASURED ({error})", flush=True)
        yield {}
        return
    try:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            for name in names:
                connection.execute(f"CREATE DATABASE {name}".encode())
        yield {name: server.url(name) for name in names}
    finally:
        stop(folder)
