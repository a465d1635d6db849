"""The co-op's tables. `entry` and `entry_charge` are only ever added to; rows with `expires_at` are swept.

Secrets that wallets and browsers hold (codes, tokens, nonces, sessions) are stored as SHA-256 only, so that a copy of
the database opens nothing. Moments are whole seconds since 1970, which every engine compares alike.
"""

from typing import ClassVar

from sqlalchemy import BigInteger, Index, MetaData, UniqueConstraint
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

_NAMES = {  # so that a later migration can name what it changes, on every engine
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(SQLModel, registry=registry(metadata=MetaData(naming_convention=_NAMES))):
    """The issuer's own metadata, apart from every other role's."""


class ListenerRow(Base, table=True):
    """A listener. Name, e-mail and birth date stay in this table: nothing that is signed or sent reads them."""

    __tablename__ = "listener"
    id: str = Field(primary_key=True)
    name: str | None = None
    email: str | None = Field(default=None, unique=True)
    birth_date: str | None = None
    created_at: int = Field(sa_type=BigInteger)


class ReleaseRow(Base, table=True):
    """A release of the catalogue, as the trackserver at `source_url` described it."""

    __tablename__ = "release"
    id: str = Field(primary_key=True)
    source_url: str
    title: str
    artist: str
    release_type: str
    date: str | None = None
    gtin: str | None = None


class CoverRow(Base, table=True):
    """The co-op's own copy of a cover, so that a page asks nobody else; apart, so that no list loads it."""

    __tablename__ = "cover"
    release_id: str = Field(foreign_key="release.id", primary_key=True)
    media_type: str
    content: bytes


class TrackRow(Base, table=True):
    """A track of one release. `withdrawn` if the trackserver no longer lists it; that touches no owned copy."""

    __tablename__ = "track"
    id: str = Field(primary_key=True)
    release_id: str = Field(foreign_key="release.id", index=True)
    number: int
    title: str
    artist: str
    isrc: str | None = None
    duration_s: int
    free: bool = False
    withdrawn: bool = False


class EntryRow(Base, table=True):
    """One act in the ledger. `seconds` is for plays; `subject` is a track, or the release of a release purchase."""

    __tablename__ = "entry"
    id: str = Field(primary_key=True)
    key: str = Field(unique=True)
    listener_id: str = Field(foreign_key="listener.id", index=True)
    kind: str
    subject: str
    seconds: int | None = None
    at: int = Field(sa_type=BigInteger)


class EntryChargeRow(Base, table=True):
    """What an entry cost for one track; its listener once more, so that one index finds a listener's track."""

    __tablename__ = "entry_charge"
    __table_args__: ClassVar[tuple[Index]] = (Index("ix_entry_charge_track_id_listener_id", "track_id", "listener_id"),)
    entry_id: str = Field(foreign_key="entry.id", primary_key=True)
    track_id: str = Field(foreign_key="track.id", primary_key=True)
    listener_id: str
    position: int
    milli: int


class CopyRow(Base, table=True):
    """One owned copy; `id` is 128 random bits, drawn once, because it crosses to wallets."""

    __tablename__ = "copy"
    __table_args__: ClassVar[tuple[UniqueConstraint]] = (UniqueConstraint("listener_id", "kind", "subject"),)
    id: str = Field(primary_key=True)
    listener_id: str = Field(foreign_key="listener.id")
    kind: str
    subject: str
    acquisition: str
    month: str


class OfferRow(Base, table=True):
    """An offer to a wallet. Its two codes are derived from `id` with a key that is not in the database.

    `state` is `open`, `redeemed` or `burnt`.
    """

    __tablename__ = "offer"
    id: str = Field(primary_key=True)
    listener_id: str = Field(foreign_key="listener.id")
    code_hash: str = Field(unique=True)
    tx_code_mac: str
    tries_left: int
    state: str
    expires_at: int = Field(index=True, sa_type=BigInteger)


class OfferCopyRow(Base, table=True):
    """A copy that an offer holds."""

    __tablename__ = "offer_copy"
    offer_id: str = Field(foreign_key="offer.id", primary_key=True, ondelete="CASCADE")
    copy_id: str = Field(foreign_key="copy.id", primary_key=True)
    position: int


class TokenRow(Base, table=True):
    """An access token of one offer, bound to the wallet's DPoP key; `configuration_ids` are parted by spaces."""

    __tablename__ = "token"
    token_hash: str = Field(primary_key=True)
    offer_id: str = Field(foreign_key="offer.id", unique=True, ondelete="CASCADE")
    thumbprint: str
    configuration_ids: str
    revoked: bool = False
    expires_at: int = Field(index=True, sa_type=BigInteger)


class NonceRow(Base, table=True):
    """A `c_nonce` that nobody used yet; using it removes the row."""

    __tablename__ = "nonce"
    nonce_hash: str = Field(primary_key=True)
    expires_at: int = Field(index=True, sa_type=BigInteger)


class SeenProofRow(Base, table=True):
    """A DPoP proof that was seen, kept while it could still be replayed."""

    __tablename__ = "seen_proof"
    proof_hash: str = Field(primary_key=True)
    expires_at: int = Field(index=True, sa_type=BigInteger)


class InstanceRow(Base, table=True):
    """A holder key that an instance was signed for: one key, one instance, for ever."""

    __tablename__ = "instance"
    thumbprint: str = Field(primary_key=True)
    copy_id: str = Field(foreign_key="copy.id")
    month: str


class LoginLinkRow(Base, table=True):
    """A magic link that was not used yet; using it removes the row."""

    __tablename__ = "login_link"
    token_hash: str = Field(primary_key=True)
    listener_id: str = Field(foreign_key="listener.id")
    expires_at: int = Field(index=True, sa_type=BigInteger)


class BrowserSessionRow(Base, table=True):
    """A logged-in browser."""

    __tablename__ = "browser_session"
    session_hash: str = Field(primary_key=True)
    listener_id: str = Field(foreign_key="listener.id")
    expires_at: int = Field(index=True, sa_type=BigInteger)


EXPIRING = (TokenRow, NonceRow, SeenProofRow, LoginLinkRow, BrowserSessionRow)
