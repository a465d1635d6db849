"""One visit to a co-op for what came before: whatever is wanted of one offer is asked for, and all of it is reported.

What the co-op says of itself is read over a connection of its own, which carries nothing of the listener.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import schemas
from credentials.errors import HandstampError
from credentials.protocols.openid4vci import CredentialOffer
from credentials.protocols.openid4vci.forms import split_name
from credentials.protocols.urls import host_of
from plumbing.fetch import FetchFailed
from wallet import words
from wallet.counter import check_counter
from wallet.desk import Desk, StatedKeys, open_desk
from wallet.errand import Errand, fetch_copy, note_denied, tell_all
from wallet.errors import RenewalOver
from wallet.gathering import Gathering
from wallet.judging import Judge, ask_stated_keys
from wallet.kinds import Kind, find_kinds
from wallet.linked import draw_renewal
from wallet.noting import ends_with_its_cohort, note_reasons
from wallet.ports import Tools, Web
from wallet.state import Copy, Purpose, Wallet
from wallet.supply import Brought, Deferred, Ownership, Source, Supply, Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRenewed:
    """Something that was not topped up, not renewed or did not come, and why, in words."""

    title: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToppedUp:
    """What a top-up or a renewal did; nothing is left out.

    Attributes:
        renewed: copies of which there is more than before, or of a newer month.
        arrived: copies that are new here.
        later: what was put off, or put off again: who hands it out, and when.
        not_renewed: what is as it was, and why.
    """

    renewed: tuple[Copy, ...] = ()
    arrived: tuple[Copy, ...] = ()
    later: tuple[tuple[str, datetime], ...] = ()
    not_renewed: tuple[NotRenewed, ...] = ()


@dataclass(slots=True)
class Report:
    """What has happened so far; a copy that comes in several forms counts once."""

    progress: Callable[[Copy], None] | None
    renewed: dict[Ownership, Copy] = field(default_factory=dict)
    arrived: dict[Ownership, Copy] = field(default_factory=dict)
    later: list[tuple[str, datetime]] = field(default_factory=list)
    not_renewed: list[NotRenewed] = field(default_factory=list)

    def add(self, source: Source, fetched: Copy | Deferred, host: str) -> None:
        """Note what came, or was put off."""
        if isinstance(fetched, Deferred):
            self.later.append((host, fetched.not_before))
            return
        known = {**self.renewed, **self.arrived}
        list_ = self.arrived if fetched.key in self.arrived or copy_of(source) is None else self.renewed
        list_[fetched.key] = fetched
        if self.progress and fetched.key not in known:
            self.progress(fetched)

    def refuse(self, title: str, reason: str) -> None:
        """Note what did not come; the same reason for several forms of one copy is said once."""
        told = NotRenewed(title=title, reason=reason)
        if told not in self.not_renewed:
            self.not_renewed.append(told)

    def finish(self) -> ToppedUp:
        """Return all of it."""
        return ToppedUp(
            renewed=tuple(self.renewed.values()),
            arrived=tuple(self.arrived.values()),
            later=tuple(dict.fromkeys(self.later)),
            not_renewed=tuple(self.not_renewed),
        )


async def visit(supply: Supply, wanted: Sequence[Source], tools: Tools, report: Report) -> None:
    """Ask for all that is wanted; what does not come is reported with its reason, and raises nothing."""
    refused: dict[Source, HandstampError] = {}
    try:
        async with tools.web(supply.issuer) as web:
            desk, kinds, stated = await _look(web, supply, wanted, tools)
        async with tools.web(supply.issuer) as web:
            gathering = Gathering(tools.keeper)
            mine = replace(tools, keeper=gathering)
            judge = Judge(desk=desk, kinds=kinds, stated=stated, web=web, tools=mine)
            errand = Errand(web=web, desk=desk, judge=judge, tools=mine, offer_id=supply.offer_id, gathering=gathering)
            await _fetch_all(errand, wanted, report, refused)
            await tell_all(errand)
            gathering.write()
    except HandstampError as error:
        refused |= dict.fromkeys((each for each in wanted if each not in refused), error)
    wallet = tools.keeper.load()
    for source, refusal in refused.items():
        report.refuse(_title(source, wallet, supply), refusal.detail)
    tools.keeper.change(lambda newest: (_noted(newest, supply, wanted, refused, tools), None))


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


async def _fetch_all(
    errand: Errand, wanted: Sequence[Source], report: Report, refused: dict[Source, HandstampError]
) -> None:
    came: list[tuple[Source, Copy | Deferred]] = []
    with errand.gathering.to_the_end():
        for source in wanted:
            came += await _fetch(errand, source, refused)
            if errand.gathering.write_if_many():
                _report(came, report, errand)
    _report(came, report, errand)


def _report(came: list[tuple[Source, Copy | Deferred]], report: Report, errand: Errand) -> None:
    """Report what came and is kept, once."""
    for source, fetched in came:
        report.add(source, fetched, errand.desk.host)
    came.clear()


async def _fetch(
    errand: Errand, source: Source, refused: dict[Source, HandstampError]
) -> list[tuple[Source, Copy | Deferred]]:
    try:
        return [(source, await fetch_copy(errand, source))]
    except HandstampError as error:
        refused[source] = error
        note_denied(errand, source, error)
        if isinstance(error, RenewalOver) and not isinstance(source, Brought):
            # It is said now, and nothing can bring it any more.
            errand.change(lambda newest, mine: newest.with_supply(mine.without_source(source)))
        return []


def _noted(
    wallet: Wallet, supply: Supply, wanted: Collection[Source], refused: dict[Source, HandstampError], tools: Tools
) -> Wallet:
    """Return the wallet that knows why something was not renewed, and when to renew next."""
    wallet = note_reasons(wallet, supply.issuer, wanted, refused)
    cohorts = [each for each in wanted if isinstance(each, Brought) and ends_with_its_cohort(each)]
    mine = wallet.supply(supply.offer_id)
    reached = not any(isinstance(refused.get(each), FetchFailed) for each in cohorts)
    if mine is None or not cohorts or not reached:
        return wallet
    return wallet.with_supply(replace(mine, renew_at=draw_renewal(f"{tools.clock():%Y-%m}", random=tools.random)))


def copy_of(source: Source) -> Ownership | None:
    """Return which copy more is to come of; None if it is not here yet."""
    return None if isinstance(source, Waiting) else source.copy


def _title(source: Source, wallet: Wallet, supply: Supply) -> str:
    key = copy_of(source)
    copy = wallet.copy(key) if key else None
    if copy:
        return words.title_of(copy)
    known = schemas.BY_CONFIGURATION.get(split_name(source.configuration_id)[0])
    kind = words.kind_of_type(known.configuration_id) if known else "something"
    return f"{kind} from {host_of(supply.issuer)}"
