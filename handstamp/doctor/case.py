"""What a check looks at: one role with its settings, folder, keys and rows, the machine, and the network."""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlmodel import Session

from credentials.protocols.urls import host_of, is_loopback
from handstamp.doctor.machine import Machine
from handstamp.doctor.web import Answer, Web
from handstamp.settings import Role, ServiceSettings, Settings
from plumbing.database_engine import connect_arguments, parse_database_url
from plumbing.keystore import KeyStore
from verifier.store import SqlStores

if TYPE_CHECKING:
    import psycopg

PATIENCE_S: Final = 20.0
INTERRUPTED: Final = "interrupted"
"""What SQLite says of what took too long."""
_STEPS: Final = 100_000
_LOOKING_MS: Final = 5000


class NotToBeSeen(Exception):
    """A check cannot look, because of something that another kind says."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One role, or the settings as a whole, or the machine, at one moment.

    Attributes:
        role: a service, `wallet`, `settings` or `machine`.
        given: the settings; None if they cannot be read.
        roles: the services that are looked at.
        now: the moment.
        machine: the machine.
        web: the network.
        environment: the variables of the process.
    """

    role: str
    given: Settings | None
    roles: tuple[Role, ...]
    now: datetime
    machine: Machine
    web: Web
    environment: Mapping[str, str] = field(repr=False, default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The settings."""
        if self.given is None:
            raise NotToBeSeen
        return self.given

    @property
    def service(self) -> ServiceSettings:
        """The settings of the service."""
        return cast("ServiceSettings", getattr(self.settings, self.role))

    @property
    def url(self) -> str:
        """The public address of the service."""
        return self.service.base_url

    @property
    def host(self) -> str:
        """The host of the public address."""
        return host_of(self.url)

    @property
    def is_public(self) -> bool:
        """Whether it is for others than this machine."""
        return not is_loopback(self.url)

    @property
    def folder(self) -> Path:
        """The folder of the role."""
        return self.settings.folder(self.role)

    @property
    def setting(self) -> str:
        """How settings of this role begin."""
        return f"{self.role}."

    @cached_property
    def keys(self) -> KeyStore:
        """The key folder; ask it only for what is there, because it makes what is not."""
        return KeyStore(self.folder / "keys", clock=lambda: self.now)

    @property
    def database_url(self) -> str:
        """Where the database is."""
        return self.settings.database_url(cast("Role", self.role))

    @property
    def database_file(self) -> Path | None:
        """Where the database lies; None if it is PostgreSQL's."""
        url = parse_database_url(self.database_url)
        return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None

    def rows(self, query: str, **values: object) -> Sequence[tuple[Any, ...]]:
        """Ask the database, which is opened for reading only.

        Raises:
            NotToBeSeen: it cannot be asked, or has no such table: kinds of their own say so.
        """
        try:
            return self.rows_or_error(query, **values)
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise NotToBeSeen from error

    def rows_or_error(self, query: str, **values: object) -> Sequence[tuple[Any, ...]]:
        """Ask the database, and let what goes wrong come out."""
        with self._engine().connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    def _engine(self) -> Engine:
        file = self.database_file
        if file is None:
            url = parse_database_url(self.database_url)
            # A database in another encoding would give bytes for text, before it can be asked which it has. What the
            # address itself says (a role, a search path) stays: the service has it, too.
            options = f"{url.query.get('options', '')} -c client_encoding=UTF8 -c statement_timeout={_LOOKING_MS}"
            arguments = {**connect_arguments(url), "options": options}
            engine = create_engine(url, poolclass=NullPool, connect_args=arguments, hide_parameters=True)
            event.listen(engine, "connect", _let_it_read_only)
        else:
            engine = create_engine("sqlite://", creator=lambda: open_to_read(file), poolclass=NullPool)
        return engine

    @contextmanager
    def stores(self, site: str) -> Iterator[SqlStores]:
        """Read a site's rows as the site does.

        Raises:
            NotToBeSeen: they cannot be read: kinds of their own say so.
        """
        try:
            with Session(self._engine()) as session:
                yield SqlStores(session, site=site)
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise NotToBeSeen from error

    async def public(self, path: str, **headers: str) -> Answer:
        """Ask the service at its public address, as anybody would.

        Raises:
            NotToBeSeen: it does not answer: a kind of its own says so.
        """
        return await self.other(self.url + path, **headers)

    async def other(self, url: str, **headers: str) -> Answer:
        """Ask somebody else.

        Raises:
            NotToBeSeen: they do not answer.
        """
        answer = await self.web.ask("GET", url, headers=headers)
        if isinstance(answer, str):
            raise NotToBeSeen
        return answer


def _let_it_read_only(connection: "psycopg.Connection[Any]", _record: object) -> None:
    connection.read_only = True


def open_to_read(file: Path) -> sqlite3.Connection:
    """Open an SQLite file without making, changing or leaving anything; what takes too long is interrupted."""
    # Nobody has it open if it has no write-ahead log: then not even the files beside it need be made.
    alone = not file.with_name(f"{file.name}-wal").exists()
    how = "immutable=1" if alone else "mode=ro"
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?{how}", uri=True, timeout=5, check_same_thread=False)
    end = time.monotonic() + PATIENCE_S
    connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    return connection
