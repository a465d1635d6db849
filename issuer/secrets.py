"""Codes and their hashes.

What others hold is stored as a hash; what must be shown again is derived from a key that is kept outside the database.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from credentials.encoding import base64url

TX_CODE_DIGITS = 6


def stored(secret: str) -> str:
    """Return what the database keeps of a high-entropy secret."""
    return base64url.encode(hashlib.sha256(secret.encode()).digest())


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferSecrets:
    """Derives an offer's two codes from its id, so that they can be shown again and are stored nowhere; MACs nonces.

    Attributes:
        key: 32 bytes from the key folder; a copy of the database alone gives neither code.
        turning: gives the key in use and others that open offers hold to, where keys are exchanged for new ones. Codes
            come of `key` alone: ask `in_use` or `of_offer` first.
    """

    key: bytes = field(repr=False)
    turning: Callable[[], tuple[bytes, ...]] | None = field(default=None, repr=False)

    def of_offer(self, offer: str, mac: str) -> Self:
        """Return the secrets that an offer was made with, by the keyed hash that was kept of its transaction code."""
        all_of_them = self.every()
        for each in all_of_them[1:]:
            if hmac.compare_digest(each.tx_code_mac(offer, each.tx_code(offer)), mac):
                return each
        return all_of_them[0]

    def in_use(self) -> Self:
        """Return the secrets that a new offer is made with, which stay the same however often they are asked."""
        return self.every()[0]

    def every(self) -> tuple[Self, ...]:
        """Return the secrets in use, and after them those that others may still hold something of."""
        if self.turning is None:
            return (self,)
        return tuple([type(self)(key=key) for key in self.turning()])

    def code(self, offer: str) -> str:
        """Return the pre-authorized code: 256 bits that nobody without the key can tell from random."""
        return base64url.encode(self._digest("pre-authorized_code", offer))

    def tx_code(self, offer: str) -> str:
        """Return the six digits that the listener is shown apart from the offer."""
        number = int.from_bytes(self._digest("tx_code", offer), "big") % 10**TX_CODE_DIGITS
        return f"{number:0{TX_CODE_DIGITS}}"

    def tx_code_mac(self, offer: str, tx_code: str) -> str:
        """Return what the database keeps of a transaction code: six digits need a keyed hash."""
        return base64url.encode(self._digest("tx_code_mac", offer, tx_code))

    def nonce_mac(self, said: bytes) -> bytes:
        """Return by what a nonce is known to be of ours."""
        return self._digest("c_nonce", base64url.encode(said))

    def _digest(self, *parts: str) -> bytes:
        # Base64url and digits only (or a wallet's text, which comes last): no part can pretend to be two.
        return hmac.digest(self.key, "\x1f".join(parts).encode(), hashlib.sha256)
