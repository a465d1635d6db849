"""What comes out of a grant: a ticket for a browser, or a download for a wallet; and who may grant."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from credentials.keys.jwk import PublicKey

TICKET_TTL: Final = timedelta(minutes=10)
DOWNLOAD_TTL: Final = timedelta(hours=24)
"""So long that no link expires in the middle of a download, even over a slow line with a night between."""


def hash_secret(secret: str) -> str:
    """Return what is stored in place of a ticket, cookie or access token: 256 random bits need no salt."""
    return hashlib.sha256(secret.encode("utf-8", errors="surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A verifier's key that may open one release.

    Attributes:
        issuer: the verifier's address, as its grants name it.
        kid: the key's name in the grants.
    """

    issuer: str
    release_id: str
    kid: str
    key: PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What was granted: a release, and of it some tracks and formats; empty means all."""

    release_id: str
    tracks: tuple[str, ...]
    formats: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A link that opens once, in a browser."""

    secret_hash: str
    scope: Scope
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A download that is open for a day, for whoever holds its secret.

    Attributes:
        id: 128 random bits; stands in addresses.
        secret_hash: of the browser's cookie, or of the wallet's access token.
        holder_key: the thumbprint that the wallet's DPoP proofs must have; None for a browser.
    """

    id: str
    secret_hash: str
    holder_key: str | None
    scope: Scope
    expires_at: datetime

    def is_opened_by(self, secret: str) -> bool:
        """Compare a presented secret in constant time."""
        return hmac.compare_digest(self.secret_hash, hash_secret(secret))
