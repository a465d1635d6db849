"""What a restored service forgets and what a person must hear: a backup knows nothing of what came after it.

What was open then may have been used since: an offer that was redeemed, a link that was opened, a visit that was
answered. So whatever opens once is closed. What ended by its time ends now. What nobody can know any more is said.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, delete, func, select, update
from sqlmodel import col

from handstamp.settings import Role
from issuer.authorization_tables import AuthorizationRow, PushedRequestRow
from issuer.delivery_tables import AccessTokenRow
from issuer.parts import MIGRATIONS as ISSUER_MIGRATIONS
from issuer.service.sweep import sweep
from issuer.status_tables import StatusListRow
from issuer.store import Store
from issuer.tables import BrowserSessionRow, DownloadCodeRow, LoginLinkRow, OfferRow
from plumbing.database import Database
from trackserver.parts import MIGRATIONS as TRACKSERVER_MIGRATIONS
from trackserver.tables import PinRow, StoredFileRow, TicketRow
from verifier.places import MIGRATIONS as VERIFIER_MIGRATIONS
from verifier.store import SqlStores
from verifier.tables import GateRow, RequestRow, TrustedIssuerRow, VisitRow

MIGRATIONS: Final[Mapping[Role, Path]] = {
    "issuer": ISSUER_MIGRATIONS,
    "verifier": VERIFIER_MIGRATIONS,
    "trackserver": TRACKSERVER_MIGRATIONS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a restored role knows: up to when, and where its files lay and lie."""

    role: Role
    made_at: datetime
    folder_then: str
    folder_now: str


def forget(url: str, memory: Memory, *, now: datetime) -> Sequence[str]:
    """Close in a restored database what may have been used since; return what a person must know and do.

    Raises:
        DatabaseUnavailable: it cannot be written.
    """
    with closing(Database(url, pool=1)) as database:
        words = _ROLES[memory.role](database, memory, now)
        database.forget_deleted()
    return words


def _forget_issuer(database: Database, memory: Memory, now: datetime) -> Sequence[str]:
    since = f"{memory.made_at:%Y-%m-%d %H:%M} UTC"
    with database.write() as session:
        sweep(Store(session), now=now)
        connection = session.connection()
        for row in (LoginLinkRow, BrowserSessionRow, PushedRequestRow, AuthorizationRow, AccessTokenRow):
            connection.execute(delete(row))
        connection.execute(update(OfferRow).where(col(OfferRow.state) == "open").values(state="burnt"))
        _retire_lists(connection, memory.made_at)
        codes = _count(connection, select(func.count()).where(col(DownloadCodeRow.used_at).is_(None)))
    return (
        (
            f"The ledger ends at {since}. Write down again what came after it (`handstamp issuer import` takes every "
            "sale once), the refunds among it above all: until then, what was taken back since counts as good again."
        ),
        "Everybody must log in again, and offers that were open must be made anew.",
        (
            "New records get entries in new status lists, so that no entry is given to two. Records that were handed "
            "out since the backup, in a list that it does not know, are refused by sites until wallets renew them."
        ),
        *(
            (f"{codes} download codes are unused as far as the backup knows; some may have been used since.",)
            if codes
            else ()
        ),
        (
            "Pseudonyms that wallets registered since are not known: such a wallet asks for a new start (`handstamp "
            "issuer reset-commitment`)."
        ),
    )


def _retire_lists(connection: Connection, made_at: datetime) -> None:
    """Give no entry of the lists that were open to anybody any more, and sign them anew.

    Entries are drawn at random; who drew which after the backup is not known, and two instances with one entry would be
    taken back together and could be told to be related. A month that no calendar has is never drawn from.
    """
    month = f"{made_at:%Y-%m}"
    lists = col(StatusListRow.month) >= month
    connection.execute(
        update(StatusListRow)
        .where(lists, ~col(StatusListRow.month).like("% %"))
        .values(month=col(StatusListRow.month) + " before a restore")
    )
    # Sites that saw a later edition go by the newest one that is signed.
    connection.execute(update(StatusListRow).values(token=None, signed_at=None, expires_at=None, signed_by=None))


def _forget_verifier(database: Database, memory: Memory, now: datetime) -> Sequence[str]:
    since = f"{memory.made_at:%Y-%m-%d %H:%M} UTC"
    with database.write() as session:
        connection = session.connection()
        connection.execute(delete(RequestRow))
        connection.execute(delete(VisitRow))
        SqlStores(session, site="").sweep(now=now)
        limited = _count(connection, select(func.count()).where(col(GateRow.limit_times).is_not(None)))
        trusted = _count(connection, select(func.count()).select_from(TrustedIssuerRow))
    return (
        "Visits that were open are over; whoever stood at a gate begins again.",
        *(
            (
                (
                    f"{limited} gates with a limit have forgotten who passed after {since}: those may pass once more. "
                    "Close such a gate and make a new one where that must not be."
                ),
            )
            if limited
            else ()
        ),
        (
            f"Whom this site trusts is as it was at {since} ({trusted} co-ops): look at `handstamp verifier trusted`, "
            "and distrust or close again what you distrusted or closed since."
        ),
    )


def _forget_trackserver(database: Database, memory: Memory, now: datetime) -> Sequence[str]:
    del now
    since = f"{memory.made_at:%Y-%m-%d %H:%M} UTC"
    with database.write() as session:
        connection = session.connection()
        connection.execute(delete(TicketRow))
        _lead_paths(connection, memory)
        pins = _count(connection, select(func.count()).select_from(PinRow))
    return (
        "Links that were not opened yet are void; who had one opens the gate again.",
        (
            f"Who may open releases is as it was at {since} ({pins} permissions): look at `handstamp tracks list`, and "
            "disallow again whom you disallowed since."
        ),
        (
            "Originals are not in a backup. Compare yours with the list of it: sha256sum --check --quiet "
            f"'{memory.folder_now}/masters.sha256'"
        ),
    )


def _lead_paths(connection: Connection, memory: Memory) -> None:
    """Let covers be found where they lie now, if the folder has moved."""
    before, after = f"{memory.folder_then}/", f"{memory.folder_now}/"
    if before != after:
        path = col(StoredFileRow.path)
        connection.execute(
            update(StoredFileRow)
            .where(func.substr(path, 1, len(before)) == before)
            .values(path=after + func.substr(path, len(before) + 1))
        )


def _count(connection: Connection, statement: object) -> int:
    return int(connection.execute(statement).scalar_one())  # type: ignore[call-overload]


_ROLES: Final[Mapping[Role, Callable[[Database, Memory, datetime], Sequence[str]]]] = {
    "issuer": _forget_issuer,
    "verifier": _forget_verifier,
    "trackserver": _forget_trackserver,
}
