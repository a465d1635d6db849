"""Receipts of the handshake. A limited gate keeps what its listener signed, for a year; any other gate only counts.

A receipt is the key binding that the wallet signed (its nonce commits to the terms), with the salt and the terms that
open that nonce. Whose it is, it does not say: the key was made for one presentation.
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
        binding: the compact key binding JWT; its `nonce` is that of the handshake.
        holder_key: thumbprint (RFC 7638) of the key that signed it.
        salt: with the terms, what the nonce is made of.
    """

    binding: str
    holder_key: str
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
