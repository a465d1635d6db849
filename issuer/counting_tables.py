"""Tables of who counts. Nothing in them can be found in what a holder shows: a pseudonym hides all three secrets."""

from typing import ClassVar

from sqlalchemy import BigInteger, Index
from sqlmodel import Field

from issuer.tables import Base


class CountingScopeRow(Base, table=True):
    """One listener with one release, or one member, persona or contribution.

    `label` crosses to wallets; `mode` is `undecided`, `copy` or `pseudonym`; months are like 2026-11, or empty.
    """

    __tablename__ = "counting_scope"
    __table_args__: ClassVar[tuple[Index]] = (
        Index("uq_counting_scope_subject", "listener_id", "subject", unique=True),
    )
    label: str = Field(primary_key=True)
    listener_id: str = Field(foreign_key="listener.id")
    subject: str
    mode: str = "undecided"
    from_month: str = ""
    last_month: str = ""
    commitment: str | None = None
    entropy: str | None = None
    confirmed: bool = False


class CommitmentRow(Base, table=True):
    """A commitment point that was taken once, for ever: no scope may use it again, nor its own after a reset."""

    __tablename__ = "commitment"
    point: str = Field(primary_key=True)
    label: str = Field(foreign_key="counting_scope.label")


class CommitmentResetRow(Base, table=True):
    """A scope was started anew. One that was not `counted` was reset before its wallet was confirmed."""

    __tablename__ = "commitment_reset"
    id: str = Field(primary_key=True)
    label: str = Field(foreign_key="counting_scope.label", index=True)
    at: int = Field(sa_type=BigInteger)
    counted: bool
