"""What a wallet knows, as frozen values; a change makes a new `Wallet`.

A copy is owned once and comes in several single-use instances. An instance that was shown is taken out for good,
together with its key, before it is sent: what is no longer there cannot be shown twice. Its mark stays, so that an
older backup does not bring it back. The same copy may also come as linked credentials (`wallet.linked`), which are not
used up.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Final

from pydantic import JsonValue

import schemas
from credentials.encoding import base64url
from wallet.doors import KnownDoor
from wallet.linked import LinkedCredential, LinkedKind, Nym
from wallet.receipts import RECEIPT_LIFE, Receipt
from wallet.supply import Ownership, Supply

FORMAT: Final = 3
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
        id: the issuer's number for it (claim `copy` or `membership`, or how its credential identifiers begin); for a
            foreign type, made of what it says.
        issuer: the co-op's URL.
        vct: what kind of thing it is.
        claims: every disclosable claim, the same in each instance; nested in foreign types.
        instances: what can still be shown once each.
        linked: what is shown by proofs, at most one of each kind.
        uses: how often it was shown so far.
        renewed_at: when more of it came last; None if it came only once.
        foreign: set when the type is none of ours: whether such a thing marks its holder cannot be told.
        notification_id: by which the issuer hears what became of it.
        not_renewed: why one of its forms could not be had or renewed last time, in words; None if all could.
    """

    id: str
    issuer: str
    vct: str
    claims: dict[str, JsonValue]
    received_at: datetime
    instances: tuple[Instance, ...]
    linked: tuple[LinkedCredential, ...] = ()
    uses: int = 0
    renewed_at: datetime | None = None
    foreign: ForeignType | None = None
    notification_id: str | None = field(default=None, repr=False)
    not_renewed: str | None = None

    @property
    def key(self) -> Ownership:
        """What tells two copies apart: who issued it, its type, and its number there."""
        return (self.issuer, self.vct, self.id)

    def text(self, name: str) -> str:
        """Return a claim that is a text, or "" if there is none of that name."""
        value = self.claims.get(name)
        return value if isinstance(value, str) else ""

    def linked_as(self, kind: LinkedKind, at: datetime) -> LinkedCredential | None:
        """Return what can be shown of that kind at this time, or None."""
        return next((each for each in self.linked if each.kind is kind and each.is_valid(at)), None)


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

    `spent` has the marks of all instances that were ever shown. `nyms` are never thrown away: what was committed to
    counts for life.
    """

    format: int = FORMAT
    authorities: tuple[Authority, ...] = ()
    copies: tuple[Copy, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    supplies: tuple[Supply, ...] = ()
    spent: tuple[str, ...] = field(default=(), repr=False)
    nyms: tuple[Nym, ...] = field(default=(), repr=False)
    doors: tuple[KnownDoor, ...] = ()

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

        More of a copy that is here already is added to it. If the co-op now says something else about it, what is new
        takes the place of the old: two versions of one title would tell the wallet apart from others. No instance is
        kept twice, and none that was shown before comes back; of linked credentials the newest of each kind is kept.
        """
        mine = self.copy(copy.key)
        fresh = _without_marks(copy, {*self.spent, *(each.mark for each in mine.instances)} if mine else {*self.spent})
        if mine is None:
            return replace(self, copies=(*self.copies, fresh))
        return self.replacing(joining(mine, fresh))

    def replacing(self, copy: Copy) -> "Wallet":
        """Return this wallet with `copy` in the place of the one with the same key."""
        return replace(self, copies=tuple(copy if each.key == copy.key else each for each in self.copies))

    def without_copy(self, key: Ownership) -> "Wallet":
        """Return this wallet without a copy, its instances and the way to get more of them."""
        return replace(
            self,
            copies=tuple(each for each in self.copies if each.key != key),
            supplies=tuple(each.without(key) for each in self.supplies),
        )

    def with_nym(self, nym: Nym) -> "Wallet":
        """Return this wallet with `nym` added, or put in the place of the same one."""
        return replace(self, nyms=(*(each for each in self.nyms if each.key != nym.key), nym))

    def nym(self, issuer: str, scope: str) -> Nym | None:
        """Return the nym to commit to for a scope: the one that the co-op took last, else the first that was made."""
        mine = [each for each in self.nyms if (each.issuer, each.scope) == (issuer, scope)]
        taken = sorted((each for each in mine if each.accepted_at), key=lambda each: str(each.accepted_at))
        return taken[-1] if taken else next(iter(mine), None)

    def nym_of(self, copy: Copy, linked: LinkedCredential) -> Nym | None:
        """Return the nym that a credential was made for, or None."""
        key = (copy.issuer, linked.scope, linked.commitment)
        return next((each for each in self.nyms if each.key == key), None)

    def supply(self, offer_id: str) -> Supply | None:
        """Return the standing of an offer, or None."""
        return next((each for each in self.supplies if each.offer_id == offer_id), None)

    def bringing(self, copy: Ownership, supply: Supply) -> "Wallet":
        """Return this wallet with an offer that brought a copy: from now on more of it comes by this offer alone.

        What else of that copy another offer brings, and this one does not, goes on coming by the other.
        """
        kinds = frozenset(each.configuration_id for each in supply.brought if each.copy == copy)
        others = tuple(each.without(copy, kinds) for each in self.supplies if each.offer_id != supply.offer_id)
        return replace(self, supplies=(*others, supply))

    def with_supply(self, supply: Supply) -> "Wallet":
        """Return this wallet with the standing of one offer replaced."""
        others = tuple(each for each in self.supplies if each.offer_id != supply.offer_id)
        return replace(self, supplies=(*others, supply))

    def with_receipt(self, receipt: Receipt) -> "Wallet":
        """Return this wallet with `receipt` added, or put in the place of the one with the same id."""
        others = tuple(each for each in self.receipts if each.id != receipt.id)
        return replace(self, receipts=(*others, receipt))

    def with_door(self, door: KnownDoor) -> "Wallet":
        """Return this wallet knowing `door`, in the place of what it knew of the same gate."""
        return replace(self, doors=(*(each for each in self.doors if each.gate != door.gate), door))

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
        return replace(self.replacing(rest), spent=(*self.spent, taken.mark)), taken


