"""Fetch what a gate opened: exchange the grant, see what there is, bring the files home.

The grant is exchanged once and its download is kept in the wallet, so that a broken connection, or tomorrow, is no
reason to pass the gate again. The list of files comes from the trackserver and is not trusted: names are made safe,
addresses must be its own.
"""

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from credentials.encoding import strict_json
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.keys.signer import LocalSigner
from credentials.protocols.members import Members
from credentials.protocols.urls import host_of, parse_service_url
from plumbing.fetch import Reply
from wallet.errors import DownloadFailed, NoSuchThing, UnwritableFolder
from wallet.names import safe_name, safe_names
from wallet.ports import Tools, Web
from wallet.state import Delivery
from wallet.transfer import RemoteFile, fetch_file
from wallet.wire import JSON, Proving, origin_of, read_object, read_refusal, send_proven, succeeded

_MAX_FILES: Final = 2000
_MAX_FILE_BYTES: Final = 2**40
_MAX_LISTING_BYTES: Final = 2 * 1024 * 1024
_LONGEST_LIFE_S: Final = 30 * 24 * 3600
_SHUT: Final = frozenset({401, 403, 404, 410})
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_AGAIN: Final = "open the gate again, as often as you like"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a download holds, its names safe.

    Attributes:
        title: a folder's name for it.
        files: each file.
        zip: all of them in one, if the trackserver makes one.
    """

    title: str
    files: tuple[RemoteFile, ...]
    zip: RemoteFile | None

    @property
    def total_bytes(self) -> int:
        """How much all files are together."""
        return sum(file.bytes for file in self.files)


def find_delivery(name: str | None, *, tools: Tools) -> Delivery:
    """Return the newest open delivery, or the one whose gate or title contains `name`.

    Raises:
        NoSuchThing: nothing is open, or nothing of that name.
    """
    now = tools.clock()
    deliveries = [each for each in tools.keeper.load().deliveries if now < each.expires_at]
    if not deliveries:
        raise NoSuchThing(
            "No gate has opened files that can still be fetched; open one with: handstamp wallet open GATE"
        )
    wanted = (name or "").casefold()
    found = [each for each in deliveries if wanted in each.site.casefold() or wanted in each.title.casefold()]
    if not found:
        raise NoSuchThing(f"No opened files match “{name}”")
    return max(found, key=lambda each: each.received_at)


async def open_download(delivery: Delivery, *, tools: Tools) -> Delivery:
    """Exchange a delivery's grant for a download, if that was not done before; it is kept at once.

    Raises:
        DownloadFailed: the trackserver did not take the grant.
    """
    if delivery.download is not None:
        return delivery
    url = f"{delivery.trackserver.rstrip('/')}/grants"
    async with tools.web(delivery.trackserver) as web:
        reply = await send_proven(
            web,
            "POST",
            url,
            proving=_proving(delivery, tools),
            headers=JSON | {"Content-Type": "application/json"},
            content=strict_json.dump({"grant": delivery.grant}),
        )
    if not succeeded(reply):
        raise DownloadFailed(host_of(url), read_refusal(reply), remedy=_AGAIN)
    opened = _read_download(reply, delivery, tools)
    tools.keeper.change(lambda wallet: (wallet.with_delivery(opened), None))
    return opened


async def list_files(delivery: Delivery, *, tools: Tools) -> Listing:
    """Ask what an opened download holds.

    Raises:
        DownloadFailed: the download is closed, or the list names addresses elsewhere.
        Malformed: the list cannot be read.
    """
    url = _download_url(delivery)
    async with tools.web(url) as web:
        reply = await send_proven(
            web,
            "GET",
            url,
            proving=_proving(delivery, tools),
            headers=JSON,
            access_token=delivery.access_token,
            max_bytes=_MAX_LISTING_BYTES,
        )
    if not succeeded(reply):
        remedy = _AGAIN if reply.status in _SHUT else "run: handstamp wallet download"
        raise DownloadFailed(host_of(url), read_refusal(reply), remedy=remedy)
    return _read_listing(reply, url)


async def fetch_files(
    delivery: Delivery,
    files: Sequence[RemoteFile],
    folder: Path,
    *,
    tools: Tools,
    progress: Callable[[RemoteFile, int], None] | None = None,
) -> tuple[Path, ...]:
    """Fetch files into `folder`, one after another, and return where they lie.

    Args:
        delivery: opened by `open_download`.
        files: from `list_files`.
        folder: made if it is not there.
        tools: the wallet and the world.
        progress: called with a file and how many of its bytes are there.

    Raises:
        UnwritableFolder: it cannot be made, or has no room.
        DownloadFailed, FileInTheWay, FetchFailed: as `wallet.transfer.fetch_file`.
    """
    _make_room(folder, files)
    proving = _proving(delivery, tools)

    def headers(url: str) -> dict[str, str]:
        return proving.headers("GET", url, access_token=delivery.access_token)

    async def fetch(file: RemoteFile, web: Web) -> Path:
        def arrived(count: int) -> None:
            if progress:
                progress(file, count)

        return await fetch_file(file, folder, web=web, headers=headers, progress=arrived)

    async with tools.web(_download_url(delivery)) as web:
        return tuple([await fetch(file, web) for file in files])


def _proving(delivery: Delivery, tools: Tools) -> Proving:
    signer = LocalSigner.from_pem(delivery.key.encode(), None)
    return Proving(signer=signer, clock=tools.clock, random=tools.random)


def _download_url(delivery: Delivery) -> str:
    if delivery.download is None:
        raise NoSuchThing("This grant was not exchanged yet")
    return delivery.download


def _read_download(reply: Reply, delivery: Delivery, tools: Tools) -> Delivery:
    what = "answer of the trackserver"
    members = read_object(reply, what=what)
    download = parse_service_url(members.required("download"), what=members.named("download"))
    if origin_of(download) != origin_of(delivery.trackserver):
        raise DownloadFailed(
            host_of(delivery.trackserver), "its download is somewhere else, which is refused", remedy=_AGAIN
        )
    if members.text("token_type").lower() != "dpop":
        raise DownloadFailed(host_of(delivery.trackserver), "its token could be used by anybody", remedy=_AGAIN)
    return replace(
        delivery,
        download=download,
        access_token=members.text("access_token"),
        expires_at=tools.clock() + timedelta(seconds=members.integer("expires_in", maximum=_LONGEST_LIFE_S)),
    )


def _read_listing(reply: Reply, url: str) -> Listing:
    what = "list of files"
    members = read_object(reply, what=what, max_bytes=_MAX_LISTING_BYTES)
    raw = members.array("files", lambda value, where: _read_file(value, where, url), max_items=_MAX_FILES)
    names = safe_names(file.name for file in raw)
    package = members.get("zip")
    title = members.optional_text("title", max_chars=300) or host_of(url)
    return Listing(
        title=safe_name(title),
        files=tuple(replace(file, name=name) for file, name in zip(raw, names, strict=True)),
        zip=_read_zip(package, title, url) if package is not None else None,
    )


def _read_file(value: Json, what: str, listed_at: str) -> RemoteFile:
    members = Members(value, what=what)
    return RemoteFile(
        name=members.text("name", max_chars=1000),
        url=_own_url(members, listed_at),
        bytes=members.integer("bytes", maximum=_MAX_FILE_BYTES),
        sha256=members.text("sha256", pattern=_SHA256),
    )


def _read_zip(value: Json, title: str, listed_at: str) -> RemoteFile:
    members = Members(value, what="zip of the files")
    return RemoteFile(
        name=safe_name(members.optional_text("name", max_chars=1000) or f"{title}.zip"),
        url=_own_url(members, listed_at),
        bytes=members.integer("bytes", maximum=_MAX_FILE_BYTES),
        sha256=members.optional_text("sha256", pattern=_SHA256),
    )


def _own_url(members: Members, listed_at: str) -> str:
    """Read an address of the trackserver itself: the token must not be sent anywhere else."""
    url = parse_service_url(members.required("url"), what=members.named("url"))
    if origin_of(url) != origin_of(listed_at):
        raise Malformed(members.what, "its address is not the trackserver's own")
    return url


def _make_room(folder: Path, files: Sequence[RemoteFile]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise UnwritableFolder(folder, error.strerror or "it cannot be made") from error
    missing = sum(file.bytes for file in files if not (folder / file.name).exists())
    if missing > free:
        raise UnwritableFolder(folder, f"it has room for {free} bytes, and {missing} are needed")
