"""Kept status lists in the database: `verifier.ports.KeptLists` for one site."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete
from sqlalchemy import select as sa_select
from sqlmodel import col, select

from credentials.protocols.freshness import CLOCK_SKEW_S
from plumbing.clock import epoch_s
from plumbing.statements import Statement, every_column
from verifier.status_tables import KeptStatusListRow
from verifier.statuses import KeptList

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlmodel import Session

_COLUMNS: Final = every_column(KeptStatusListRow)
_NAMES: Final = [column.name for column in _COLUMNS]
# Asked whenever somebody shows a record with a status.
_LOAD: Final = Statement(
    sa_select(*_COLUMNS).where(
        col(KeptStatusListRow.site) == bindparam("at_site"), col(KeptStatusListRow.uri) == bindparam("of_uri")
    )
)


class StatusListRows:
    """A part of `verifier.store.SqlStores`, which opens the session and knows the site."""

    _session: Session
    _site: str

    def load_status_list(self, uri: str) -> KeptList | None:
        """See `ports.KeptLists.load_status_list`."""
        row = _LOAD.first(self._session, at_site=self._site, of_uri=uri)
        return None if row is None else _kept(**dict(zip(_NAMES, row, strict=True)))

    def load_due_lists(self, issuer: str, *, now: datetime) -> tuple[KeptList, ...]:
        """See `ports.KeptLists.load_due_lists`."""
        rows = self._session.exec(
            select(KeptStatusListRow).where(
                KeptStatusListRow.site == self._site,
                KeptStatusListRow.issuer == issuer,
                # One that was fetched in the future was so before a clock was set back.
                (col(KeptStatusListRow.fetch_after) <= epoch_s(now))
                | (col(KeptStatusListRow.fetched_at) > epoch_s(now) + CLOCK_SKEW_S),
            )
        )
        return tuple(_kept(**row.model_dump()) for row in rows)

    def load_list_uris(self, issuer: str) -> frozenset[str]:
        """See `ports.KeptLists.load_list_uris`."""
        return frozenset(
            self._session.exec(
                select(KeptStatusListRow.uri).where(
                    KeptStatusListRow.site == self._site, KeptStatusListRow.issuer == issuer
                )
            )
        )

    def save_status_list(self, kept: KeptList) -> None:
        """See `ports.KeptLists.save_status_list`."""
        row = self._session.get(KeptStatusListRow, (self._site, kept.uri), populate_existing=True)
        if (
            row is not None
            and row.issued_at > kept.issued_at
            and not _kept(**row.model_dump()).is_ahead(kept.fetched_at)
        ):
            return
        if row is None:
            row = KeptStatusListRow(
                site=self._site,
                uri=kept.uri,
                issuer=kept.issuer,
                token=kept.token,
                issued_at=kept.issued_at,
                fetched_at=epoch_s(kept.fetched_at),
                fetch_after=epoch_s(kept.fetch_after),
            )
        row.issuer, row.token, row.etag = kept.issuer, kept.token, kept.etag
        row.issued_at, row.fetched_at = kept.issued_at, epoch_s(kept.fetched_at)
        row.fetch_after = epoch_s(kept.fetch_after)
        self._session.add(row)

    def forget_lists_but_of(self, issuers: Iterable[str]) -> None:
        """See `ports.KeptLists.forget_lists_but_of`."""
        self._session.execute(
            delete(KeptStatusListRow).where(
                col(KeptStatusListRow.site) == self._site, col(KeptStatusListRow.issuer).not_in(sorted(issuers))
            )
        )


def _kept(*, fetched_at: int, fetch_after: int, **row: Any) -> KeptList:  # noqa: ANN401  # by the names of columns
    del row["site"]
    return KeptList(
        fetched_at=datetime.fromtimestamp(fetched_at, UTC), fetch_after=datetime.fromtimestamp(fetch_after, UTC), **row
    )
