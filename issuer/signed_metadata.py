"""The issuer's metadata as a signed document, made when somebody asks and kept for an hour (OpenID4VCI 1.0 §12.2.3)."""

import re
from datetime import datetime, timedelta
from typing import Final

from credentials.protocols.oauth import ServerError
from credentials.protocols.openid4vci import IssuerMetadata, sign_metadata
from issuer.identity import Identity
from plumbing.clock import epoch_s

LIFETIME: Final = timedelta(days=1)
_KEPT: Final = timedelta(hours=1)
_QUALITY: Final = re.compile(r"[01](\.[0-9]{0,3})?")


class SignedMetadata:
    """Signs at most once an hour, so that nobody makes the key work by asking."""

    def __init__(self, metadata: IssuerMetadata, identity: Identity) -> None:
        self._metadata = metadata
        self._identity = identity
        self._made: tuple[datetime, bytes] | None = None

    def at(self, now: datetime) -> bytes | None:
        """The JWT for whoever asks now; None when there is no certificate that anybody would accept."""
        if self._made is None or not timedelta(0) <= now - self._made[0] < _KEPT:
            try:
                self._identity.check_can_sign(now)
            except ServerError:
                return None
            if not self._identity.x5c:
                return None
            self._made = now, self._sign(now).encode("ascii")
        return self._made[1]

    def _sign(self, now: datetime) -> str:
        return sign_metadata(
            self._metadata,
            signer=self._identity.signer,
            x5c=self._identity.x5c,
            issued_at=epoch_s(now),
            expires_at=epoch_s(now + LIFETIME),
        )


def prefers_signed(accept: str) -> bool:
    """Whether an `Accept` header puts `application/jwt` before JSON; whoever states no preference gets JSON."""
    return _quality(accept, "application/jwt") > max(
        _quality(accept, "application/json"), _quality(accept, "application/*"), _quality(accept, "*/*")
    )


def _quality(accept: str, media_type: str) -> float:
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if name == media_type:
            quality = next((text[2:] for text in parameters if text.startswith("q=")), "1")
            return float(quality) if _QUALITY.fullmatch(quality) else 0.0
    return 0.0
