"""The verifier's tables. Every row belongs to a `site`, because one verifier can host sites that share nothing.

Moments are whole seconds since 1970: conditional UPDATEs compare them alike on every engine.
"""

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class Base(SQLModel, registry=registry()):
    """The root of the verifier's tables, in a registry of their own."""


class GateRow(Base, table=True):
    """A gate. Its key is internal; `gate_id` is in the link that the site publishes."""

    __tablename__ = "gates"

    key: str = Field(primary_key=True)
    site: str = Field(index=True)
    gate_id: str = Field(unique=True)
    title: str
    requirement: str
    release_id: str
    track_id: str | None = None
    language: str
    terms: str
    opens: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    created_at: int = Field(sa_type=BigInteger)
    proofs: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))
    """What must be shown, where it is more than the release or track of the columns above."""
    limit_times: int | None = None
    limit_monthly: bool = False
    limit_key: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    other_wallets: bool = True
    """Whether a gate with a limit takes the numbers of copies beside pseudonyms."""
    closed_at: int | None = Field(default=None, sa_type=BigInteger)


class GateCoverRow(Base, table=True):
    """The cover of what a gate opens: the site's own copy."""

    __tablename__ = "gate_covers"

    gate_id: str = Field(primary_key=True, foreign_key="gates.gate_id", ondelete="CASCADE")
    site: str = Field(index=True)
    media_type: str
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class VisitRow(Base, table=True):
    """A visit, until it expires. It holds no claim, no key, no presentation and no address."""

    __tablename__ = "visits"

    key: str = Field(primary_key=True)
    site: str = Field(index=True)
    visit_id: str = Field(unique=True)
    gate_id: str = Field(foreign_key="gates.gate_id", index=True)
    browser: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    state: str
    failed_answers: int = 0
    last_failure: str | None = None
    first_use: int | None = Field(default=None, sa_type=BigInteger)
    answer: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))
    """What is kept of an answer until its door opens; see `verifier.answer_rows`."""
    response_code: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True, unique=True))
    code_page: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True, unique=True))
    code: str | None = None
    wrong_codes: int = 0
    grants_given: int = 0
    created_at: int = Field(sa_type=BigInteger)
    expires_at: int = Field(sa_type=BigInteger, index=True)


class RequestRow(Base, table=True):
    """One of the two requests of a visit; it goes when the visit goes."""

    __tablename__ = "requests"

    key: str = Field(primary_key=True)
    site: str = Field(index=True)
    request_id: str = Field(unique=True)
    visit_id: str = Field(foreign_key="visits.visit_id", ondelete="CASCADE", index=True)
    device: str
    state: str
    salt: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    answer_key: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))


class RedemptionRow(Base, table=True):
    """How often a gate was passed in a month under which terms: a count, so that no row is anybody's passage."""

    __tablename__ = "redemptions"

    site: str = Field(primary_key=True)
    gate_id: str = Field(primary_key=True)
    terms: str = Field(primary_key=True)
    month: str = Field(primary_key=True)
    passages: int = Field(sa_type=BigInteger)


class MarkRow(Base, table=True):
    """How often one copy passed a limited gate in one period, under a keyed hash that means nothing elsewhere."""

    __tablename__ = "marks"

    gate_id: str = Field(primary_key=True, foreign_key="gates.gate_id", ondelete="CASCADE")
    period: str = Field(primary_key=True)
    mark: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    site: str = Field(index=True)
    uses: int
    first_use: int = Field(sa_type=BigInteger)


class ReceiptRow(Base, table=True):
    """What a listener signed at a limited gate, until it is erased."""

    __tablename__ = "receipts"

    key: str = Field(primary_key=True)
    site: str = Field(index=True)
    gate_id: str = Field(foreign_key="gates.gate_id", ondelete="CASCADE", index=True)
    terms: str
    language: str
    salt: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    binding: str
    holder_key: str | None = None
    made_at: int = Field(sa_type=BigInteger)
    erase_at: int = Field(sa_type=BigInteger, index=True)


class TrustedIssuerRow(Base, table=True):
    """A co-op that a site trusts, with the pinned keys or the certificate authority that vouches for its keys."""

    __tablename__ = "trusted_issuers"
    __table_args__ = (UniqueConstraint("site", "issuer"),)

    key: str = Field(primary_key=True)
    site: str = Field(index=True)
    issuer: str
    name: str
    keys: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    anchors: list[str] = Field(sa_column=Column(JSON, nullable=False))
    types: list[str] = Field(sa_column=Column(JSON, nullable=False))
    """Empty for a co-op that is not trusted, whatever a list says of it."""
    added_at: int = Field(sa_type=BigInteger)
    did: str | None = None
    bbs_keys: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False, server_default="{}"))
    """Multikeys under their DID URLs."""


class CoopListRow(Base, table=True):
    """A list of co-ops that a site subscribes to, as it was signed; its publisher's key is pinned."""

    __tablename__ = "coop_lists"
    __table_args__ = (UniqueConstraint("site", "url"),)

    key: str = Field(primary_key=True)
    site: str = Field(index=True)
    url: str
    publisher: str
    """Thumbprint of the key that a person compared."""
    version: int = Field(sa_type=BigInteger)
    text: str = Field(sa_type=Text)
    fetched_at: int = Field(sa_type=BigInteger)
