"""Status lists at a site: fetched whole and ahead of need, so that no co-op learns when its listeners visit a gate.

In the background every list of every trusted co-op is fetched on a schedule that knows nothing of visits: which lists
there are, the co-op says itself (Token Status List §9). At a gate a list is normally at hand. One that is not yet
known, or that the background did not get in time, is asked for once, by one request however many visits need it, and
for two seconds at most; only then the co-op learns that about now somebody shows a credential of that list.

Every list is verified anew when it is used, with the trust of that moment, if that was not done just now
(`verifier/lists_at_hand.py`): a co-op that is no longer trusted, or whose certificate has ended, says nothing any more.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from credentials.encoding import strict_json
from credentials.errors import HandstampError, Malformed
from credentials.protocols.freshness import CLOCK_SKEW_S
from credentials.protocols.members import Members
from credentials.protocols.urls import build_well_known_url
from credentials.status import MAX_TOKEN_BYTES, StatusList, StatusPolicy, verify_status_list
from credentials.status.errors import StatusListNeeded
from credentials.status.reference import check_own_host
from credentials.status.token import MEDIA_TYPE, parse_aggregation
from plumbing.clock import epoch_s
from plumbing.fetch import FetchFailed
from plumbing.logs import get_logger
from verifier.lists_at_hand import ListsAtHand

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from credentials.trust import TrustedIssuer, TrustPolicy
    from plumbing.fetch import Fetcher, Reply
    from verifier.party import Party
    from verifier.ports import Work

REFRESH_PAUSE_S: Final = 30.0
"""How often the background looks for lists that are due."""

_OK: Final = 200
_NOT_MODIFIED: Final = 304
_MAX_LISTS: Final = 1000
_MAX_NEEDED: Final = 20
_GIVE_UP_AFTER: Final = 3
_AT_THE_GATE: Final = timedelta(seconds=2)
_FAILED_LATELY: Final = timedelta(seconds=10)
_LOOK_FOR_NEW: Final = timedelta(minutes=30)
_LOOK_AGAIN: Final = timedelta(minutes=2)
_MAX_ETAG: Final = 256
_WHAT: Final = "authorization server metadata of the co-op"
_FORGETTING: Final = "forgetting"
_ENDPOINT: Final = "status_list_aggregation_endpoint"
_Judged = TypeVar("_Judged")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptList:
    """A status list as it is kept: what its issuer signed, not yet verified for any use.

    Attributes:
        uri: its address.
        issuer: whose it is.
        token: the Status List Token.
        etag: to ask whether it has changed.
        issued_at: its `iat`; a list never gives way to an older one.
        fetched_at: when it was fetched, or found unchanged.
        fetch_after: when the background asks for it again.
    """

    uri: str
    issuer: str
    token: str = field(repr=False)
    etag: str | None
    issued_at: int
    fetched_at: datetime
    fetch_after: datetime

    def is_ahead(self, now: datetime) -> bool:
        """Whether it is of a time that has not come: a clock was set back since, and this says nothing till then."""
        return self.issued_at > epoch_s(now) + CLOCK_SKEW_S


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownStatuses:
    """What an answer is judged with.

    Attributes:
        lists: verified lists under their addresses.
        lenient: addresses of lists that could not be had, and without which the site's policy admits.
        last: a list is missing that the policy insists on, so this time the judgement counts.
    """

    lists: Mapping[str, StatusList] = field(default_factory=dict)
    lenient: frozenset[str] = frozenset()
    last: bool = False


NOTHING_KNOWN: Final = KnownStatuses(last=True)


class StatusKeeper:
    """Keeps the lists of one site.

    Args:
        work: opens transactions.
        fetcher: the guarded network.
        party: whose site it is.
        policy: what a gate does while a list is stale or out of reach.
    """

    def __init__(self, work: Work, fetcher: Fetcher, *, party: Party, policy: StatusPolicy) -> None:
        self._work = work
        self._fetcher = fetcher
        self._party = party
        self._policy = policy
        self._at_hand = ListsAtHand()
        self._one_at_a_time: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._failed: dict[str, datetime] = {}
        self._looked: dict[str, datetime] = {}

    async def judge(self, judge: Callable[[Work, KnownStatuses], _Judged], *, now: datetime) -> _Judged:
        """Judge an answer with every status list that it turns out to need.

        `judge` runs in a thread, and once more for each list that it asks for. When one cannot be had, the site's
        policy lets it do without, or it is called a last time, with `last` set.

        Raises:
            HandstampError: what `judge` raises.
        """
        at_hand = self._at_hand.at(now)
        known = KnownStatuses(lists=at_hand)
        while True:
            try:
                return await self._work.waiting(_with(judge, known))
            except StatusListNeeded as needed:
                if known.last:
                    raise
                known = await self._with(known, needed, most=len(at_hand) + _MAX_NEEDED, now=now)

    async def refresh(self, *, now: datetime) -> Mapping[str, int]:
        """Fetch every list that is due, of every co-op that is trusted; return how many, and how many failed."""
        policy = await self._work.apart(self._policy_now)
        await self._forget_others(policy, now=now)
        counts = {"fetched": 0, "failed": 0}
        for trusted in policy.issuers:
            failed = 0
            for uri in await self._due(trusted, now=now):
                done = await self._fetch(uri, trusted, now=now)
                counts["fetched" if done else "failed"] += 1
                failed += not done
                if failed == _GIVE_UP_AFTER:  # a host that is down holds up no other co-op's lists
                    break
        return counts

    async def _with(self, known: KnownStatuses, needed: StatusListNeeded, *, most: int, now: datetime) -> KnownStatuses:
        found = await self._get(needed.uri, needed.issuer, now=now)
        lists = known.lists if found is None else {**known.lists, needed.uri: found}
        if found is not None and not found.stale and len(lists) <= most:
            return replace(known, lists=lists)
        get_logger("verifier.status_lists").warning("not at hand", stale=found is not None, policy=self._policy.value)
        if self._policy is StatusPolicy.ADMIT and len(known.lenient) < _MAX_NEEDED:
            return replace(known, lists=lists, lenient=known.lenient | {needed.uri})
        return replace(known, lists=lists, last=True)

    async def _get(self, uri: str, issuer: str, *, now: datetime) -> StatusList | None:
        """Return a list that is fresh, else one that is stale, else nothing."""
        async with self._one_at_a_time[uri]:  # fifty visits at once ask for it once
            forgotten = self._at_hand.forgotten
            trusted, found = await self._work.apart(lambda work: self._find(work, uri, issuer, now=now))
            failed = self._failed.get(uri)
            if _is_fresh(found) or (failed is not None and abs(now - failed) < _FAILED_LATELY):
                return self._taken(found, forgotten, now=now)
            try:
                async with asyncio.timeout(_AT_THE_GATE.total_seconds()):
                    await self._fetch(uri, trusted, now=now)
            except TimeoutError:
                self._failed[uri] = now
            forgotten = self._at_hand.forgotten
            found = await self._work.apart(lambda work: _find_kept(work, uri, trusted, now=now))
            return self._taken(found, forgotten, now=now)

    def _taken(self, found: _Found | None, forgotten: int, *, now: datetime) -> StatusList | None:
        if found is None:
            return None
        if _is_fresh(found) and forgotten == self._at_hand.forgotten:  # else the background fetched one meanwhile
            self._at_hand.keep(found.listed, fetched_at=found.fetched_at, now=now)
        return found.listed

    def _find(self, work: Work, uri: str, issuer: str, *, now: datetime) -> tuple[TrustedIssuer, _Found | None]:
        trusted = self._policy_now(work).issuer_for(issuer)
        return trusted, _find_kept(work, uri, trusted, now=now)

    def _policy_now(self, work: Work) -> TrustPolicy:
        with work.read() as stores:
            return stores.load_policy(self._party.site)

    async def _due(self, trusted: TrustedIssuer, *, now: datetime) -> list[str]:
        due, known = await self._work.apart(lambda work: _load_due(work, trusted.issuer, now=now))
        if not self._is_time(trusted.issuer, now=now):
            return due
        try:
            named = await self._ask_which(trusted.issuer)
        except HandstampError:  # it says none, or cannot be reached: what is known is kept up all the same
            self._looked[trusted.issuer] = now - _LOOK_FOR_NEW + _LOOK_AGAIN
            return due
        return [*due, *(uri for uri in named if uri not in known)]

    async def _forget_others(self, policy: TrustPolicy, *, now: datetime) -> None:
        if not self._is_time(_FORGETTING, now=now):
            return
        self._failed = {uri: at for uri, at in self._failed.items() if abs(now - at) < _FAILED_LATELY}
        for uri in [uri for uri, lock in self._one_at_a_time.items() if not lock.locked()]:
            del self._one_at_a_time[uri]
        await self._work.waiting(lambda work: _forget_lists(work, policy))

    def _is_time(self, what: str, *, now: datetime) -> bool:
        looked = self._looked.get(what)
        if looked is not None and abs(now - looked) < _LOOK_FOR_NEW:  # a clock may have been set back
            return False
        self._looked[what] = now
        return True

    async def _ask_which(self, issuer: str) -> tuple[str, ...]:
        if issuer.startswith("did:"):
            return ()
        metadata = await self._fetcher.request("GET", build_well_known_url(issuer, "oauth-authorization-server"))
        members = Members(strict_json.parse(_body(metadata, issuer), what=_WHAT), what=_WHAT)
        endpoint = members.text(_ENDPOINT)
        check_own_host(endpoint, issuer=issuer)
        listed = await self._fetcher.request("GET", endpoint, headers={"Accept": "application/json"})
        return parse_aggregation(_body(listed, issuer), issuer=issuer, max_lists=_MAX_LISTS)

    async def _fetch(self, uri: str, trusted: TrustedIssuer, *, now: datetime) -> bool:
        """Fetch one list and keep it; what cannot be verified, or is older than what is kept, is not kept."""
        before, is_full = await self._work.apart(lambda work: _load_before(work, uri, trusted.issuer))
        try:
            check_own_host(uri, issuer=trusted.issuer)
            if is_full:  # a co-op that names a list of its own for each visit fills our disk, and our time for ever
                raise FetchFailed(trusted.issuer, f"it has more than {_MAX_LISTS} status lists")
            after = await self._ask_for(uri, before, trusted, now=now)
        except HandstampError:
            self._failed[uri] = now
            return False
        self._failed.pop(uri, None)
        await self._work.waiting(lambda work: _save(work, after))
        self._at_hand.forget(uri)
        return True

    async def _ask_for(self, uri: str, before: KeptList | None, trusted: TrustedIssuer, *, now: datetime) -> KeptList:
        if before is not None and before.is_ahead(now):
            before = None  # whatever was signed now is older, and all that can be relied on
        headers = {"Accept": MEDIA_TYPE}
        if before is not None and before.etag:
            headers["If-None-Match"] = before.etag
        reply = await self._fetcher.request("GET", uri, headers=headers, max_bytes=MAX_TOKEN_BYTES)
        if before is not None and reply.status == _NOT_MODIFIED:
            found = _verify(replace(before, fetched_at=now), trusted, now=now)
            return replace(before, fetched_at=now, fetch_after=_fetch_after(found, now))
        try:
            token = _body(reply, trusted.issuer).decode("ascii")
        except UnicodeDecodeError as error:
            raise Malformed("status list", "it is not a JWT") from error
        found = verify_status_list(token, uri=uri, issuer=trusted, at=now)
        if before is not None and found.issued_at < before.issued_at:
            # Whoever plays an old list back would undo what was taken back since.
            raise FetchFailed(trusted.issuer, "it gave an older status list than before")
        etag = reply.headers.get("ETag", "")
        return KeptList(
            uri=uri,
            issuer=trusted.issuer,
            token=token,
            etag=etag if len(etag) <= _MAX_ETAG else None,
            issued_at=found.issued_at,
            fetched_at=now,
            fetch_after=_fetch_after(found, now),
        )


def _with(judge: Callable[[Work, KnownStatuses], _Judged], known: KnownStatuses) -> Callable[[Work], _Judged]:
    return lambda work: judge(work, known)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    listed: StatusList
    fetched_at: datetime


def _is_fresh(found: _Found | None) -> bool:
    return found is not None and not found.listed.stale


def _find_kept(work: Work, uri: str, trusted: TrustedIssuer, *, now: datetime) -> _Found | None:
    with work.read() as stores:
        kept = stores.load_status_list(uri)
    if kept is None:
        return None
    try:
        return _Found(listed=_verify(kept, trusted, now=now), fetched_at=kept.fetched_at)
    except HandstampError:  # expired, or signed by what is no longer trusted
        return None


def _load_due(work: Work, issuer: str, *, now: datetime) -> tuple[list[str], frozenset[str]]:
    """Return the lists of a co-op that should be asked for again, and all that are known."""
    with work.read() as stores:
        return [kept.uri for kept in stores.load_due_lists(issuer, now=now)], stores.load_list_uris(issuer)


def _load_before(work: Work, uri: str, issuer: str) -> tuple[KeptList | None, bool]:
    """Return a list as it is kept, and whether no new one of its co-op would be."""
    with work.read() as stores:
        before = stores.load_status_list(uri)
        return before, before is None and len(stores.load_list_uris(issuer)) >= _MAX_LISTS


def _save(work: Work, kept: KeptList) -> None:
    with work.write() as stores:
        stores.save_status_list(kept)


def _forget_lists(work: Work, policy: TrustPolicy) -> None:
    with work.write() as stores:
        stores.forget_lists_but_of(trusted.issuer for trusted in policy.issuers)


def _verify(kept: KeptList, trusted: TrustedIssuer, *, now: datetime) -> StatusList:
    return verify_status_list(kept.token, uri=kept.uri, issuer=trusted, at=now, fetched_at=kept.fetched_at)


def _fetch_after(found: StatusList, now: datetime) -> datetime:
    # Well before it is stale: the background looks only so often, and a first try may fail.
    return now + timedelta(seconds=max(found.ttl_s / 2 - REFRESH_PAUSE_S, found.ttl_s / 4))


def _body(reply: Reply, issuer: str) -> bytes:
    if reply.status != _OK:
        raise FetchFailed(issuer, f"it answered with status {reply.status}")
    return reply.body
