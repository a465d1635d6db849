"""What the tests of status lists at a co-op have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlmodel import col, select

from credentials.status import StatusList, verify_status_list
from credentials.trust import TrustedIssuer
from issuer.publishing import signed_list
from issuer.status_tables import StatusEntryRow
from issuer.store import Store
from tests.issuer.conftest import URL, Coop

if TYPE_CHECKING:
    from issuer.status import DrawnEntry


def draw(coop: Coop, copy_id: str, count: int = 4) -> tuple[DrawnEntry, ...]:
    with coop.parts.database.write() as session:
        return Store(session).draw(copy_id, count=count, month=f"{coop.now:%Y-%m}", now=coop.now)


def end(coop: Coop, copy_id: str) -> None:
    with coop.parts.database.write() as session:
        Store(session).end(copy_id, coop.now)


def some_copy(coop: Coop) -> str:
    return coop.copies(coop.owner())[0].id


def entries(coop: Coop, *, decoys: bool) -> set[tuple[str, int]]:
    with coop.parts.database.read() as session:
        rows = session.exec(select(StatusEntryRow).where(col(StatusEntryRow.copy_id).is_(None) == decoys))
        return {(row.list_id, row.position) for row in rows}


def said(coop: Coop, list_id: str) -> StatusList:
    """What a verifier reads of a list."""
    signed = signed_list(coop.parts, list_id, now=coop.now)
    assert signed is not None
    trusted = TrustedIssuer(issuer=URL, name="x", anchors=(coop.authority.cert_pem.bytes(),))
    uri = coop.parts.identity.status_list_url(list_id)
    return verify_status_list(signed.token, uri=uri, issuer=trusted, at=coop.now)
