"""What a wallet knows, as frozen values; a change makes a new `Wallet`.

A copy is owned once and comes in several single-use instances. An instance that was shown is taken out for good,
together with its key, before it is sent: what is no longer there cannot be shown twice.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from pydantic import TypeAdapter, ValidationError

from wallet.sealed import Damaged

RECEIPT_LIFE: Final = timedelta(days=365)
"""A receipt is erased after twelve months, on this side as at the gate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Somebody whose word about who runs a host this wallet takes: a pinned certificate."""

    name: str
    certificate: str = field(repr=False)
    fingerprint: str
    added_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One SD-JWT VC of a copy, to be shown once, with the private key (PEM) that only it uses."""

    credential: str = field(repr=False)
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One owned copy of a track or release.

    Attributes:
        id: the co-op's number for this copy (claim `copy`).
        issuer: the co-op's URL.
        vct: what kind of thing is owned.
        claims: every disclosable claim, the same in each instance.
        instances: what can still be shown.
        uses: how often it was shown so far.
    """

    id: str
    issuer: str
    vct: str
    claims: dict[str, str]
    received_at: datetime
    instances: tuple[Instance, ...]
    uses: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells two copies apart: who issued it, its type, and its number there."""
        return (self.issuer, self.vct, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What one copy told a site."""

    copy_id: str
    title: str
    claims: dict[str, str]


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
class Waiting:
    """One copy that an offer brings and that has not been received yet."""

    configuration_id: str
    credential_identifier: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Collecting:
    """An offer whose code was exchanged for a token: kept until its copies are here, so that a crash loses nothing.

    `link_id` is the hash of the address that the offer was fetched from, or "": the co-op takes it away once its
    code was used, so `offer` keeps its text. When `waiting` is empty the offer is done; the entry stays
    until the token has expired, so that the same offer, read again, is not sent to the co-op a second time: there it
    would count as a theft.
    """

    offer_id: str
    link_id: str
    offer: str = field(repr=False)
    access_token: str = field(repr=False)
    key: str = field(repr=False)
    expires_at: datetime
    waiting: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """Everything that one wallet file holds."""

    format: int = 1
    authorities: tuple[Authority, ...] = ()
    copies: tuple[Copy, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    collecting: tuple[Collecting, ...] = ()

    def anchors(self) -> tuple[bytes, ...]:
        """Return the pinned authorities' certificates as PEM bytes."""
        return tuple(authority.certificate.encode() for authority in self.authorities)

    def pruned(self, now: datetime) -> "Wallet":
        """Return this wallet without what has outlived its use: old receipts, expired tokens and grants."""
        return replace(
            self,
            receipts=tuple(each for each in self.receipts if now < each.at + RECEIPT_LIFE),
            deliveries=tuple(each for each in self.deliveries if now < each.expires_at),
            collecting=tuple(each for each in self.collecting if now < each.expires_at),
        )

    def with_authority(self, authority: Authority) -> "Wallet":
        """Return this wallet with `authority` pinned; the same certificate pinned again takes the new name."""
        others = tuple(each for each in self.authorities if each.fingerprint != authority.fingerprint)
        return replace(self, authorities=(*others, authority))

    def without_authority(self, fingerprint: str) -> "Wallet":
        """Return this wallet without the authority of that fingerprint; what was received stays."""
        return replace(self, authorities=tuple(each for each in self.authorities if each.fingerprint != fingerprint))

    def with_copy(self, copy: Copy) -> "Wallet":
        """Return this wallet with `copy` received.

        More instances of a copy that is here already are added to it. If the co-op now says something else about it,
        the new instances take the place of the old ones: two versions of one title would tell the wallet apart from
        others.
        """
        mine = next((each for each in self.copies if each.key == copy.key), None)
        if mine is None:
            return replace(self, copies=(*self.copies, copy))
        kept = mine.instances if mine.claims == copy.claims else ()
        merged = replace(copy, instances=(*kept, *copy.instances), uses=mine.uses, received_at=mine.received_at)
        return replace(self, copies=tuple(merged if each.key == copy.key else each for each in self.copies))

    def with_collecting(self, collecting: Collecting) -> "Wallet":
        """Return this wallet with the state of one offer replaced."""
        others = tuple(each for each in self.collecting if each.offer_id != collecting.offer_id)
        return replace(self, collecting=(*others, collecting))

    def with_receipt(self, receipt: Receipt) -> "Wallet":
        """Return this wallet with `receipt` added, or put in the place of the one with the same id."""
        others = tuple(each for each in self.receipts if each.id != receipt.id)
        return replace(self, receipts=(*others, receipt))

    def with_delivery(self, delivery: Delivery) -> "Wallet":
        """Return this wallet with `delivery` added, or put in the place of the one with the same id."""
        others = tuple(each for each in self.deliveries if each.id != delivery.id)
        return replace(self, deliveries=(*others, delivery))

    def taking_instance(self, key: tuple[str, str, str]) -> tuple["Wallet", Instance | None]:
        """Return this wallet without one instance of a copy, and that instance (None if there is none left)."""
        copy = next((each for each in self.copies if each.key == key and each.instances), None)
        if copy is None:
            return self, None
        rest = replace(copy, instances=copy.instances[1:], uses=copy.uses + 1)
        return replace(self, copies=tuple(rest if each.key == key else each for each in self.copies)), copy.instances[0]


_ADAPTER: Final = TypeAdapter(Wallet)
_FORMAT: Final = 1


def build_state(wallet: Wallet) -> bytes:
    """Return `wallet` as the JSON bytes that are sealed."""
    return _ADAPTER.dump_json(wallet)


def parse_state(data: bytes) -> Wallet:
    """Read what `build_state` wrote.

    Raises:
        Damaged: it is not a wallet of this format. As the bytes were authenticated, another version wrote them.
    """
    try:
        wallet = _ADAPTER.validate_json(data)
    except ValidationError as error:
        raise Damaged("its content is not a wallet that this version can read") from error
    if wallet.format != _FORMAT:
        raise Damaged("its content was written by another version of Handstamp")
    return wallet
