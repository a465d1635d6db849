"""Pins, redeemed grants, tickets and downloads in the database."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from sqlalchemy import bindparam, false, select, true, update
from sqlmodel import Session, col, delete
from sqlmodel import select as select_rows

from credentials.encoding import strict_json
from credentials.keys.jwk import PublicKey
from plumbing.clock import epoch_s
from plumbing.ids import new_internal_id
from plumbing.statements import Adding, Row, Statement
from trackserver.grants import Download, Pin, Scope, Ticket
from trackserver.tables import DownloadRow, PinRow, RedeemedGrantRow, SeenProofRow, TicketRow

_SEPARATOR = "\n"
_PIN: Final = select(col(PinRow.issuer), col(PinRow.release_id), col(PinRow.kid), col(PinRow.jwk))
_BY_VERIFIER: Final = col(PinRow.issuer) == bindparam("verifier")
_FOR_RELEASE: Final = col(PinRow.release_id) == bindparam("release")
_PINS_OF_VERIFIER: Final = Statement(_PIN.where(_BY_VERIFIER))
_PINS_OF_RELEASE: Final = Statement(_PIN.where(_FOR_RELEASE).order_by(col(PinRow.issuer)))
_THIS_PIN: Final = Statement(_PIN.where(_BY_VERIFIER, _FOR_RELEASE, col(PinRow.kid) == bindparam("named")))
# The primary key decides, not a look beforehand: so one of several at the same moment wins on any engine.
_CLAIM_GRANT: Final = Adding(RedeemedGrantRow, unless_there=True)
_CLAIM_PROOF: Final = Adding(SeenProofRow, unless_there=True)
_ADD_TICKET: Final = Adding(TicketRow)
_TICKET: Final = Statement(
    select(col(TicketRow.release_id), col(TicketRow.tracks), col(TicketRow.formats), col(TicketRow.expires_at)).where(
        col(TicketRow.secret_hash) == bindparam("secret")
    )
)
_CLAIM_TICKET: Final = Statement(
    update(TicketRow)
    .where(col(TicketRow.secret_hash) == bindparam("secret"), col(TicketRow.used) == false())
    .values(used=true())
)
_ADD_DOWNLOAD: Final = Adding(DownloadRow)
_DOWNLOAD: Final = Statement(
    select(
        col(DownloadRow.release_id),
        col(DownloadRow.tracks),
        col(DownloadRow.formats),
        col(DownloadRow.expires_at),
        col(DownloadRow.secret_hash),
        col(DownloadRow.holder_key),
    ).where(col(DownloadRow.id) == bindparam("download"))
)
_FORGET_PASSES: Final = tuple(
    Statement(delete(table).where(col(table.expires_at) < bindparam("before")))
    for table in (RedeemedGrantRow, TicketRow, DownloadRow)
)
_FORGET_PROOFS: Final = Statement(delete(SeenProofRow).where(col(SeenProofRow.expires_at) < bindparam("before")))


class SqlPins:
    """The `Pins` port on a session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def load_pins_of_verifier(self, issuer: str) -> Sequence[Pin]:
        """Return every pin of one verifier."""
        return [_pin(row) for row in _PINS_OF_VERIFIER.rows(self._session, verifier=issuer)]

    def load_pins_of_release(self, release_id: str) -> Sequence[Pin]:
        """Return who may open a release."""
        return [_pin(row) for row in _PINS_OF_RELEASE.rows(self._session, release=release_id)]

    def is_pinned(self, pin: Pin) -> bool:
        """Whether this very key may open this release now."""
        row = _THIS_PIN.first(self._session, verifier=pin.issuer, release=pin.release_id, named=pin.kid)
        return row is not None and _pin(row) == pin

    def save_pins(self, pins: Sequence[Pin], *, now: datetime) -> None:
        """Set the keys of one verifier for one release; its earlier keys for that release go."""
        for issuer, release_id in {(pin.issuer, pin.release_id) for pin in pins}:
            earlier = delete(PinRow).where(col(PinRow.issuer) == issuer, col(PinRow.release_id) == release_id)
            self._session.exec(earlier)
        for pin in pins:
            self._session.add(
                PinRow(
                    id=new_internal_id(now),
                    issuer=pin.issuer,
                    release_id=pin.release_id,
                    kid=pin.kid,
                    jwk=strict_json.dump(dict(pin.key.jwk)).decode(),
                    pinned_at=epoch_s(now),
                )
            )
        self._session.flush()

    def remove_pins(self, issuer: str, *, release_id: str | None) -> Sequence[str]:
        """Unpin a verifier for one release, or for all of them if None; return the releases it could open till now."""
        query = select_rows(PinRow).where(PinRow.issuer == issuer)
        if release_id is not None:
            query = query.where(PinRow.release_id == release_id)
        rows = self._session.exec(query).all()
        for row in rows:
            self._session.delete(row)
        self._session.flush()
        return sorted({row.release_id for row in rows})


