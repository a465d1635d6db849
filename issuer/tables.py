"""The co-op's tables. `entry` and `entry_charge` are only ever added to; rows with `expires_at` are swept.

Secrets that wallets and browsers hold (codes, tokens, nonces, sessions) are stored as SHA-256 only, so that a copy of
the database opens nothing. Moments are whole seconds since 1970, which every engine compares alike.
"""

from typing import ClassVar

from sqlalchemy import BigInteger, Index, MetaData, false, text
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


def _unique_while(name: str, *columns: str, running: str) -> Index:
    """Rows that are over may repeat what a running one says; SQLite, PostgreSQL and its kin know such an index."""
    return Index(name, *columns, unique=True, sqlite_where=text(running), postgresql_where=text(running))


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
    """A track of one release.

    `withdrawn` if the trackserver no longer lists it, `taken_down_at` if the co-op took it down: no owned copy minds.
    """

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
    taken_down_at: int | None = Field(default=None, sa_type=BigInteger)


class EntryRow(Base, table=True):
    """One act in the ledger.

    `subject` is a track, a release or a copy, as the kind says; `seconds` is for plays; `source` says where a gift or
    a code came from.
    """

    __tablename__ = "entry"
    id: str = Field(primary_key=True)
    key: str = Field(unique=True)
    listener_id: str = Field(foreign_key="listener.id", index=True)
    kind: str
    subject: str
    seconds: int | None = None
    source: str | None = None
    at: int = Field(sa_type=BigInteger)


class EntryChargeRow(Base, table=True):
    """What an entry cost for one track; its listener once more, so that one index finds a listener's track.

    `already_owned` if the track was the listener's before: then this entry is not how they got it.
    """

    __tablename__ = "entry_charge"
    __table_args__: ClassVar[tuple[Index]] = (Index("ix_entry_charge_track_id_listener_id", "track_id", "listener_id"),)
    entry_id: str = Field(foreign_key="entry.id", primary_key=True)
    track_id: str = Field(foreign_key="track.id", primary_key=True)
    listener_id: str
    position: int
    milli: int
    already_owned: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class EntryStrikeRow(Base, table=True):
    """An earlier entry that a refund or a giving away strikes out, for one track."""

    __tablename__ = "entry_strike"
    entry_id: str = Field(foreign_key="entry.id", primary_key=True)
    struck_key: str = Field(foreign_key="entry.key", primary_key=True)
    track_id: str = Field(foreign_key="track.id", primary_key=True)


class CopyRow(Base, table=True):
    """One copy; `id` is 128 random bits, drawn once, because it crosses to wallets. One of a thing is good at a time.

    `ended` is why it is over, `ended_at` when; an ended copy never comes back.
    """

    __tablename__ = "copy"
    __table_args__: ClassVar[tuple[Index, ...]] = (
        _unique_while("uq_copy_good", "listener_id", "kind", "subject", running="ended IS NULL"),
        Index("ix_copy_listener_id", "listener_id"),
    )
    id: str = Field(primary_key=True)
    listener_id: str = Field(foreign_key="listener.id")
    kind: str
    subject: str
    acquisition: str
    month: str
    ended: str | None = None
    ended_at: int | None = Field(default=None, sa_type=BigInteger)


class DownloadCodeRow(Base, table=True):
    """A code that gives one track or release, once; only its hash is here. `subject` is what it is bound to."""

    __tablename__ = "download_code"
    code_hash: str = Field(primary_key=True)
    id: str = Field(unique=True)
    kind: str
    subject: str
    label: str | None = None
    made_at: int = Field(sa_type=BigInteger)
    used_at: int | None = Field(default=None, sa_type=BigInteger)


class MembershipRow(Base, table=True):
    """One time of being a member. `number` is what gates count, the same each time that a listener is a member."""

    __tablename__ = "membership"
    __table_args__: ClassVar[tuple[Index, ...]] = (
        _unique_while("uq_membership_running", "listener_id", running="ended_at IS NULL"),
    )
    id: str = Field(primary_key=True)
    listener_id: str = Field(foreign_key="listener.id", index=True)
    number: str = Field(index=True)
    share_class: str
    since: str
    started_at: int = Field(sa_type=BigInteger)
    ends_at: int | None = Field(default=None, sa_type=BigInteger)
    ended_at: int | None = Field(default=None, sa_type=BigInteger)


class PersonaRow(Base, table=True):
    """The public name of an artist or label. `listener_id`, the person, is read by nothing that is signed or sent."""

    __tablename__ = "persona"
    id: str = Field(primary_key=True)
    listener_id: str = Field(foreign_key="listener.id", index=True)
    name: str
    kind: str
    vouched_by: str
    vouching: str
    catalogue: str
    verified_at: int = Field(sa_type=BigInteger)


class ContributionRow(Base, table=True):
    """What somebody gave to the co-op."""

    __tablename__ = "contribution"
    id: str = Field(primary_key=True)
    key: str = Field(unique=True)
    listener_id: str = Field(foreign_key="listener.id", index=True)
    what: str
    role: str
    period: str
    at: int = Field(sa_type=BigInteger)


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


class SeenProofRow(Base, table=True):
    """A DPoP proof or a `c_nonce` that was used, kept while it could still be replayed."""

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


EXPIRING = (LoginLinkRow, BrowserSessionRow)
