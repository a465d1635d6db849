"""Take a release into the catalogue from a trackserver's public description."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

from credentials.errors import HolderError
from credentials.protocols.urls import host_of, parse_service_url
from issuer.catalogue import MAX_COVER_BYTES, MAX_DESCRIPTION_BYTES, Cover, Described, Release, parse_description
from issuer.ports import Books
from issuer.service.record import settle
from plumbing.fetch import Fetcher, FetchFailed

_OK = 200


class ReleaseElsewhere(HolderError):
    """A trackserver describes a release that another one serves."""

    code = "release_elsewhere"

    def __init__(self) -> None:
        super().__init__("This release already comes from another trackserver. Nothing was changed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A description with the co-op's own copy of its cover."""

    described: Described
    cover: Cover | None


async def fetch_release(fetcher: Fetcher, url: str) -> Fetched:
    """Ask a trackserver for a release and its cover.

    Raises:
        FetchFailed: it cannot be reached, or has no such release.
        Malformed: what it says cannot be used.
        UnusableCover: the cover is no image.
    """
    address = parse_service_url(url, what="address of the release")
    described = parse_description(await _get(fetcher, address, MAX_DESCRIPTION_BYTES), source_url=address)
    if described.cover_url is None:
        return Fetched(described=described, cover=None)
    cover_url = parse_service_url(urljoin(address, described.cover_url), what="address of the cover")
    # A description that could name any address would make the co-op ask it, in its own name.
    if _origin(cover_url) != _origin(address):
        raise FetchFailed(host_of(cover_url), "the cover is not on the trackserver itself")
    return Fetched(described=described, cover=Cover.parse(await _get(fetcher, cover_url, MAX_COVER_BYTES)))


def keep_release(books: Books, fetched: Fetched, *, free: Collection[int] | None = None) -> Release:
    """Keep a release as it is described now, and settle everybody whom that concerns.

    A track that is no longer described is withdrawn: it stays in the catalogue, and with those who own it.

    Args:
        books: catalogue and ledger.
        fetched: from `fetch_release`.
        free: the numbers of the tracks that are free; None leaves that as it is.

    Raises:
        ReleaseElsewhere: the release is known from another trackserver.
    """
    described = fetched.described.release
    known = books.release(described.id)
    if known and known.source_url and _origin(known.source_url) != _origin(described.source_url):
        raise ReleaseElsewhere
    known_tracks = {track.id: track for track in known.tracks} if known else {}
    now_there = {track.id for track in described.tracks}
    free_tracks = (
        {track.id for track in described.tracks if track.number in free}
        if free is not None
        else {track.id for track in known_tracks.values() if track.free}
    )
    listed = tuple(replace(track, free=track.id in free_tracks) for track in described.tracks)
    gone = tuple(replace(track, withdrawn=True) for key, track in known_tracks.items() if key not in now_there)
    release = replace(described, tracks=(*listed, *gone))
    books.save_release(release, fetched.cover)
    for listener in books.listeners_with_tracks(track.id for track in release.tracks):
        settle(books, listener)
    return release


async def _get(fetcher: Fetcher, url: str, max_bytes: int) -> bytes:
    reply = await fetcher.request("GET", url, max_bytes=max_bytes)
    if reply.status != _OK:
        raise FetchFailed(host_of(url), f"it answered with status {reply.status}")
    return reply.body


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
