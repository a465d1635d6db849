"""Make a gate from a release at a trackserver, asked once: what opens is kept, so that no visit asks it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from credentials.errors import Malformed
from credentials.protocols.urls import parse_landing_url, parse_service_url
from plumbing.fetch import FetchFailed
from plumbing.ids import new_public_id
from plumbing.pictures import MAX_PICTURE_BYTES, Picture
from verifier.errors import UnusableRelease
from verifier.gates import ORIGINAL, Counting, Gate, Terms, build_opens
from verifier.proofs import OwnsRelease, OwnsTrack, combine
from verifier.releases import MAX_RELEASE_BYTES, Release

if TYPE_CHECKING:
    from datetime import datetime

    from plumbing.fetch import Fetcher
    from verifier.limits import Limit
    from verifier.party import Party
    from verifier.ports import Work
    from verifier.proofs import Proof

_OK: Final = 200
_KEY_BYTES: Final = 32
_WHAT: Final = "address of the release"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseAddress:
    """Where a trackserver describes a release, and perhaps which of its tracks is meant."""

    url: str
    trackserver: str
    track: str | None

    @classmethod
    def parse(cls, text: str) -> ReleaseAddress:
        """Read `https://trackserver/releases/ID`, or the same with `#TRACK`, a track's id or number.

        Raises:
            Malformed: it is not the address of a release.
        """
        parts = urlsplit(parse_landing_url(text, what=_WHAT))
        head, _, release = parts.path.rpartition("/releases/")
        if head or not release or "/" in release or parts.query:
            raise Malformed(_WHAT, "it does not look like https://TRACKSERVER/releases/ID")
        origin = f"{parts.scheme}://{parts.netloc}"
        return cls(url=f"{origin}{parts.path}", trackserver=origin, track=parts.fragment or None)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGate:
    """What the site wants.

    Attributes:
        address: what opens.
        owned: releases and tracks whose owners pass; without these and without `others`, those of what opens.
        others: whatever else is to be shown.
        need_all: whether all of it is to be shown, or any.
        limit: how often one copy passes; None for as often as its owner likes.
        takes_other_wallets: with a limit, whether the number of a copy is taken where a wallet has no pseudonym.
        title: the heading; that of what opens without it.
        terms: what is shaken hands on; a default without it.
        package: which package of the trackserver opens.
    """

    address: ReleaseAddress
    owned: tuple[ReleaseAddress, ...] = ()
    others: tuple[Proof, ...] = ()
    need_all: bool = False
    limit: Limit | None = None
    takes_other_wallets: bool = False
    title: str | None = None
    terms: Terms | None = None
    package: str = ORIGINAL


async def add_gate(work: Work, new: NewGate, *, party: Party, fetcher: Fetcher, now: datetime) -> Gate:
    """Ask the trackserver, build the gate, keep it.

    Raises:
        UnusableRelease: the trackserver has no such release, or describes another one.
        Malformed: its description cannot be read, or lacks the track or the package; or too much is to be shown.
        FetchFailed, FetchRefused: it cannot be reached.
    """
    release = await _fetch_release(new.address, fetcher=fetcher)
    cover = await _fetch_cover(release, new.address, fetcher=fetcher)
    whose, opens = build_opens(
        release, trackserver=new.address.trackserver, track=new.address.track, package=new.package
    )
    owned = [whose if address == new.address else await _ask_whose(address, fetcher=fetcher) for address in new.owned]
    proofs: list[Proof] = [*owned, *new.others]
    comes_back = new.limit is None and proofs in ([], [whose])
    gate = Gate(
        gate_id=new_public_id(),
        site=party.site,
        title=new.title or opens.title,
        requirement=combine(proofs or [whose], need_all=new.need_all),
        terms=new.terms or Terms.default(title=opens.title, artist=opens.artist, comes_back=comes_back),
        opens=replace(opens, has_cover=cover is not None),
        created_at=now,
        counting=_counting(new),
    )
    await work.waiting(lambda work: _save(work, gate, cover, now=now))
    return gate


def _save(work: Work, gate: Gate, cover: Picture | None, *, now: datetime) -> None:
    with work.write() as stores:
        stores.save_gate(gate, now=now)
        if cover is not None:
            stores.save_cover(gate, cover)


def _counting(new: NewGate) -> Counting | None:
    if new.limit is None:
        return None
    key = secrets.token_bytes(_KEY_BYTES)
    return Counting(limit=new.limit, key=key, takes_other_wallets=new.takes_other_wallets)


async def _fetch_release(address: ReleaseAddress, *, fetcher: Fetcher) -> Release:
    reply = await fetcher.request(
        "GET", address.url, headers={"Accept": "application/json"}, max_bytes=MAX_RELEASE_BYTES
    )
    if reply.status != _OK:
        raise UnusableRelease(f"the trackserver answered with status {reply.status}; check the address")
    release = Release.parse(reply.body)
    if not address.url.endswith(f"/{release.release_id}"):
        raise UnusableRelease("the trackserver describes another release than the one asked for")
    return release


async def _ask_whose(address: ReleaseAddress, *, fetcher: Fetcher) -> Proof:
    """Return the proof of owning what lies at an address, under the name that people know it by."""
    release = await _fetch_release(address, fetcher=fetcher)
    if address.track is None:
        return OwnsRelease(release_id=release.release_id, title=release.title)
    track = release.find_track(address.track)
    return OwnsTrack(track_id=track.track_id, release_id=release.release_id, title=track.title)


async def _fetch_cover(release: Release, address: ReleaseAddress, *, fetcher: Fetcher) -> Picture | None:
    """Take the picture along if the trackserver itself has one; a gate without it is a gate all the same."""
    if release.cover is None:
        return None
    try:
        url = parse_service_url(urljoin(address.url, release.cover), what="address of the cover")
        if not url.startswith(f"{address.trackserver}/"):
            return None
        reply = await fetcher.request("GET", url, max_bytes=MAX_PICTURE_BYTES)
        return Picture.recognise(reply.body) if reply.status == _OK else None
    except (FetchFailed, Malformed, ValueError):
        return None
