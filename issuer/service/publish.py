"""Publish the status lists: in batches, among decoys, and signed again only when due.

In three steps, with the database open only in the first and last, so that nobody waits for a signature:

1. `plan`: what changes in which list. Decoys are entries that nobody has; taking them is decided by the same key as
   drawing one for an instance, so no instance is ever born revoked.
2. `sign`: no database session is open.
3. `keep`: each list, if nobody else published it since. Of two publishers one wins, and the other changes nothing.

What an end leads to is derived from the entries each time, and an end is looked at again for a while after it was
published: an instance that was being issued at that very moment is found then. Stopping anywhere loses nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from credentials.status import VALID, build_status_list
from issuer.identity import Identity
from issuer.status import CLOCK_SKEW, ENTRIES, MAX_DECOYS, HostedList, Signed, StatusSchedule, months_open
from issuer.status_ports import StatusLists
from plumbing.clock import epoch_s

_LOOKED_AT_AGAIN: Final = timedelta(minutes=15)
_MAX_COVERS: Final = 3
_STEPS: Final = 1 << 32

RandomBelow = Callable[[int], int]
"""Gives a secret random number from 0 up to, but not including, its argument."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be signed.

    Attributes:
        lists: each as it shall be.
        changed: how many of them say something new.
        ended: the copies whose instances are all taken back with it.
    """

    lists: tuple[HostedList, ...]
    changed: int
    ended: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a run did.

    Attributes:
        changed: lists that say something new.
        renewed: lists that say what they said, signed anew because it was time.
        lost: lists that somebody else published in the meantime.
    """

    changed: int
    renewed: int
    lost: int


def plan(
    lists: StatusLists,
    *,
    schedule: StatusSchedule,
    by: str,
    random_below: RandomBelow,
    now: datetime,
    at_once: bool = False,
) -> Plan:
    """Find what is due.

    Args:
        lists: the port, in a transaction that is committed.
        schedule: when batches go out.
        by: with which key and certificates lists are signed now (`signing_name`).
        random_below: for decoys.
        now: the run's moment.
        at_once: do not wait for the next batch. Whoever watches then learns when somebody gave something back.
    """
    for month in months_open(now, ahead=schedule.ahead):
        lists.open_lists(month, count=schedule.lists_per_month, now=now)
    cut = now if at_once else schedule.batch_start(now)
    ended = tuple(lists.copies_to_take_back(cut))
    taken_back = _not_yet(lists, lists.entries_of(ended))
    half = schedule.lifetime / 2
    wanting = lists.lists_wanting(decoys_by=cut, signed_before=now - half, signed_after=now + CLOCK_SKEW, by=by)
    changing = {*taken_back, *(each for each, decoys in wanting.items() if decoys)}
    if taken_back:
        changing |= _covers(lists, random_below)
    changed = [_change(lists, each, taken_back.get(each), random_below, now) for each in sorted(changing)]
    kept = [lists.status_list(each) for each in sorted(wanting.keys() - changing)]
    return Plan(lists=(*changed, *(each for each in kept if each)), changed=len(changed), ended=ended)


def sign(hosted: HostedList, *, identity: Identity, schedule: StatusSchedule, now: datetime) -> HostedList:
    """Sign a list as it is."""
    signed = Signed(
        token=build_status_list(
            hosted.statuses,
            uri=identity.status_list_url(hosted.id),
            issued_at=epoch_s(now),
            expires_at=epoch_s(now + schedule.lifetime),
            ttl_s=int(schedule.ttl.total_seconds()),
            signer=identity.signer,
            x5c=list(identity.x5c),
            aggregation_uri=identity.status_lists_url,
        ),
        at=now,
        expires_at=now + schedule.lifetime,
        by=identity.signing_name,
    )
    return replace(hosted, signed=signed)


def keep(lists: StatusLists, made: Plan, signed: Iterable[HostedList], *, now: datetime) -> Published:
    """Keep what was signed.

    Args:
        lists: the port, in a transaction that is committed.
        made: the plan.
        signed: its lists, signed.
        now: the run's moment.
    """
    won = [lists.replace_list(each) for each in signed]
    if all(won):
        lists.settle(made.ended, ended_by=now - _LOOKED_AT_AGAIN)
    changed, renewed = sum(won[: made.changed]), sum(won[made.changed :])
    return Published(changed=changed, renewed=renewed, lost=len(won) - changed - renewed)


def _not_yet(lists: StatusLists, entries: Mapping[str, frozenset[int]]) -> dict[str, frozenset[int]]:
    """Leave out what a list says already, so that saying it once more is no reason to sign it."""
    new: dict[str, frozenset[int]] = {}
    for list_id, indices in entries.items():
        hosted = lists.status_list(list_id)
        waiting = frozenset(i for i in indices if hosted and hosted.statuses[i] == VALID)
        if waiting:
            new[list_id] = waiting
    return new


def _covers(lists: StatusLists, random_below: RandomBelow) -> set[str]:
    """Choose lists that change along, though nobody in them gave anything back."""
    ids = list(lists.list_ids())
    return {ids[random_below(len(ids))] for _ in range(1 + random_below(_MAX_COVERS))}


def _change(
    lists: StatusLists, list_id: str, taken_back: frozenset[int] | None, random_below: RandomBelow, now: datetime
) -> HostedList:
    hosted = lists.status_list(list_id)
    if hosted is None:
        raise LookupError("An entry is in a list that is not there.")
    wanted = frozenset(random_below(ENTRIES) for _ in range(1 + random_below(MAX_DECOYS)))
    decoys = lists.spend(list_id, wanted)
    pause = random_below(_STEPS) / _STEPS
    return hosted.flipped(decoys | (taken_back or frozenset()), decoys_at=hosted.next_decoys(now, pause=pause))
