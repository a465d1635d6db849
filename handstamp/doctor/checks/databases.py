"""What can be wrong with a database: SQLite's file, PostgreSQL's server, and what is in either."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from handstamp.backup.afterwards import MIGRATIONS
from handstamp.backup.databases import known_revisions
from handstamp.doctor.case import INTERRUPTED, PATIENCE_S, Case, NotToBeSeen, open_to_read
from handstamp.doctor.checks.files import is_open_to
from handstamp.doctor.kinds import SERVICES, Finding, Kind, error, note, warning
from plumbing.database_engine import parse_database_url
from plumbing.fetch import is_loopback

_OTHERS: Final = 0o077
_FORMATS: Final = slice(18, 20)
_WAL: Final = b"\x02\x02"
_LARGE_WAL: Final = 256 * 1024 * 1024
_POSTGRESQL: Final = 140000
_SPARE: Final = 10
_AHEAD: Final = timedelta(minutes=2)
_LOCAL_SSL: Final = frozenset({"", "disable", "allow", "prefer"})
_NEWEST: Final = {
    "issuer": ("SELECT max(at) FROM entry", "SELECT max(signed_at) FROM status_list"),
    "verifier": ("SELECT max(created_at) FROM gates", "SELECT max(fetched_at) FROM status_lists"),
    "trackserver": ("SELECT max(added_at) FROM release", "SELECT max(pinned_at) FROM allowed_verifier"),
}


def _file(case: Case) -> Path:
    file = case.database_file
    if file is None or not file.is_file():
        raise NotToBeSeen
    return file


def _missing(case: Case) -> Iterable[Finding]:
    file = case.database_file
    if file is not None and not file.is_file():
        wrong = "There is no database yet; the first start makes it."
    elif not _has_tables(case):
        wrong = "The database is empty; the first start makes its tables."
    else:
        return
    yield note(
        wrong,
        where=file or f"{case.setting}database_url",
        do=f"Nothing, if the {case.role} is new here. Else look whether data_dir and database_url are right.",
    )


def _has_tables(case: Case) -> bool:
    table = f"{case.role}_version"
    if case.database_file is None:
        return case.rows("SELECT to_regclass(:name)", name=table)[0][0] is not None
    return bool(case.rows("SELECT name FROM sqlite_master WHERE name = :name", name=table))


def _readable(case: Case) -> Iterator[Finding]:
    file = _file(case)
    for path in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        if is_open_to(path, _OTHERS):
            yield error(
                "Others on this machine may read the database, people's names in it.",
                where=path,
                do=f"Run: chmod 600 '{path}'",
            )


def _damaged(case: Case) -> Iterable[Finding]:
    file = _file(case)
    try:
        with closing(open_to_read(file)) as connection:
            said = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
    except sqlite3.DatabaseError as failed:
        said = [str(failed)]
    if said == [INTERRUPTED]:
        yield note(
            f"The database is too large to be looked through in {PATIENCE_S:g} seconds.",
            where=file,
            do=f"At a quiet hour: sqlite3 -readonly '{file}' 'PRAGMA quick_check'",
        )
    elif said != ["ok"]:
        # What SQLite says names tables and pages, never what is in a row.
        yield error(
            f"The database is damaged: {' '.join(said[0].split())}.",
            where=file,
            do="Stop the service, keep a copy of the file, and restore the last backup: handstamp restore FILE "
            "--replace",
        )


def _references(case: Case) -> Iterable[Finding]:
    try:
        with closing(open_to_read(_file(case))) as connection:
            broken = {str(row[0]) for row in connection.execute("PRAGMA foreign_key_check")}
    except sqlite3.DatabaseError as failed:
        raise NotToBeSeen from failed
    if broken:
        yield error(
            f"Rows of {', '.join(sorted(broken))} refer to rows that are gone, as after changes by hand.",
            where=_file(case),
            do="Restore the last backup, or bring the rows back; do not change the database by hand.",
        )


def _journal(case: Case) -> Iterable[Finding]:
    with _file(case).open("rb") as file:
        front = file.read(100)
    if front.startswith(b"SQLite format 3") and front[_FORMATS] != _WAL:
        yield warning(
            "The database is not in WAL mode: whoever reads keeps others from writing. The next start changes that, "
            "unless another program changed it on purpose.",
            where=_file(case),
            do="Let nothing but Handstamp open it, and start the service.",
        )


def _large_log(case: Case) -> Iterable[Finding]:
    log = _file(case).with_name(f"{_file(case).name}-wal")
    if log.is_file() and log.stat().st_size > _LARGE_WAL:
        yield warning(
            f"The write-ahead log has {log.stat().st_size // 1024**2} MiB: some program reads for very long, or the "
            "service "
            "was killed while it was busy.",
            where=log,
            do="End programs that have the database open, and start the service again.",
        )


def _unreachable(case: Case) -> Iterable[Finding]:
    if case.database_file is None:
        try:
            case.rows_or_error("SELECT 1")
        except SQLAlchemyError as failed:
            words = " ".join(str(getattr(failed, "orig", None) or type(failed).__name__).split())
            yield error(
                f"The PostgreSQL server cannot be used: {words}.",
                where=f"{case.setting}database_url",
                do="Look whether the server runs, whether the database and the role exist, and whether pg_hba.conf "
                "lets "
                "it in.",
            )


def _version(case: Case) -> str:
    found = case.rows(f"SELECT version_num FROM {case.role}_version")  # noqa: S608  # one of our own three
    if not found:
        raise NotToBeSeen
    return str(found[0][0])


def _behind(case: Case) -> Iterable[Finding]:
    known, found = known_revisions(MIGRATIONS[case.role]), _version(case)  # type: ignore[index]
    if found in known[1:]:
        yield warning(
            f"The tables are of version {found}; this Handstamp has {known[0]}. The next start brings them up to date.",
            where=f"{case.role}'s database",
            do="Make a backup, then start the service (docs/operations.md, upgrade).",
        )


def _ahead(case: Case) -> Iterable[Finding]:
    known, found = known_revisions(MIGRATIONS[case.role]), _version(case)  # type: ignore[index]
    if found not in known:
        yield error(
            f"The tables are of version {found}, which this Handstamp does not know: a newer one wrote them.",
            where=f"{case.role}'s database",
            do="Install that newer version again, or restore a backup of before.",
        )


def _clock_back(case: Case) -> Iterable[Finding]:
    seconds = [found for query in _NEWEST[case.role] for ((found,),) in [case.rows(query)] if found is not None]
    newest = datetime.fromtimestamp(max(seconds, default=0), UTC)
    if newest > case.now + _AHEAD:
        yield error(
            f"The clock says {case.now:%Y-%m-%d %H:%M} UTC, and the database holds what was written at "
            f"{newest:%Y-%m-%d %H:%M}: one of them is wrong.",
            where="the system's clock",
            do="Set the clock and keep it right (`timedatectl set-ntp true`). If it was ahead before, wait until that "
            "moment has passed.",
        )


def _setting(case: Case, name: str) -> str:
    if case.database_file is not None:
        raise NotToBeSeen
    return str(case.rows("SELECT current_setting(:name)", name=name)[0][0])


def _postgres_old(case: Case) -> Iterable[Finding]:
    if int(_setting(case, "server_version_num")) < _POSTGRESQL:
        yield error(
            f"The server is PostgreSQL {_setting(case, 'server_version')}, which gets no security fixes any more.",
            where=f"{case.setting}database_url",
            do="Upgrade it to a version that does.",
        )


def _not_durable(case: Case) -> Iterable[Finding]:
    off = [name for name in ("fsync", "full_page_writes", "synchronous_commit") if _setting(case, name) == "off"]
    if off:
        yield error(
            f"The server has {', '.join(off)} off: after a power cut a redemption may be gone, or the whole database.",
            where="postgresql.conf",
            do=f"Set {' and '.join(f'{name} = on' for name in off)}.",
        )


def _encoding(case: Case) -> Iterable[Finding]:
    found = _setting(case, "server_encoding")
    if found != "UTF8":
        yield error(
            f"The database is in {found}: names in other scripts cannot be stored.",
            where=f"{case.setting}database_url",
            do="Make it anew with ENCODING 'UTF8' and move the data over (pg_dump, pg_restore).",
        )


def _few_connections(case: Case) -> Iterable[Finding]:
    most, reserved = int(_setting(case, "max_connections")), int(_setting(case, "superuser_reserved_connections"))
    wanted = case.service.database_pool + _SPARE
    if most - reserved < wanted:
        yield warning(
            f"The server takes {most - reserved} connections; one worker alone may want "
            f"{case.service.database_pool}, and "
            "backups and you want some, too.",
            where="max_connections in postgresql.conf",
            do=f"Set max_connections to workers x {case.setting}database_pool + {_SPARE} at least, or make the pool "
            "smaller.",
        )


def _superuser(case: Case) -> Iterable[Finding]:
    if case.database_file is None and case.rows("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")[0][0]:
        yield warning(
            "The service is a superuser of the server: a fault in it has all databases there, and the server's files.",
            where=f"{case.setting}database_url",
            do="Give it a role of its own that owns its one database: CREATE ROLE handstamp_issuer LOGIN.",
        )


def _unencrypted(case: Case) -> Iterable[Finding]:
    url = parse_database_url(case.database_url)
    host = str(url.host or url.query.get("host", ""))
    if case.database_file is not None or not host or host.startswith("/") or is_loopback(host):
        return
    if str(url.query.get("sslmode", "")) in _LOCAL_SSL:
        yield warning(
            "The way to the PostgreSQL server may be unencrypted, or end at somebody else: people's names go over it.",
            where=f"{case.setting}database_url",
            do="Add ?sslmode=verify-full (and sslrootcert, for an authority of your own) to it.",
        )


KINDS: Final = (
    Kind(id="database_missing", title="No database yet", roles=SERVICES, look=_missing),
    Kind(id="database_readable", title="Database readable by others", roles=SERVICES, look=_readable),
    Kind(id="database_damaged", title="Database damaged", roles=SERVICES, look=_damaged),
    Kind(id="database_torn", title="Rows refer to nothing", roles=SERVICES, look=_references),
    Kind(id="database_not_wal", title="SQLite without WAL", roles=SERVICES, look=_journal),
    Kind(id="database_log_large", title="Large write-ahead log", roles=SERVICES, look=_large_log),
    Kind(id="database_behind", title="Tables of an older version", roles=SERVICES, look=_behind),
    Kind(id="database_ahead", title="Tables of a newer version", roles=SERVICES, look=_ahead),
    Kind(id="clock_back", title="Clock before the newest row", roles=SERVICES, look=_clock_back),
    Kind(id="postgresql_unreachable", title="PostgreSQL cannot be used", roles=SERVICES, look=_unreachable),
    Kind(id="postgresql_old", title="PostgreSQL too old", roles=SERVICES, look=_postgres_old),
    Kind(
        id="postgresql_not_durable", title="PostgreSQL may lose what was committed", roles=SERVICES, look=_not_durable
    ),
    Kind(id="postgresql_encoding", title="PostgreSQL without UTF-8", roles=SERVICES, look=_encoding),
    Kind(
        id="postgresql_few_connections",
        title="PostgreSQL takes too few connections",
        roles=SERVICES,
        look=_few_connections,
    ),
    Kind(id="postgresql_superuser", title="Superuser of PostgreSQL", roles=SERVICES, look=_superuser),
    Kind(id="postgresql_unencrypted", title="Way to PostgreSQL unencrypted", roles=SERVICES, look=_unencrypted),
)
