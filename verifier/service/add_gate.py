"""Make a gate from a release at a trackserver, asked once: what opens is kept, so that no visit asks it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from credentials.errors import Malformed
from credentials.protocols.urls import parse_landing_url, parse_service_url
from plumbing.fetch import FetchFailed
from plumbing.ids import new_public_id
from plumbing.pictures import MAX_PICTURE_BYTES, Picture
from verifier.errors import UnusableRelease
from verifier.gates import ORIGINAL, Gate, Terms, build_opens
from verifier.releases import MAX_RELEASE_BYTES, Release

if TYPE_CHECKING:
    from datetime import datetime

    from plumbing.fetch import Fetcher
    from verifier.party import Party
    from verifier.ports import Work

_OK: Final = 200
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
    """What the site wants."""

    address: ReleaseAddress
    title: str | None = None
    terms: Terms | None = None
    package: str = ORIGINAL


async def add_gate(work: Work, new: NewGate, *, party: Party, fetcher: Fetcher, now: datetime) -> Gate:
    """Ask the trackserver, build the gate, keep it.

    Raises:
        UnusableRelease: the trackserver has no such release, or describes another one.
        Malformed: its description cannot be read, or lacks the track or the package.
        FetchFailed, FetchRefused: it cannot be reached.
    """
    reply = await fetcher.request(
        "GET", new.address.url, headers={"Accept": "application/json"}, max_bytes=MAX_RELEASE_BYTES
    )
    if reply.status != _OK:
        raise UnusableRelease(f"the trackserver answered with status {reply.status}; check the address")
    release = Release.parse(reply.body)
    if not new.address.url.endswith(f"/{release.release_id}"):
        raise UnusableRelease("the trackserver describes another release than the one asked for")
    cover = await _fetch_cover(release, new.address, fetcher=fetcher)
    requirement, opens = build_opens(
        release, trackserver=new.address.trackserver, track=new.address.track, package=new.package
    )
    gate = Gate(
        gate_id=new_public_id(),
        site=party.site,
        title=new.title or opens.title,
        requirement=requirement,
        terms=new.terms or Terms.default(title=opens.title, artist=opens.artist),
        opens=replace(opens, has_cover=cover is not None),
        created_at=now,
    )
    with work.write() as stores:
        stores.save_gate(gate, now=now)
        if cover is not None:
            stores.save_cover(gate, cover)
    return gate


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
