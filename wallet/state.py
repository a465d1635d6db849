"""What a wallet knows, as frozen values; a change makes a new `Wallet`.

A copy is owned once and comes in several single-use instances. An instance that was shown is taken out for good,
together with its key, before it is sent: what is no longer there cannot be shown twice. Its mark stays, so that an
older backup does not bring it back.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from pydantic import JsonValue

from credentials.encoding import base64url
from wallet.supply import Ownership, Supply

FORMAT: Final = 2
RECEIPT_LIFE: Final = timedelta(days=365)
"""A receipt is erased after twelve months, on this side as at the gate."""
_MARK_BYTES: Final = 16


class Purpose(Enum):
    """What an authority's word is taken for."""

    SITES = "sites"
    """Who asks at a gate."""
    CO_OPS = "co-ops"
    """Who hands out records."""


EVERY_PURPOSE: Final = frozenset(Purpose)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Somebody whose word about who runs a host this wallet takes: a pinned certificate, and what for."""

    name: str
    certificate: str = field(repr=False)
    fingerprint: str
    added_at: datetime
    purposes: frozenset[Purpose] = EVERY_PURPOSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One SD-JWT VC of a copy, to be shown once, with the private key (PEM) that only it uses.

    `expires_at` is when it stops being valid; None for what is owned for good.
    """

    credential: str = field(repr=False)
    key: str = field(repr=False)
    expires_at: datetime | None = None

    @property
    def mark(self) -> str:
        """What this instance is remembered by after it was shown."""
        return base64url.encode(hashlib.sha256(self.credential.encode()).digest()[:_MARK_BYTES])

    def is_valid(self, at: datetime) -> bool:
        """Tell whether it can be shown at this time."""
        return self.expires_at is None or at < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignType:
    """How an issuer names a type that is not ours: all that this wallet knows of it. Foreign text."""

    name: str
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One owned copy of a track or release, one membership, or whatever else an issuer hands out once.

    Attributes:
        id: the issuer's number for it (claim `copy` or `membership`); for a foreign type, made of what it says.
        issuer: the co-op's URL.
        vct: what kind of thing it is.
        claims: every disclosable claim, the same in each instance; nested in foreign types.
        instances: what can still be shown.
        uses: how often it was shown so far.
        renewed_at: when instances came last; None if only once.
        foreign: set when the type is none of ours: whether such a thing marks its holder cannot be told.
        notification_id: by which the issuer hears what became of it.
    """

    id: str
    issuer: str
    vct: str
    claims: dict[str, JsonValue]
    received_at: datetime
    instances: tuple[Instance, ...]
    uses: int = 0
    renewed_at: datetime | None = None
    foreign: ForeignType | None = None
    notification_id: str | None = field(default=None, repr=False)

    @property
    def key(self) -> Ownership:
        """What tells two copies apart: who issued it, its type, and its number there."""
        return (self.issuer, self.vct, self.id)

    def text(self, name: str) -> str:
        """Return a claim that is a text, or "" if there is none of that name."""
        value = self.claims.get(name)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What one copy told a site: the sentence that the listener said yes to, and the claims, by their paths."""

    copy_id: str
    title: str
    claims: dict[str, JsonValue]
    statement: str = ""
    foreign: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One presentation: when, where, under which terms, and what was disclosed.

    `salt`, `nonce` and `bindings` (the signed key binding of each instance) prove later which terms were accepted.
    """

    id: str
    at: datetime
    site: str
    terms: str | None
    salt: str | None
    nonce: str
    shown: tuple[Shown, ...]
    bindings: tuple[str, ...] = field(repr=False)
    accepted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Files that a gate opened: the grant, the key it is bound to and, once exchanged, where to fetch them.

    Attributes:
        id: a random name within this wallet.
        site: the host of the gate.
        title: what was shown for it, in words.
        trackserver: where the grant is exchanged.
        expires_at: until when the grant, or after the exchange the download, can be used.
    """

    id: str
    site: str
    title: str
    received_at: datetime
    trackserver: str
    grant: str = field(repr=False)
    key: str = field(repr=False)
    expires_at: datetime
    download: str | None = None
    access_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """Everything that one wallet file holds.

    `spent` has the marks of all instances that were ever shown.
    """

    format: int = FORMAT
    authorities: tuple[Authority, ...] = ()
    copies: tuple[Copy, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    supplies: tuple[Supply, ...] = ()
    spent: tuple[str, ...] = field(default=(), repr=False)

    def anchors(self, purpose: Purpose) -> tuple[bytes, ...]:
        """Return the certificates, as PEM bytes, of the authorities that are pinned for a purpose."""
        return tuple(each.certificate.encode() for each in self.authorities if purpose in each.purposes)

    def pruned(self, now: datetime) -> "Wallet":
        """Return this wallet without what has outlived its use: old receipts, expired tokens, grants and instances."""
        return replace(
            self,
            copies=tuple(_valid(each, now) for each in self.copies),
            receipts=tuple(each for each in self.receipts if now < each.at + RECEIPT_LIFE),
            deliveries=tuple(each for each in self.deliveries if now < each.expires_at),
            supplies=tuple(each for each in self.supplies if not each.is_over(now)),
        )

    def with_authority(self, authority: Authority) -> "Wallet":
        """Return this wallet with `authority` pinned; the same certificate pinned again takes its name and purposes."""
        others = tuple(each for each in self.authorities if each.fingerprint != authority.fingerprint)
        return replace(self, authorities=(*others, authority))

    def without_authority(self, fingerprint: str) -> "Wallet":
        """Return this wallet without the authority of that fingerprint; what was received stays."""
        return replace(self, authorities=tuple(each for each in self.authorities if each.fingerprint != fingerprint))

    def copy(self, key: Ownership) -> Copy | None:
        """Return the copy of that key, or None."""
        return next((each for each in self.copies if each.key == key), None)

    def with_copy(self, copy: Copy) -> "Wallet":
        """Return this wallet with `copy` received.

        More instances of a copy that is here already are added to it. If the co-op now says something else about it,
        the new instances take the place of the old ones: two versions of one title would tell the wallet apart from
        others. No instance is kept twice, and none that was shown before comes back.
        """
        mine = self.copy(copy.key)
        kept = mine.instances if mine and mine.claims == copy.claims else ()
        known = {*self.spent, *(each.mark for each in kept)}
        fresh = tuple(each for each in copy.instances if each.mark not in known)
        if mine is None:
            return replace(self, copies=(*self.copies, replace(copy, instances=fresh)))
        merged = replace(
            copy,
            instances=(*kept, *fresh),
            uses=mine.uses,
            received_at=mine.received_at,
            renewed_at=copy.renewed_at or copy.received_at,
            notification_id=copy.notification_id or mine.notification_id,
        )
        return replace(self, copies=tuple(merged if each.key == copy.key else each for each in self.copies))

    def without_copy(self, key: Ownership) -> "Wallet":
        """Return this wallet without a copy, its instances and the way to get more of them."""
        return replace(
            self,
            copies=tuple(each for each in self.copies if each.key != key),
            supplies=tuple(each.without(key) for each in self.supplies),
        )

    def supply(self, offer_id: str) -> Supply | None:
        """Return the standing of an offer, or None."""
        return next((each for each in self.supplies if each.offer_id == offer_id), None)

    def bringing(self, copy: Ownership, supply: Supply) -> "Wallet":
        """Return this wallet with an offer that brought a copy: from now on more of it comes by this offer alone."""
        others = tuple(each.without(copy) for each in self.supplies if each.offer_id != supply.offer_id)
        return replace(self, supplies=(*others, supply))

    def with_supply(self, supply: Supply) -> "Wallet":
        """Return this wallet with the standing of one offer replaced."""
        others = tuple(each for each in self.supplies if each.offer_id != supply.offer_id)
        return replace(self, supplies=(*others, supply))

    def with_receipt(self, receipt: Receipt) -> "Wallet":
        """Return this wallet with `receipt` added, or put in the place of the one with the same id."""
        others = tuple(each for each in self.receipts if each.id != receipt.id)
        return replace(self, receipts=(*others, receipt))

    def with_delivery(self, delivery: Delivery) -> "Wallet":
        """Return this wallet with `delivery` added, or put in the place of the one with the same id."""
        others = tuple(each for each in self.deliveries if each.id != delivery.id)
        return replace(self, deliveries=(*others, delivery))

    def taking_instance(self, key: Ownership) -> tuple["Wallet", Instance | None]:
        """Return this wallet without one instance of a copy, and that instance (None if there is none left)."""
        copy = next((each for each in self.copies if each.key == key and each.instances), None)
        if copy is None:
            return self, None
        taken = copy.instances[0]
        rest = replace(copy, instances=copy.instances[1:], uses=copy.uses + 1)
        copies = tuple(rest if each.key == key else each for each in self.copies)
        return replace(self, copies=copies, spent=(*self.spent, taken.mark)), taken


def _valid(copy: Copy, now: datetime) -> Copy:
    return replace(copy, instances=tuple(each for each in copy.instances if each.is_valid(now)))
