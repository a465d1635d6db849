"""Tables of the authorization code flow."""

from sqlalchemy import BigInteger
from sqlmodel import Field

from issuer.tables import Base


class PushedRequestRow(Base, table=True):
    """An authorization request that waits for its listener; saying yes or no removes the row."""

    __tablename__ = "pushed_request"
    request_hash: str = Field(primary_key=True)
    client_id: str
    redirect_uri: str
    code_challenge: str
    configuration_ids: str
    state: str | None = None
    thumbprint: str | None = None
    expires_at: int = Field(index=True, sa_type=BigInteger)


class AuthorizationRow(Base, table=True):
    """What the wallet must show beside the code of an offer that its listener said yes to."""

    __tablename__ = "authorization"
    offer_id: str = Field(foreign_key="offer.id", primary_key=True, ondelete="CASCADE")
    client_id: str
    redirect_uri: str
    code_challenge: str
    configuration_ids: str
    state: str | None = None
    thumbprint: str | None = None
    expires_at: int = Field(sa_type=BigInteger)


EXPIRING = (PushedRequestRow,)
