"""One file from the network to the disk: resumed where it stopped, checked, and only then given its name.

While it comes it is `NAME.part`, beside it `NAME.part.etag` with the version that the server named. A file that is
there already under its name is never overwritten: the same bytes count as fetched, any other are left alone and said
so.
"""

import hashlib
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from credentials.protocols.urls import host_of
from plumbing.fetch import FetchFailed
from wallet.errors import DownloadFailed, FileInTheWay, UnwritableFolder
from wallet.ports import Stream, Web

_CHUNK_BYTES: Final = 1024 * 1024
_TRIES: Final = 4
_PARTIAL: Final = 206
_OK: Final = 200
_RANGE_WRONG: Final = 416
_SHUT: Final = frozenset({401, 403, 404, 410})
_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
_ETAG: Final = re.compile(r'"[!#-~]{1,200}"')

Progress = Callable[[int], None]
"""Called with the number of bytes that are on the disk now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file to fetch. `name` is safe already; `sha256` is lower-case hexadecimal, None for a zip."""

    name: str
    url: str
    bytes: int
    sha256: str | None


class _WrongBytes(Exception):
    """What came is not the file: too long, of another version, or with another digest."""


async def fetch_file(
    remote: RemoteFile,
    folder: Path,
    *,
    web: Web,
    headers: Callable[[str], Mapping[str, str]],
    progress: Progress | None = None,
) -> Path:
    """Fetch one file into `folder`, resuming what is there of it, and return where it lies.

    Args:
        remote: what to fetch.
        folder: an existing folder.
        web: the network.
        headers: gives the header fields for one request to a URL, with a fresh proof.
        progress: called as bytes arrive.

    Raises:
        FileInTheWay: another file has its name.
        DownloadFailed: the server sent other bytes, or no longer lets the wallet in.
        FetchFailed: the connection broke several times; what arrived is kept.
        UnwritableFolder: the disk took no more; what arrived is kept.
    """
    try:
        there = _Place(folder, remote)
        if there.is_complete():
            _report(progress, remote.bytes)
        else:
            await _fetch_all(there, remote, web, headers, progress)
    except OSError as error:
        raise UnwritableFolder(folder, error.strerror or type(error).__name__) from error
    return there.target


async def _fetch_rest(
    there: "_Place", web: Web, headers: Callable[[str], Mapping[str, str]], progress: Progress | None
) -> None:
    have, etag = there.have(), there.etag()
    if have == there.remote.bytes:
        return
    wanted = dict(headers(there.remote.url)) | {"Accept-Encoding": "identity"}
    if have and etag:
        # RFC 9110 §13.1.5: the rest only if it is still the same version, else the whole.
        wanted |= {"Range": f"bytes={have}-", "If-Range": etag}
    async with web.stream("GET", there.remote.url, headers=wanted) as answer:
        start = await _start_of(answer, have, there.remote)
        there.begin(start, answer.headers.get("ETag", ""))
        await _write(there, answer, start, progress)


async def _start_of(answer: Stream, have: int, remote: RemoteFile) -> int:
    """Return where the bytes of an answer belong in the file."""
    if answer.status_code == _OK:
        return 0
    if answer.status_code == _PARTIAL:
        found = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if found is None or (int(found[1]), int(found[3])) != (have, remote.bytes):
            raise _WrongBytes("another part than was asked for")
        return have
    if answer.status_code == _RANGE_WRONG:
        raise _WrongBytes("it has changed")
    if answer.status_code in _SHUT:
        reason = f"{remote.name} is no longer handed out to this wallet"
        raise DownloadFailed(host_of(remote.url), reason, remedy="open the gate again, as often as you like")
    raise FetchFailed(host_of(remote.url), f"it answered with status {answer.status_code}")


