"""The table of status lists that the site keeps: whole lists, so that no row says whose credential was looked up."""

from sqlalchemy import BigInteger, Column, Text
from sqlmodel import Field

from verifier.tables import Base


class KeptStatusListRow(Base, table=True):
    """A status list as its issuer signed it, and when it was fetched or found unchanged."""

    __tablename__ = "status_lists"

    site: str = Field(primary_key=True)
    uri: str = Field(primary_key=True)
    issuer: str = Field(index=True)
    token: str = Field(sa_column=Column(Text, nullable=False))
    etag: str | None = None
    issued_at: int = Field(sa_type=BigInteger)
    fetched_at: int = Field(sa_type=BigInteger)
    fetch_after: int = Field(sa_type=BigInteger)
