"""Deliveries: what an offer becomes once a wallet took it, and how the wallet comes back for more.

A wallet with a DPoP key gets a refresh token beside its access token, and with every use of it the next one. The one
before stays good until the next was used, because an answer can be lost on its way. Whoever shows a token after that
has an old copy of it, and we cannot tell who of the two is the thief: the delivery is closed (RFC 9700 §4.14.2).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from credentials.keys.jwk import PublicKey
from credentials.protocols.openid4vci import Form
from issuer.copies import Copy

TOKEN_TTL: Final = timedelta(minutes=10)
BEARER_TTL: Final = timedelta(minutes=5)
REFRESH_TTL: Final = timedelta(days=365)
"""HAIP 1.0 §4.4: more than a year after issuance, a refresh token should not do."""
NOTIFICATION_TTL: Final = timedelta(days=30)
DEFERRED_TTL: Final = timedelta(days=90)
DEFERRED_INTERVAL_S: Final = 3600
REPLAYS_SEEN: Final = timedelta(days=30)
"""How long a used refresh token is remembered, so that its replay is seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The copies that one wallet may fetch.

    Attributes:
        id: stays inside.
        offer: that it came of, as long as that is remembered.
        copies: those that are still good.
        configuration_ids: of the kinds that the wallet asked for.
        thumbprint: of the wallet's DPoP key; None if it has none.
        expires_at: until when it may come back.
        used_refresh: the hash of the refresh token that was used last; empty before.
        closed: whether somebody replayed one of its secrets.
    """

    id: str
    offer: str | None
    copies: tuple[Copy, ...]
    configuration_ids: tuple[str, ...]
    thumbprint: str | None
    expires_at: datetime
    used_refresh: str = ""
    closed: bool = False

    def is_open(self, now: datetime) -> bool:
        """Whether anything can come of it now."""
        return not self.closed and self.expires_at > now


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """A refresh token that the co-op once gave.

    Attributes:
        token_hash: what the database knows of it.
        parent_hash: of the one that it was got with; empty for the first.
        delivery: what it is good for.
    """

    token_hash: str
    parent_hash: str
    delivery: Delivery

    @property
    def is_next(self) -> bool:
        """Whether it is the one used last, whose answer may have been lost, or was got with that one."""
        return self.delivery.used_refresh in {self.token_hash, self.parent_hash}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What an access token opens: copies of its delivery, for the holder of one DPoP key, or for any bearer."""

    token_hash: str
    delivery: Delivery
    configuration_ids: tuple[str, ...]
    expires_at: datetime

    @property
    def thumbprint(self) -> str | None:
        """Of the key that may use it; None for a bearer token."""
        return self.delivery.thumbprint

    def is_good(self, now: datetime) -> bool:
        """Whether it opens anything now."""
        return self.delivery.is_open(now) and self.expires_at > now


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A credential request that waits until its copy may be sent.

    Attributes:
        transaction_hash: of the name that the wallet has for it.
        delivery: that it belongs to.
        copy_id: what it waits for.
        form: the form that was asked for.
        keys: that were proven.
        commitment: that was proven, with its proof.
        expires_at: until when it can be fetched.
    """

    transaction_hash: str
    delivery: str
    copy_id: str
    form: Form = Form.SD_JWT
    keys: tuple[PublicKey, ...] = ()
    commitment: bytes | None = None
    expires_at: datetime
