"""What can be wrong with a PostgreSQL server: whether it answers, keeps what it is given, and lets us in and write."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from handstamp.doctor.case import Case, NotToBeSeen
from handstamp.doctor.kinds import SERVICES, Finding, Kind, error, warning
from plumbing.database_engine import parse_database_url
from plumbing.fetch import is_loopback

_POSTGRESQL: Final = 140000
_SPARE: Final = 10
_LOCAL_SSL: Final = frozenset({"", "disable", "allow", "prefer"})
_CLOCKS_APART: Final = timedelta(seconds=90)  # a doctor may take half a minute from when it read its own
_HELD_S: Final = 60
_HOLDERS: Final = (
    "SELECT count(*), max(extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.state_change))) "
    "FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() "
    "AND (a.state LIKE 'idle in transaction%' OR EXISTS (SELECT 1 FROM pg_locks l "
    "WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.granted)) "
    "AND clock_timestamp() - coalesce(a.xact_start, a.state_change) > make_interval(secs => :seconds)"
)
_FOREIGN_TABLES: Final = (
    "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() "
    "AND NOT pg_has_role(current_user, tableowner, 'USAGE')"
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
                "lets it in.",
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
    workers, pool = case.service.workers, case.service.database_pool
    wanted = workers * pool + _SPARE
    if most - reserved < wanted:
        yield warning(
            f"The server takes {most - reserved} connections; {workers} workers may want {workers * pool}, and backups "
            "and you want some, too.",
            where="max_connections in postgresql.conf",
            do=f"Set max_connections to {wanted + reserved} at least, or make {case.setting}database_pool smaller.",
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


def _clock(case: Case) -> Iterable[Finding]:
    if case.database_file is not None:
        return
    seconds = float(case.rows("SELECT extract(epoch FROM clock_timestamp())")[0][0])
    ahead = datetime.fromtimestamp(seconds, UTC) - case.now
    if abs(ahead) > _CLOCKS_APART:
        word = "ahead of" if ahead > timedelta(0) else "behind"
        yield error(
            f"The server's clock is {round(abs(ahead).total_seconds())} seconds {word} this machine's: one of them is "
            "wrong.",
            where=f"{case.setting}database_url",
            do="Set both clocks and keep them right: `timedatectl set-ntp true`, or chrony.",
        )


def _read_only(case: Case) -> Iterable[Finding]:
    if case.database_file is not None:
        return
    if case.rows("SELECT pg_is_in_recovery()")[0][0]:
        wrong, do = "The server is a copy that only follows another", "Name the server that takes writes"
    elif _setting(case, "default_transaction_read_only") == "on":
        wrong, do = "The server lets this role only read here", "Set default_transaction_read_only = off"
    else:
        return
    yield error(
        f"{wrong}: nothing is issued or redeemed.",
        where=f"{case.setting}database_url",
        do=f"{do}, and start the service again.",
    )


def _rights(case: Case) -> Iterable[Finding]:
    if case.database_file is not None:
        return
    may_make = case.rows("SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false)")[0][0]
    foreign = case.rows(_FOREIGN_TABLES)[0][0]
    if not may_make or foreign:
        what = f"{foreign} of its tables belong to another role" if foreign else "its role may not make tables there"
        yield error(
            f"The service does not own its database: {what}, so a start after an upgrade fails.",
            where=f"{case.setting}database_url",
            do="As the server's superuser: ALTER DATABASE name OWNER TO role; and, where tables are another's, "
            "REASSIGN OWNED BY other TO role.",
        )


def _held(case: Case) -> Iterable[Finding]:
    if case.database_file is not None:
        return
    count, longest = case.rows(_HOLDERS, seconds=_HELD_S)[0]
    if count:
        yield warning(
            f"{count} sessions have held a transaction or a lock open for up to {round(longest)} seconds: whoever "
            "wants the same row or turn waits.",
            where=f"{case.setting}database_url",
            do="If it is no import that runs, look at pg_stat_activity, and end it: SELECT pg_terminate_backend(pid).",
        )


KINDS: Final = (
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
    Kind(id="postgresql_clock_off", title="PostgreSQL's clock differs", roles=SERVICES, look=_clock),
    Kind(id="postgresql_read_only", title="PostgreSQL takes no writes", roles=SERVICES, look=_read_only),
    Kind(id="postgresql_not_owned", title="Tables of another role", roles=SERVICES, look=_rights),
    Kind(id="postgresql_held", title="A session keeps others waiting", roles=SERVICES, look=_held),
)
