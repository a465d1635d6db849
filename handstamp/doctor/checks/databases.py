"""What can be wrong with a database: SQLite's file, and what is in it or at a PostgreSQL server."""

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from handstamp.backup.afterwards import MIGRATIONS
from handstamp.backup.databases import known_revisions
from handstamp.doctor.case import INTERRUPTED, PATIENCE_S, Case, NotToBeSeen, open_to_read
from handstamp.doctor.checks.files import is_open_to
from handstamp.doctor.kinds import SERVICES, Finding, Kind, error, note, warning

_OTHERS: Final = 0o077
_FORMATS: Final = slice(18, 20)
_WAL: Final = b"\x02\x02"
_LARGE_WAL: Final = 256 * 1024 * 1024
_MEMORY: Final = frozenset({"tmpfs", "ramfs"})
_WRITER: Final = 120
"""The byte of SQLite's shared file that whoever writes has locked (https://www.sqlite.org/walformat.html §2.3)."""
_LOOKS: Final = 6
_BETWEEN_LOOKS_S: Final = 0.2
_AHEAD: Final = timedelta(minutes=2)
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


def _in_memory(case: Case) -> Iterable[Finding]:
    file = _file(case)
    kind = case.machine.file_system(file)
    if kind in _MEMORY:
        yield warning(
            f"The database lies in memory ({kind}): when the machine starts again, it is gone with all keys beside it.",
            where=file,
            do="Set data_dir to a folder on a disk.",
        )


def _held(case: Case) -> Iterable[Finding]:
    """Look a few times whether one process keeps the others from writing, and writes nothing itself."""
    log = _file(case).with_name(f"{_file(case).name}-wal")
    shared = log.with_name(f"{_file(case).name}-shm")
    holders, before = set(), _state_of(log)
    for _ in range(_LOOKS):
        holders.add(case.machine.holder(shared, _WRITER))
        if None in holders or len(holders) > 1:
            return
        time.sleep(_BETWEEN_LOOKS_S)
    if _state_of(log) == before:
        yield warning(
            f"The process {holders.pop()} keeps all others from writing to the database, and writes nothing itself.",
            where=_file(case),
            do="If it is no import that runs, end that process, and look at what it did.",
        )


def _state_of(log: Path) -> tuple[int, int]:
    try:
        found = log.stat()
    except FileNotFoundError as gone:  # nobody has it open
        raise NotToBeSeen from gone
    return found.st_size, found.st_mtime_ns


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


KINDS: Final = (
    Kind(id="database_missing", title="No database yet", roles=SERVICES, look=_missing),
    Kind(id="database_readable", title="Database readable by others", roles=SERVICES, look=_readable),
    Kind(id="database_damaged", title="Database damaged", roles=SERVICES, look=_damaged),
    Kind(id="database_torn", title="Rows refer to nothing", roles=SERVICES, look=_references),
    Kind(id="database_not_wal", title="SQLite without WAL", roles=SERVICES, look=_journal),
    Kind(id="database_log_large", title="Large write-ahead log", roles=SERVICES, look=_large_log),
    Kind(id="database_in_memory", title="SQLite in memory", roles=SERVICES, look=_in_memory),
    Kind(id="database_held", title="SQLite held by one process", roles=SERVICES, look=_held),
    Kind(id="database_behind", title="Tables of an older version", roles=SERVICES, look=_behind),
    Kind(id="database_ahead", title="Tables of a newer version", roles=SERVICES, look=_ahead),
    Kind(id="clock_back", title="Clock before the newest row", roles=SERVICES, look=_clock_back),
)
