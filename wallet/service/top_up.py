"""Top up: fetch more instances of what was shown, renew what ends soon, and bring what was announced for later.

The co-op hears from the wallet at this moment, and which copies were shown since; never at a gate. Each copy that few
uses are left of is asked for in the same number, so that the number tells nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import schemas
from credentials.errors import HandstampError
from credentials.protocols.openid4vci import CredentialOffer
from credentials.protocols.urls import host_of
from wallet import words
from wallet.counter import check_counter
from wallet.desk import Desk, StatedKeys, open_desk
from wallet.errand import INSTANCES, Errand, fetch_copy, tell_all
from wallet.errors import RenewalOver
from wallet.judging import Judge, ask_stated_keys
from wallet.kinds import Kind, find_kinds
from wallet.ports import Tools, Web
from wallet.state import Copy, Purpose, Wallet
from wallet.supply import Brought, Deferred, Ownership, Source, Supply, Waiting

ENDS_SOON: Final = timedelta(days=30)
"""An instance that ends within this time does not count as one that is left."""
_NO_WAY: Final = "nothing that the co-op gave lets this wallet come back for more; ask it for a new offer"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRenewed:
    """Something that was not topped up or did not come, and why, in words."""

    title: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToppedUp:
    """What a top-up did; nothing is left out.

    Attributes:
        renewed: copies with more uses than before.
        arrived: copies that are new here.
        later: what was put off, or put off again: whose it is, and until when.
        not_renewed: what is as it was, and why.
    """

    renewed: tuple[Copy, ...] = ()
    arrived: tuple[Copy, ...] = ()
    later: tuple[tuple[str, datetime], ...] = ()
    not_renewed: tuple[NotRenewed, ...] = ()


@dataclass(slots=True)
class _Report:
    progress: Callable[[Copy], None] | None
    renewed: list[Copy] = field(default_factory=list)
    arrived: list[Copy] = field(default_factory=list)
    later: list[tuple[str, datetime]] = field(default_factory=list)
    not_renewed: list[NotRenewed] = field(default_factory=list)

    def add(self, source: Source, fetched: Copy | Deferred, host: str) -> None:
        if isinstance(fetched, Deferred):
            self.later.append((host, fetched.not_before))
            return
        (self.arrived if _copy_of(source) is None else self.renewed).append(fetched)
        if self.progress:
            self.progress(fetched)

    def refuse(self, source: Source, error: HandstampError, wallet: Wallet, supply: Supply) -> None:
        self.not_renewed.append(NotRenewed(title=_title(source, wallet, supply), reason=error.detail))


async def top_up(
    *, tools: Tools, issuer: str | None = None, progress: Callable[[Copy], None] | None = None
) -> ToppedUp:
    """Ask the co-ops for more of whatever runs low.

    Args:
        tools: the wallet and the world.
        issuer: only this one's; None for all.
        progress: called with each copy once it is kept.

    Returns:
        What came and what did not, each with its reason: a co-op that says no keeps no other from being asked.
    """
    now = tools.clock()
    tools.keeper.change(lambda wallet: (wallet.pruned(now), None))
    wallet = tools.keeper.load()
    report = _Report(progress)
    for supply in wallet.supplies:
        if issuer not in (None, supply.issuer):
            continue
        report.later += [(host_of(supply.issuer), each.not_before) for each in supply.deferred if now < each.not_before]
        wanted = _wanted(supply, wallet, now)
        if wanted or supply.notices:
            await _visit(supply, wanted, tools, report)
    for copy in _without_a_way(wallet, issuer, now):
        report.not_renewed.append(NotRenewed(title=words.title_of(copy), reason=_NO_WAY))
    return ToppedUp(
        renewed=tuple(report.renewed),
        arrived=tuple(report.arrived),
        later=tuple(report.later),
        not_renewed=tuple(report.not_renewed),
    )


def runs_low(copy: Copy, now: datetime) -> bool:
    """Tell whether more of a copy should be fetched."""
    return sum(each.is_valid(now + ENDS_SOON) for each in copy.instances) < INSTANCES


async def _visit(supply: Supply, wanted: Sequence[Source], tools: Tools, report: _Report) -> None:
    try:
        async with tools.web(supply.issuer) as web:
            desk, kinds, stated = await _look(web, supply, wanted, tools)
        async with tools.web(supply.issuer) as web:
            judge = Judge(desk=desk, kinds=kinds, stated=stated, web=web, tools=tools)
            errand = Errand(web=web, desk=desk, judge=judge, tools=tools, offer_id=supply.offer_id)
            for source in wanted:
                await _fetch(errand, source, report)
            await tell_all(errand)
    except HandstampError as error:
        for source in wanted:
            report.refuse(source, error, tools.keeper.load(), supply)


async def _look(
    web: Web, supply: Supply, wanted: Sequence[Source], tools: Tools
) -> tuple[Desk, dict[str, Kind], StatedKeys]:
    """Read what the co-op says of itself, over a connection that carries nothing of the listener."""
    offer = CredentialOffer.parse(supply.offer)
    anchors = tools.keeper.load().anchors(Purpose.CO_OPS)
    desk = await open_desk(web, supply.issuer, server=offer.authorization_server, anchors=anchors, at=tools.clock())
    check_counter(desk)
    kinds, _ = find_kinds(desk, {source.configuration_id for source in wanted})
    return desk, kinds, await ask_stated_keys(web, desk, kinds)


async def _fetch(errand: Errand, source: Source, report: _Report) -> None:
    wallet, supply = errand.tools.keeper.load(), errand.supply()
    try:
        report.add(source, await fetch_copy(errand, source), errand.desk.host)
    except RenewalOver as error:
        report.refuse(source, error, wallet, supply)
        if not isinstance(source, Brought):
            # It was said now, and nothing can bring it any more.
            errand.change(lambda newest, mine: newest.with_supply(mine.without_source(source)))
    except HandstampError as error:
        report.refuse(source, error, wallet, supply)


def _wanted(supply: Supply, wallet: Wallet, now: datetime) -> tuple[Source, ...]:
    return tuple(each for each in supply.sources if _is_wanted(each, wallet, now))


def _is_wanted(source: Source, wallet: Wallet, now: datetime) -> bool:
    match source:
        case Waiting():
            return True
        case Deferred():
            return now >= source.not_before
        case Brought():
            copy = wallet.copy(source.copy)
            return copy is not None and runs_low(copy, now)


def _copy_of(source: Source) -> Ownership | None:
    return None if isinstance(source, Waiting) else source.copy


def _without_a_way(wallet: Wallet, issuer: str | None, now: datetime) -> Iterable[Copy]:
    """Return the copies that run low and that nothing brings more of."""
    ways = {_copy_of(source) for supply in wallet.supplies for source in supply.sources}
    for copy in wallet.copies:
        if issuer in (None, copy.issuer) and copy.key not in ways and runs_low(copy, now):
            yield copy


def _title(source: Source, wallet: Wallet, supply: Supply) -> str:
    key = _copy_of(source)
    copy = wallet.copy(key) if key else None
    if copy:
        return words.title_of(copy)
    known = schemas.BY_CONFIGURATION.get(source.configuration_id)
    kind = words.kind_of_type(known.configuration_id) if known else "something"
    return f"{kind} from {host_of(supply.issuer)}"
