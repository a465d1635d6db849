"""The trackserver's tables, in a registry of their own.

Nothing here tells who downloads: a download has a release, an expiry and hashes of secrets. Times are epoch seconds.
"""

from typing import ClassVar

from sqlalchemy import BigInteger, UniqueConstraint
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class Base(SQLModel, registry=registry()):
    """The root of this role's tables."""


class ReleaseRow(Base, table=True):
    """A release."""

    __tablename__: ClassVar[str] = "release"

    id: str = Field(primary_key=True)
    folder: str = Field(unique=True)
    content_digest: str = Field(index=True)
    title: str
    artist: str
    release_type: str
    date: str | None = None
    gtin: str | None = None
    cover_file_id: str | None = Field(default=None, foreign_key="stored_file.id")
    cover_page_file_id: str | None = Field(default=None, foreign_key="stored_file.id")
    cover_media_type: str | None = None
    cover_page_media_type: str | None = None
    cover_page_width: int | None = None
    cover_page_height: int | None = None
    added_at: int = Field(sa_type=BigInteger)


class StoredFileRow(Base, table=True):
    """A file on disk as it was when it was added."""

    __tablename__: ClassVar[str] = "stored_file"

    id: str = Field(primary_key=True)
    path: str
    size: int = Field(sa_type=BigInteger)
    modified_ns: int = Field(sa_type=BigInteger)
    sha256: str
    crc32: int = Field(sa_type=BigInteger)


class TrackRow(Base, table=True):
    """A track of a release; `position` is its place in playing order, from 1."""

    __tablename__: ClassVar[str] = "track"
    __table_args__ = (UniqueConstraint("release_id", "position", name="uq_track_position"),)

    id: str = Field(primary_key=True)
    release_id: str = Field(foreign_key="release.id", index=True)
    position: int
    disc: int
    number: int
    title: str
    artist: str
    isrc: str | None = None


class MasterRow(Base, table=True):
    """An original file of a track; `position` is its place among them, the best first."""

    __tablename__: ClassVar[str] = "master"

    id: str = Field(primary_key=True)
    track_id: str = Field(foreign_key="track.id", index=True)
    stored_file_id: str = Field(foreign_key="stored_file.id")
    position: int
    format: str
    sample_rate_hz: int
    bits: int | None = None
    channels: int
    duration_ms: int = Field(sa_type=BigInteger)
    bitrate_bps: int = Field(sa_type=BigInteger)


class PinRow(Base, table=True):
    """A verifier's key that may open one release."""

    __tablename__: ClassVar[str] = "allowed_verifier"
    __table_args__ = (UniqueConstraint("issuer", "release_id", "kid", name="uq_allowed_verifier"),)

    id: str = Field(primary_key=True)
    issuer: str
    release_id: str = Field(foreign_key="release.id", index=True)
    kid: str
    jwk: str
    pinned_at: int = Field(sa_type=BigInteger)


class RedeemedGrantRow(Base, table=True):
    """A grant that was redeemed: the primary key is what makes it once only."""

    __tablename__: ClassVar[str] = "redeemed_grant"

    issuer: str = Field(primary_key=True)
    jti: str = Field(primary_key=True)
    expires_at: int = Field(sa_type=BigInteger, index=True)


class SeenProofRow(Base, table=True):
    """A DPoP proof that was seen (RFC 9449 §11.1), as a hash of its key and its number."""

    __tablename__: ClassVar[str] = "seen_proof"

    proof_hash: str = Field(primary_key=True)
    expires_at: int = Field(sa_type=BigInteger, index=True)


class TicketRow(Base, table=True):
    """A link that opens once."""

    __tablename__: ClassVar[str] = "ticket"

    secret_hash: str = Field(primary_key=True)
    release_id: str = Field(foreign_key="release.id")
    tracks: str
    formats: str
    used: bool = False
    expires_at: int = Field(sa_type=BigInteger, index=True)


class DownloadRow(Base, table=True):
    """A download that is open for a day."""

    __tablename__: ClassVar[str] = "download"

    id: str = Field(primary_key=True)
    secret_hash: str
    holder_key: str | None = None
    release_id: str = Field(foreign_key="release.id")
    tracks: str
    formats: str
    expires_at: int = Field(sa_type=BigInteger, index=True)
