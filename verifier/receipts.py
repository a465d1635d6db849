"""Receipts of the handshake. A limited gate keeps what its listener signed, for a year; any other gate only counts.

A receipt is what the wallet made for the request's nonce, which commits to the terms, with the salt and the terms that
open it: the key binding of an SD-JWT VC, or the bare proof of a linked credential. Whose it is, it does not say: the
key was made for one presentation, and a proof is like no other. The pseudonym is left out of it, as it is forgotten
sooner.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

RECEIPT_LIFE: Final = timedelta(days=366)
"""Twelve months, whatever their length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedTerms:
    """What a wallet signed at a limited gate.

    Attributes:
        binding: the compact key binding JWT, whose `nonce` is that of the handshake; or a BBS proof in base64url, whose
            presentation header was made of that nonce.
        holder_key: thumbprint (RFC 7638) of the key that signed it; None for a proof, which no key signs.
        salt: with the terms, what the nonce is made of.
    """

    binding: str
    holder_key: str | None
    salt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What is kept of one passage through a limited gate."""

    gate_id: str
    terms: str
    language: str
    signed: SignedTerms
    made_at: datetime

    @property
    def erase_at(self) -> datetime:
        """When it must be gone."""
        return self.made_at + RECEIPT_LIFE
