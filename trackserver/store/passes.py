"""Pins, redeemed grants, tickets and downloads in the database."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete, select, update

from credentials.encoding import strict_json
from credentials.keys.jwk import PublicKey
from plumbing.clock import epoch_s
from plumbing.ids import new_internal_id
from trackserver.grants import Download, Pin, Scope, Ticket
from trackserver.tables import Base, DownloadRow, PinRow, RedeemedGrantRow, SeenProofRow, TicketRow

_SEPARATOR = "\n"


class SqlPins:
    """The `Pins` port on a session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def load_pins_of_verifier(self, issuer: str) -> Sequence[Pin]:
        """Return every pin of one verifier."""
        return [_pin(row) for row in self._session.exec(select(PinRow).where(PinRow.issuer == issuer)).all()]

    def load_pins_of_release(self, release_id: str) -> Sequence[Pin]:
        """Return who may open a release."""
        query = select(PinRow).where(PinRow.release_id == release_id).order_by(col(PinRow.issuer))
        return [_pin(row) for row in self._session.exec(query).all()]

    def is_pinned(self, pin: Pin) -> bool:
        """Whether this very key may open this release now."""
        query = select(PinRow).where(
            PinRow.issuer == pin.issuer, PinRow.release_id == pin.release_id, PinRow.kid == pin.kid
        )
        row = self._session.exec(query).first()
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
        query = select(PinRow).where(PinRow.issuer == issuer)
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
        return self._claim(RedeemedGrantRow(issuer=issuer, jti=jti, expires_at=epoch_s(expires_at)))

    def claim_proof(self, thumbprint: str, jti: str, *, expires_at: datetime) -> bool:
        """Note that a DPoP proof was seen; False if it was before."""
        proof_hash = hashlib.sha256(f"{thumbprint}:{jti}".encode("utf-8", errors="surrogatepass")).hexdigest()
        return self._claim(SeenProofRow(proof_hash=proof_hash, expires_at=epoch_s(expires_at)))

    def _claim(self, row: Base) -> bool:
        # The primary key decides, not a look beforehand: so one of several at the same moment wins on any engine.
        try:
            with self._session.begin_nested():
                self._session.add(row)
        except IntegrityError:
            return False
        return True

    def add_ticket(self, ticket: Ticket) -> None:
        """Keep a new ticket."""
        scope = ticket.scope
        self._session.add(
            TicketRow(
                secret_hash=ticket.secret_hash,
                release_id=scope.release_id,
                tracks=_SEPARATOR.join(scope.tracks),
                formats=_SEPARATOR.join(scope.formats),
                expires_at=epoch_s(ticket.expires_at),
            )
        )
        self._session.flush()

    def load_ticket(self, secret_hash: str) -> Ticket | None:
        """Return a ticket, used or not, or None."""
        row = self._session.get(TicketRow, secret_hash)
        if row is None:
            return None
        return Ticket(secret_hash=row.secret_hash, scope=_scope(row), expires_at=_moment(row.expires_at))

    def claim_ticket(self, secret_hash: str) -> bool:
        """Use a ticket; False if it was used before."""
        unused = update(TicketRow).where(col(TicketRow.secret_hash) == secret_hash, col(TicketRow.used).is_(False))
        return self._session.exec(unused.values(used=True)).rowcount == 1

    def add_download(self, download: Download) -> None:
        """Keep a new download."""
        scope = download.scope
        self._session.add(
            DownloadRow(
                id=download.id,
                secret_hash=download.secret_hash,
                holder_key=download.holder_key,
                release_id=scope.release_id,
                tracks=_SEPARATOR.join(scope.tracks),
                formats=_SEPARATOR.join(scope.formats),
                expires_at=epoch_s(download.expires_at),
            )
        )
        self._session.flush()

    def load_download(self, download_id: str) -> Download | None:
        """Return a download, open or closed, or None."""
        row = self._session.get(DownloadRow, download_id)
        if row is None:
            return None
        return Download(
            id=row.id,
            secret_hash=row.secret_hash,
            holder_key=row.holder_key,
            scope=_scope(row),
            expires_at=_moment(row.expires_at),
        )

    def forget_before(self, *, passes: datetime, proofs: datetime) -> None:
        """Erase grants, tickets and downloads that expired before `passes`, and proofs before `proofs`."""
        self._session.exec(delete(RedeemedGrantRow).where(col(RedeemedGrantRow.expires_at) < epoch_s(passes)))
        self._session.exec(delete(TicketRow).where(col(TicketRow.expires_at) < epoch_s(passes)))
        self._session.exec(delete(DownloadRow).where(col(DownloadRow.expires_at) < epoch_s(passes)))
        self._session.exec(delete(SeenProofRow).where(col(SeenProofRow.expires_at) < epoch_s(proofs)))


def _pin(row: PinRow) -> Pin:
    key = PublicKey.parse_jwk(strict_json.parse(row.jwk, what="pinned key"), what="pinned key")
    return Pin(issuer=row.issuer, release_id=row.release_id, kid=row.kid, key=key)


def _scope(row: TicketRow | DownloadRow) -> Scope:
    return Scope(release_id=row.release_id, tracks=_split(row.tracks), formats=_split(row.formats))


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split(_SEPARATOR)) if text else ()


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
