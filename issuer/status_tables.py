"""The tables of status lists. Nothing in them names a listener: an entry knows its copy, and a decoy knows nothing."""

from sqlalchemy import BigInteger, LargeBinary
from sqlmodel import Field

from issuer.tables import Base


class StatusListRow(Base, table=True):
    """A status list, as it is and as it was signed last. `version` decides between two publishers."""

    __tablename__ = "status_list"
    id: str = Field(primary_key=True)
    month: str = Field(index=True)
    version: int
    packed: bytes = Field(sa_type=LargeBinary)
    decoys_at: int = Field(sa_type=BigInteger)
    token: str | None = None
    signed_at: int | None = Field(default=None, sa_type=BigInteger)
    expires_at: int | None = Field(default=None, sa_type=BigInteger)
    signed_by: str | None = None


class StatusEntryRow(Base, table=True):
    """An entry that is taken, for ever: by an instance of a copy, or by a decoy, which has none."""

    __tablename__ = "status_entry"
    list_id: str = Field(foreign_key="status_list.id", primary_key=True)
    position: int = Field(primary_key=True)
    copy_id: str | None = Field(default=None, foreign_key="copy.id", index=True)


class StatusEndRow(Base, table=True):
    """A copy whose instances are taken back; `settled` once nothing of it can be missing in the lists."""

    __tablename__ = "status_end"
    copy_id: str = Field(foreign_key="copy.id", primary_key=True)
    ended_at: int = Field(sa_type=BigInteger)
    settled: bool = Field(default=False, index=True)