class SqlPasses:
    """The `Passes` port on a session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def claim_grant(self, issuer: str, jti: str, *, expires_at: datetime) -> bool:
        """Note that a grant is redeemed; False if it was before."""
        return _CLAIM_GRANT.changed(self._session, issuer=issuer, jti=jti, expires_at=epoch_s(expires_at)) == 1

    def claim_proof(self, thumbprint: str, jti: str, *, expires_at: datetime) -> bool:
        """Note that a DPoP proof was seen; False if it was before."""
        proof_hash = hashlib.sha256(f"{thumbprint}:{jti}".encode("utf-8", errors="surrogatepass")).hexdigest()
        return _CLAIM_PROOF.changed(self._session, proof_hash=proof_hash, expires_at=epoch_s(expires_at)) == 1

    def add_ticket(self, ticket: Ticket) -> None:
        """Keep a new ticket."""
        scope = ticket.scope
        _ADD_TICKET.changed(
            self._session,
            secret_hash=ticket.secret_hash,
            release_id=scope.release_id,
            tracks=_SEPARATOR.join(scope.tracks),
            formats=_SEPARATOR.join(scope.formats),
            expires_at=epoch_s(ticket.expires_at),
            used=False,
        )

    def load_ticket(self, secret_hash: str) -> Ticket | None:
        """Return a ticket, used or not, or None."""
        row = _TICKET.first(self._session, secret=secret_hash)
        if row is None:
            return None
        return Ticket(secret_hash=secret_hash, scope=_scope(row), expires_at=_moment(row[3]))

    def claim_ticket(self, secret_hash: str) -> bool:
        """Use a ticket; False if it was used before."""
        return _CLAIM_TICKET.changed(self._session, secret=secret_hash) == 1

    def add_download(self, download: Download) -> None:
        """Keep a new download."""
        scope = download.scope
        _ADD_DOWNLOAD.changed(
            self._session,
            id=download.id,
            secret_hash=download.secret_hash,
            holder_key=download.holder_key,
            release_id=scope.release_id,
            tracks=_SEPARATOR.join(scope.tracks),
            formats=_SEPARATOR.join(scope.formats),
            expires_at=epoch_s(download.expires_at),
        )

    def load_download(self, download_id: str) -> Download | None:
        """Return a download, open or closed, or None."""
        row = _DOWNLOAD.first(self._session, download=download_id)
        if row is None:
            return None
        _, _, _, expires_at, secret_hash, holder_key = row
        return Download(
            id=download_id,
            secret_hash=secret_hash,
            holder_key=holder_key,
            scope=_scope(row),
            expires_at=_moment(expires_at),
        )

    def forget_before(self, *, passes: datetime, proofs: datetime) -> int:
        """Erase grants, tickets and downloads that expired before `passes`, and proofs before `proofs`; count them."""
        gone = sum(forget.changed(self._session, before=epoch_s(passes)) for forget in _FORGET_PASSES)
        return gone + _FORGET_PROOFS.changed(self._session, before=epoch_s(proofs))


# Every grant that is redeemed asks for the pins, and the keys in them hardly ever change: the rows are read each time.
@lru_cache(maxsize=256)
def _pin(row: Row) -> Pin:
    issuer, release_id, kid, jwk = row
    key = PublicKey.parse_jwk(strict_json.parse(jwk, what="pinned key"), what="pinned key")
    return Pin(issuer=issuer, release_id=release_id, kid=kid, key=key)


def _scope(row: Row) -> Scope:
    release_id, tracks, formats, *_ = row
    return Scope(release_id=release_id, tracks=_split(tracks), formats=_split(formats))


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split(_SEPARATOR)) if text else ()


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
