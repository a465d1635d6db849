"""Tables of deliveries: what became of an offer that a wallet took, and how that wallet comes back."""

from sqlalchemy import BigInteger
from sqlmodel import Field

from issuer.tables import Base


class DeliveryRow(Base, table=True):
    """The copies that one wallet may fetch. `used_refresh` is the refresh token that was used last, as its hash.

    `thumbprint` is of the wallet's DPoP key; without one the wallet got a bearer token and cannot come back.
    """

    __tablename__ = "delivery"
    id: str = Field(primary_key=True)
    offer_id: str | None = Field(default=None, foreign_key="offer.id", unique=True, ondelete="SET NULL")
    thumbprint: str | None = None
    configuration_ids: str
    used_refresh: str = ""
    closed: bool = False
    expires_at: int = Field(index=True, sa_type=BigInteger)


class DeliveryCopyRow(Base, table=True):
    """A copy of a delivery."""

    __tablename__ = "delivery_copy"
    delivery_id: str = Field(foreign_key="delivery.id", primary_key=True, ondelete="CASCADE")
    copy_id: str = Field(foreign_key="copy.id", primary_key=True)
    position: int


class AccessTokenRow(Base, table=True):
    """An access token of one delivery; `configuration_ids` are parted by spaces."""

    __tablename__ = "access_token"
    token_hash: str = Field(primary_key=True)
    delivery_id: str = Field(foreign_key="delivery.id", index=True, ondelete="CASCADE")
    configuration_ids: str
    expires_at: int = Field(index=True, sa_type=BigInteger)


class RefreshTokenRow(Base, table=True):
    """A refresh token; `parent_hash` is the one that it was got with, empty for the first of a delivery."""

    __tablename__ = "refresh_token"
    token_hash: str = Field(primary_key=True)
    delivery_id: str = Field(foreign_key="delivery.id", index=True, ondelete="CASCADE")
    parent_hash: str
    made_at: int = Field(sa_type=BigInteger)


class NotificationRow(Base, table=True):
    """A credential response; `event` is what the wallet said became of it."""

    __tablename__ = "notification"
    id_hash: str = Field(primary_key=True)
    delivery_id: str = Field(foreign_key="delivery.id", index=True, ondelete="CASCADE")
    copy_id: str = Field(foreign_key="copy.id")
    event: str | None = None
    expires_at: int = Field(index=True, sa_type=BigInteger)


class DeferredRow(Base, table=True):
    """A credential request that waits for its copy; `keys` are the holder's public JWKs, as a JSON array.

    `form` is what the names of the wanted form end with; `commitment` is as the wallet sent it, where it sent one.
    """

    __tablename__ = "deferred"
    transaction_hash: str = Field(primary_key=True)
    delivery_id: str = Field(foreign_key="delivery.id", index=True, ondelete="CASCADE")
    copy_id: str = Field(foreign_key="copy.id")
    keys: str
    form: str = Field(default="", sa_column_kwargs={"server_default": ""})
    commitment: str | None = None
    expires_at: int = Field(index=True, sa_type=BigInteger)


class HoldRow(Base, table=True):
    """A copy that is good but not sent yet, as while its payment is looked at."""

    __tablename__ = "hold"
    copy_id: str = Field(foreign_key="copy.id", primary_key=True)
    since: int = Field(sa_type=BigInteger)


# Children first, so that what is counted as swept is the same on every engine.
EXPIRING = (AccessTokenRow, NotificationRow, DeferredRow, DeliveryRow)