def joining(mine: Copy, newer: Copy) -> Copy:
    """Return what is kept of a copy after more of it came, or a newer state of it."""
    alike = _in_common(mine, newer)
    # A linked credential lacks the number that an SD-JWT VC has: what is known of it stays.
    claims = mine.claims if alike and mine.claims.keys() > newer.claims.keys() else newer.claims
    linked = sorted((*(mine.linked if alike else ()), *newer.linked), key=lambda each: each.month)
    return replace(
        newer,
        claims=claims,
        instances=(*(mine.instances if claims == mine.claims else ()), *newer.instances),
        linked=tuple({each.kind: each for each in linked}.values()),
        uses=mine.uses,
        received_at=mine.received_at,
        renewed_at=newer.renewed_at or newer.received_at,
        notification_id=newer.notification_id or mine.notification_id,
    )


def _in_common(one: Copy, other: Copy) -> bool:
    """Tell whether two say the same where both say something; the number counts as said by instances only."""
    number = schemas.BY_VCT[one.vct].countable_claim if one.vct in schemas.BY_VCT else ""
    names = (one.claims.keys() & other.claims.keys()) - {number}
    return all(one.claims[name] == other.claims[name] for name in names) and (
        bool(number) or one.claims == other.claims
    )


def _without_marks(copy: Copy, known: Collection[str]) -> Copy:
    return replace(copy, instances=tuple(each for each in copy.instances if each.mark not in known))


def _valid(copy: Copy, now: datetime) -> Copy:
    return replace(
        copy,
        instances=tuple(each for each in copy.instances if each.is_valid(now)),
        linked=tuple(each for each in copy.linked if each.is_valid(now)),
    )
