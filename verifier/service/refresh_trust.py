"""Read anew what trust rests on: the lists that a site follows, and the documents of co-ops that are known by did:web.

What cannot be had, or is refused, changes nothing: the list that was read before counts until it ends, the keys that
were read before until the document is back. So nobody who cuts a line takes a key away, or brings one back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from credentials.errors import HandstampError
from credentials.trust import verify_coop_list
from verifier.service.follow_list import fetch_list
from verifier.service.trust_issuer import ask_did

if TYPE_CHECKING:
    from datetime import datetime

    from credentials.dids import DidResolver
    from credentials.trust import TrustedIssuer
    from plumbing.clock import Clock
    from plumbing.fetch import Fetcher
    from verifier.party import Party
    from verifier.ports import Work
    from verifier.subscriptions import Subscription

TRUST_REFRESH_PAUSE_S: Final = 3600.0
"""How often a running service reads all of it anew."""

_CHANGING: Final = "did:web:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What became of one list or document."""

    name: str
    """The list's address, or the co-op's DID."""
    error: HandstampError | None = None
    """Why what was known before still counts; None if it was read."""


async def refresh_trust(
    work: Work, *, fetcher: Fetcher, resolver: DidResolver, party: Party, clock: Clock
) -> tuple[Refreshed, ...]:
    """Read every list and every did:web document of a site anew, and say how it went."""
    subscriptions, stated = await work.apart(lambda work: _load(work, party.site))
    done = [await _refresh_list(work, each, fetcher=fetcher, party=party, clock=clock) for each in subscriptions]
    changing = [(each, each.did) for each in stated if each.types and each.did is not None and _is_known_by_did(each)]
    done += [
        await _refresh_keys(work, issuer, did, resolver=resolver, party=party, now=clock()) for issuer, did in changing
    ]
    return tuple(done)


def _is_known_by_did(issuer: TrustedIssuer) -> bool:
    """Whether a person trusts what the document says, and not the very keys that they compared, or an authority."""
    did = issuer.did or ""
    named = all(kid.startswith(f"{did}#") for kid in issuer.public_keys)
    return did.startswith(_CHANGING) and named and not issuer.anchors


async def _refresh_list(work: Work, before: Subscription, *, fetcher: Fetcher, party: Party, clock: Clock) -> Refreshed:
    try:
        text = await fetch_list(before.url, fetcher=fetcher)
        now = clock()
        verify_coop_list(text, url=before.url, publisher=before.publisher, known=before.coop_list, at=now)
    except HandstampError as error:
        return Refreshed(name=before.url, error=error)
    await work.waiting(lambda work: _save_list(work, party.site, before, replace(before, text=text, fetched_at=now)))
    return Refreshed(name=before.url)


async def _refresh_keys(
    work: Work, before: TrustedIssuer, did: str, *, resolver: DidResolver, party: Party, now: datetime
) -> Refreshed:
    try:
        statement = await ask_did(did, resolver=resolver)
    except HandstampError as error:
        return Refreshed(name=did, error=error)
    pinned = frozenset(key.thumbprint for key in statement.keys.values())
    bbs_keys = statement.linked.bbs_keys if statement.linked else {}
    after = replace(before, public_keys=statement.keys, keys=pinned, bbs_keys=bbs_keys)
    if after != before:
        await work.waiting(lambda work: _save_keys(work, party.site, before, after, now=now))
    return Refreshed(name=did)


def _load(work: Work, site: str) -> tuple[tuple[Subscription, ...], tuple[TrustedIssuer, ...]]:
    with work.read() as stores:
        return stores.load_subscriptions(site), stores.load_stated(site)


def _save_list(work: Work, site: str, before: Subscription, after: Subscription) -> None:
    with work.write() as stores:
        # A list that was left, or replaced, while this one travelled stays as it is now.
        if before in stores.load_subscriptions(site):
            stores.save_subscription(site, after)


def _save_keys(work: Work, site: str, before: TrustedIssuer, after: TrustedIssuer, *, now: datetime) -> None:
    with work.write() as stores:
        if before in stores.load_stated(site):
            stores.save_issuer(site, after, now=now)
