"""Download codes in the database. One conditional statement decides who uses one."""

from datetime import datetime

from sqlalchemy import update
from sqlmodel import col

from issuer.codes import DownloadCode
from issuer.ledger import Thing, ThingKind
from issuer.store.base import SessionStore, to_s
from issuer.tables import DownloadCodeRow


class CodeStore(SessionStore):
    """Implements `issuer.ports.Codes`."""

    def add_code(self, code: DownloadCode, *, code_hash: str, now: datetime) -> None:
        """See `issuer.ports.Codes`."""
        self._session.add(
            DownloadCodeRow(
                code_hash=code_hash,
                id=code.id,
                kind=code.thing.kind,
                subject=code.thing.id,
                label=code.label,
                made_at=to_s(now),
            )
        )
        self._session.flush()

    def code(self, code_hash: str) -> DownloadCode | None:
        """See `issuer.ports.Codes`."""
        row = self._session.get(DownloadCodeRow, code_hash)
        if row is None:
            return None
        thing = Thing(kind=ThingKind(row.kind), id=row.subject)
        return DownloadCode(id=row.id, thing=thing, label=row.label, used=row.used_at is not None)

    def use_code(self, code_hash: str, *, now: datetime) -> bool:
        """See `issuer.ports.Codes`."""
        good = (col(DownloadCodeRow.code_hash) == code_hash, col(DownloadCodeRow.used_at).is_(None))
        return self._changed_one(update(DownloadCodeRow).where(*good).values(used_at=to_s(now)))
