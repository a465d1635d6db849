"""Draw a pass for a door that has no network: learn the door once, then no one is asked.

A door is learned from its own link, by the request that it signs, or from the poster that hangs there, which the same
site signed. From then on passes are drawn without a network, each for thirty seconds.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

import schemas
from credentials.bbs import BbsPublicKey
from credentials.door_pass import (
    SLOT_S,
    HeldDoorPass,
    IssuedPass,
    Limit,
    PosterUntrusted,
    check_poster,
    open_door_pass,
    show_door_pass,
    slot_of,
)
from credentials.door_pass.poster import MAX_BYTES, TYP
from credentials.door_pass.values import MAX_DEVICE_BYTES, check_gate
from credentials.encoding import base64url
from credentials.errors import Malformed
from credentials.keys.jwk import PublicKey
from credentials.keys.jws import parse_jws
from credentials.protocols.members import Members
from credentials.protocols.openid4vp import parse_request_link
from credentials.protocols.openid4vp.linked import origin_of
from credentials.protocols.urls import host_of
from credentials.trust import TrustedIssuer, TrustPolicy
from plumbing.fetch import FetchFailed
from wallet import words
from wallet.consent import state
from wallet.doors import KnownDoor, NotADoor, door_of_poster, door_of_request
from wallet.errors import NotForThisGate, SiteRefused
from wallet.linked import LinkedCredential, LinkedKind
from wallet.links import GATE, expecting
from wallet.nyms import read_blind, read_secret
from wallet.ports import Tools
from wallet.receipts import Receipt, Shown
from wallet.refused import NumberLost, ProofEnded, refusing
from wallet.renewing import find_late
from wallet.service.fetch_request import fetch_request
from wallet.service.open_gate import read_gate_address, start_visit
from wallet.state import Copy, Wallet


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What is ready to be drawn for a door.

    Attributes:
        door: for which.
        copy: what it shows.
        linked: the door pass of that copy.
        statement: what showing it says, after "It learns".
        learned: what the door learns, label and value in words.
        remembered: what it keeps, in words; None if nothing by which anybody is known again.
        warnings: what the listener should know before showing it.
    """

    door: KnownDoor
    copy: Copy
    linked: LinkedCredential = field(repr=False)
    statement: str
    learned: tuple[tuple[str, str], ...]
    remembered: str | None
    warnings: tuple[str, ...]
    held: HeldDoorPass = field(repr=False)

    @property
    def title(self) -> str:
        """What it shows, in words."""
        return words.title_of(self.copy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The text of one code, and until when the wallet shows it."""

    text: str = field(repr=False)
    until: datetime


async def know_door(gate_link: str, *, tools: Tools, uncertified: bool = False) -> KnownDoor:
    """Return the door that a link leads to: as it is known here, else as it says itself now, which is kept.

    Raises:
        NotADoor: no pass can be drawn for it.
        HandstampError: as `read_request`, where the door is not known yet.
    """
    with expecting(GATE, gate_link):
        gate = check_gate(read_gate_address(gate_link))
    known = next((each for each in tools.keeper.load().doors if each.gate == gate), None)
    return known or await _learn(gate, tools=tools, uncertified=uncertified)


async def read_poster(codes: Sequence[str], *, tools: Tools, uncertified: bool = False) -> KnownDoor:
    """Return the door whose poster this is; without a network if anything of its site was opened before.

    Args:
        codes: what was read on it; one of them is the poster's.
        tools: the wallet and the world.
        uncertified: as `know_door`, if its site must be asked for its key.

    Raises:
        Malformed: none of it is a poster.
        PosterUntrusted: another key signed it than its site's.
        HandstampError: as `know_door`.
    """
    text = next((each for each in codes if each.count(".") == 2), "")  # noqa: PLR2004 - parts of a JWS
    gate = check_gate(
        Members(parse_jws(text, what="poster", typ=TYP, max_bytes=MAX_BYTES).claims(), what="poster").text("gate")
    )
    keys = _site_keys(tools.keeper.load(), gate)
    try:
        door = _check_poster(text, keys, tools.clock())
    except PosterUntrusted:
        # The first time at this site, or it has a new key: that is learned from itself, vouched for like any request.
        try:
            learned = await _learn(gate, tools=tools, uncertified=uncertified)
        except FetchFailed:
            if keys:
                raise PosterUntrusted from None
            raise
        door = _check_poster(text, [learned.key], tools.clock())
    tools.keeper.change(lambda wallet: (wallet.with_door(door), None))
    return door


def prepare_pass(door: KnownDoor, *, tools: Tools) -> Pass:
    """Find what opens a door, and say what showing it tells; nothing leaves the wallet.

    Raises:
        NotForThisGate, ProofEnded, NumberLost: nothing here opens it, or not any more.
    """
    wallet, now = tools.keeper.load(), tools.clock()
    copy, linked = _find(door, wallet, now)
    domain = _domain(door, now)
    held = _open(copy, linked, wallet, now)
    labels = words.labels_for(copy)
    said = [(labels.get(name, name), words.value_in_words(name, value)) for name, value in held.content.claims.items()]
    return Pass(
        door=door,
        copy=copy,
        linked=linked,
        held=held,
        statement=state(copy),
        learned=(*said, *((words.number_in_words(domain),) if domain else ())),
        remembered=words.remembered_number(domain) if domain else None,
        warnings=_warnings(domain, linked, wallet.receipts),
    )


def draw_pass(ready: Pass, *, tools: Tools, device: str | None = None) -> Drawn:
    """Draw the pass of this half minute.

    Args:
        ready: from `prepare_pass`.
        tools: the wallet and the world.
        device: what the scanning device calls itself, if the door shows it.

    Raises:
        ProofEnded: its month has ended meanwhile.
        Malformed: no device is called so.
    """
    now = tools.clock()
    if not ready.linked.is_valid(now):
        raise ProofEnded(f"The pass of {ready.title} has ended.", "")
    named = None if device is None else device.encode()
    if named is not None and not 0 < len(named) <= MAX_DEVICE_BYTES:
        raise Malformed("name of the scanning device", f"it does not have 1 to {MAX_DEVICE_BYTES} bytes")
    slot, door = slot_of(now), ready.door
    text = show_door_pass(ready.held, gate=door.gate, slot=slot, limit=door.limit, device=named, random=tools.random)
    return Drawn(text=text, until=datetime.fromtimestamp((slot + 1) * SLOT_S, now.tzinfo))


def keep_drawn(ready: Pass, *, tools: Tools) -> None:
    """Write into the history that passes were drawn; whether one was used, only the door knows."""
    now, door, copy = tools.clock(), ready.door, ready.copy
    domain = _domain(door, now)
    shown = Shown(
        copy_id=copy.id,
        title=ready.title,
        claims={**ready.held.content.claims},
        statement=ready.statement,
        proof=LinkedKind.DOOR,
        nym_domain=domain,
        scope=ready.linked.scope if domain else "",
    )
    receipt = Receipt(
        id=base64url.encode(tools.random(16)),
        at=now,
        site=door.host,
        terms=None,
        salt=None,
        nonce="",
        shown=(shown,),
        bindings=(),
        door=door.name,
    )

    def keep(wallet: Wallet) -> tuple[Wallet, None]:
        wallet = wallet.pruned(now)
        newest = wallet.copy(copy.key)
        wallet = wallet.replacing(replace(newest, uses=newest.uses + 1)) if newest else wallet
        return wallet.with_receipt(receipt), None

    tools.keeper.change(keep)


async def _learn(gate: str, *, tools: Tools, uncertified: bool) -> KnownDoor:
    started = await start_visit(gate, tools=tools)
    wallet = tools.keeper.load()
    with refusing(host_of(gate)):
        link = parse_request_link(started.link)
    fetched = await fetch_request(link, wallet, tools=tools, first_party=gate, uncertified=uncertified)
    request = fetched.request
    if origin_of(request.response_uri) != origin_of(gate):
        raise SiteRefused(host_of(gate), f"it asks in the name of {request.host}", shown=False)
    if fetched.site_key is None:
        raise NotADoor(request.host, "nobody signs what it asks")
    door = door_of_request(request, gate=gate, key=fetched.site_key, at=tools.clock())
    tools.keeper.change(lambda newest: (newest.with_door(door), None))
    return door


def _site_keys(wallet: Wallet, gate: str) -> list[PublicKey]:
    """Return the keys that the site of a gate was ever seen to sign with."""
    keys = [each.key for each in wallet.doors if origin_of(each.gate) == origin_of(gate)]
    return list({key.thumbprint: key for key in keys}.values())


def _check_poster(text: str, keys: Sequence[PublicKey], now: datetime) -> KnownDoor:
    for key in keys:
        with contextlib.suppress(PosterUntrusted):
            return door_of_poster(check_poster(text, keys_of=partial(_only, key), at=now), key=key, at=now)
    raise PosterUntrusted


def _only(key: PublicKey, _origin: str) -> tuple[PublicKey, ...]:
    return (key,)


def _find(door: KnownDoor, wallet: Wallet, now: datetime) -> tuple[Copy, LinkedCredential]:
    opening = [copy for copy in wallet.copies if _opens(copy, door)]
    for copy in opening:
        if linked := copy.linked_as(LinkedKind.DOOR, now):
            return copy, linked
    for copy in opening:
        if late := find_late(copy, LinkedKind.DOOR, wallet, now):
            raise ProofEnded(late.why, late.renewing)
    if opening:
        raise NotForThisGate(door.host, "your co-op has handed out no door pass of what opens it")
    raise NotForThisGate(door.host, "it asks for what you have not received here")


def _opens(copy: Copy, door: KnownDoor) -> bool:
    kind = schemas.BY_VCT.get(copy.vct)
    return kind is not None and not copy.foreign and door.takes(copy.vct, copy.text(kind.subject_claim))


def _open(copy: Copy, linked: LinkedCredential, wallet: Wallet, now: datetime) -> HeldDoorPass:
    nym = wallet.nym_of(copy, linked)
    if nym is None:
        raise NumberLost
    issued = IssuedPass.parse(linked.credential)
    key = BbsPublicKey.from_multikey(linked.issuer_key, what="key in the wallet")
    issuer = TrustedIssuer(
        issuer=copy.issuer,
        name=copy.issuer,
        did=issued.verification_method.partition("#")[0],
        bbs_keys={issued.verification_method: key},
        types=frozenset({copy.vct}),
    )
    return open_door_pass(
        linked.credential,
        policy=TrustPolicy((issuer,)),
        issuer=copy.issuer,
        expected=issued.content,
        prover_nym=read_secret(nym),
        blind=read_blind(nym),
        at=now,
    )


def _domain(door: KnownDoor, now: datetime) -> str | None:
    """Return what the number of a pass counts for; None where it is another in every half minute."""
    return None if door.limit is Limit.NONE else door.limit.nym_domain(door.gate, slot_of(now))


def _warnings(domain: str | None, linked: LinkedCredential, receipts: Sequence[Receipt]) -> tuple[str, ...]:
    if domain is None:
        return ()
    mine = (domain, linked.scope)
    before = [each.at for each in receipts if mine in ((told.nym_domain, told.scope) for told in each.shown)]
    if not before:
        return ()
    return (f"You gave your number for this door before, on {max(before):%d %B %Y}: it may not open again.",)