async def _write(there: "_Place", answer: Stream, start: int, progress: Progress | None) -> None:
    done = start
    with there.open_part(start) as file:
        async for piece in answer.aiter_bytes():
            done += len(piece)
            if done > there.remote.bytes:
                raise _WrongBytes("more bytes than announced")
            file.write(piece)
            _report(progress, done)
    if done < there.remote.bytes:
        raise FetchFailed(host_of(there.remote.url), "the connection ended early")


def _report(progress: Progress | None, count: int) -> None:
    if progress:
        progress(count)


class _Place:
    """Where a file lies while it comes and when it is there."""

    def __init__(self, folder: Path, remote: RemoteFile) -> None:
        self.remote = remote
        self.target = folder / remote.name
        self._part = folder / f"{remote.name}.part"
        self._etag = folder / f"{remote.name}.part.etag"
        for path in (self._part, self._etag):
            # A link here would make us write somewhere else.
            if path.is_symlink() or (path.exists() and not path.is_file()):
                raise FileInTheWay(path)

    def is_complete(self) -> bool:
        """Tell whether the file is there, whole; raise if another has its name."""
        if not os.path.lexists(self.target):
            return False
        if self.target.is_symlink() or not self.target.is_file() or self.target.stat().st_size != self.remote.bytes:
            raise FileInTheWay(self.target)
        if not self._is_right(self.target):
            raise FileInTheWay(self.target)
        return True

    def have(self) -> int:
        """Return how many bytes came before."""
        count = self._part.stat().st_size if self._part.exists() else 0
        return count if count <= self.remote.bytes else 0

    def etag(self) -> str:
        """Return the version of which these bytes are, or ""."""
        text = self._etag.read_text("ascii", "replace").strip() if self._etag.exists() else ""
        return text if _ETAG.fullmatch(text) else ""

    def begin(self, start: int, etag: str) -> None:
        """Note the version that comes now; only a strong validator can be resumed (RFC 9110 §13.1.5)."""
        if start == 0:
            self._part.unlink(missing_ok=True)
            self._etag.unlink(missing_ok=True)
            if _ETAG.fullmatch(etag):
                self._etag.write_text(etag, "ascii")

    def open_part(self, start: int) -> BinaryIO:
        """Open the unfinished file at its end, or anew."""
        flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        return os.fdopen(os.open(self._part, flags | (os.O_APPEND if start else os.O_TRUNC), 0o644), "ab")

    def finish(self) -> None:
        """Check the whole, flush the file to the disk and give it its name."""
        if not self._is_right(self._part):
            raise _WrongBytes("another checksum")
        with self._part.open("rb") as file:
            os.fsync(file.fileno())
        if os.path.lexists(self.target):
            raise FileInTheWay(self.target)
        self._part.rename(self.target)
        self._etag.unlink(missing_ok=True)

    def _is_right(self, path: Path) -> bool:
        """Compare the digest; a zip comes without one and has a checksum of each file inside."""
        if self.remote.sha256 is not None:
            return _digest(path) == self.remote.sha256
        try:
            with zipfile.ZipFile(path) as archive:
                return archive.testzip() is None
        except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, zlib.error):
            return False

    def discard(self) -> None:
        """Throw away what came."""
        self._part.unlink(missing_ok=True)
        self._etag.unlink(missing_ok=True)


async def _fetch_all(
    there: _Place, remote: RemoteFile, web: Web, headers: Callable[[str], Mapping[str, str]], progress: Progress | None
) -> None:
    for attempt in range(1, _TRIES + 1):
        try:
            await _fetch_rest(there, web, headers, progress)
            there.finish()
        except _WrongBytes as error:
            there.discard()
            if attempt > 1:
                raise DownloadFailed(
                    host_of(remote.url), f"{remote.name} did not arrive as announced ({error})"
                ) from error
        except FetchFailed:
            if attempt == _TRIES:
                raise
        else:
            return
    raise DownloadFailed(host_of(remote.url), f"{remote.name} did not arrive as announced")


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_CHUNK_BYTES):
            digest.update(piece)
    return digest.hexdigest()
