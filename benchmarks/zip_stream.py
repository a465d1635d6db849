"""The zip of a release, beside one plain file of the same size, sent by the same `handstamp tracks serve`.

The server is a process of its own, reached over loopback; files lie in the page cache. Rates are of the wall clock,
whole downloads in turn.
"""

import contextlib
import re
import secrets
import socket
import statistics
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from typing import Final

from benchmarks.measure import Figure, Goal
from benchmarks.process import free_port, running
from credentials.encoding.strict_json import dump, parse_object
from credentials.keys.signer import LocalSigner
from credentials.protocols.grants import Grant, build_grant
from handstamp.composition.trackserver_service import compose_service
from handstamp.settings import Settings, TrackserverSettings
from plumbing.clock import epoch_s, system_clock
from plumbing.ids import new_public_id
from trackserver.catalogue import Codec, Master, Release, StoredFile, Track
from trackserver.service.allow_verifier import allow_verifier
from trackserver.store.catalogue import SqlCatalogue
from trackserver.store.passes import SqlPins

FILES: Final = 10
_ISSUER: Final = "http://artist.localhost:8703"
_BUFFER: Final = bytearray(1 << 20)
_MB: Final = 1_000_000
_FLAT_MB: Final = 16.0
_PLAIN, _ZIPPED, _LARGE = (f"b2c0e9d4-17f0-4e55-8b0e-2f7c5d9a6e2{n}" for n in range(3))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trackserver:
    """A running trackserver, and the key of a verifier that it allows to grant."""

    process: subprocess.Popen[bytes]
    settings: TrackserverSettings
    verifier: LocalSigner

    def open_download(self, release_id: str) -> tuple[str, str]:
        """Redeem a grant as a browser does; return the download's path and the cookie that opens it."""
        now_s = epoch_s(system_clock())
        grant = Grant(
            issuer=_ISSUER,
            audience=self.settings.base_url,
            jti=new_public_id(),
            issued_at=now_s,
            expires_at=now_s + 300,
            release=release_id,
        )
        body = dump({"grant": build_grant(grant, signer=self.verifier)})
        _, answer = self._ask("POST", "/grants", body)
        link = parse_object(answer, what="answer")["link"]
        assert isinstance(link, str)
        headers, _ = self._ask("GET", link.removeprefix(self.settings.base_url))
        return headers["location"], headers["set-cookie"].partition(";")[0]

    def first_file(self, path: str, cookie: str) -> str:
        """Return the path of a download's first file."""
        _, answer = self._ask("GET", path, cookie=cookie)
        listed = parse_object(answer, what="answer")["files"]
        assert isinstance(listed, list)
        assert isinstance(listed[0], dict)
        return str(listed[0]["url"]).removeprefix(self.settings.base_url)

    def rate(self, path: str, cookie: str, size_bytes: int) -> float:
        """Download something of at least this size whole, throw it away, and return bytes per second."""
        with socket.create_connection(("127.0.0.1", self.settings.port)) as connection:
            lines = (f"GET {path} HTTP/1.1", "Host: tracks", f"Cookie: {cookie}", "Connection: close", "", "")
            began = time.perf_counter()
            connection.sendall("\r\n".join(lines).encode())
            received = connection.recv_into(_BUFFER)
            assert _BUFFER.startswith(b"HTTP/1.1 200"), bytes(_BUFFER[:200])
            while got := connection.recv_into(_BUFFER):
                received += got
            assert received > size_bytes, "the download was cut off"
            return received / (time.perf_counter() - began)

    def memory_bytes(self, name: str) -> int | None:
        """Return a figure of `/proc/PID/status`: `VmRSS` is the memory now, `VmHWM` its peak. None if there is none."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        except OSError:
            return None
        found = re.search(rf"{name}:\s+(\d+) kB", status)
        return int(found[1]) * 1024 if found else None

    def _ask(self, method: str, path: str, body: bytes = b"", *, cookie: str = "") -> tuple[HTTPMessage, bytes]:
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Cookie": cookie}
        with contextlib.closing(HTTPConnection("127.0.0.1", self.settings.port, timeout=30)) as connection:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.headers, response.read()


def measure_zip(folder: Path, *, rounds: int, size_bytes: int, large_bytes: int) -> Iterator[Figure]:
    """Measure; two lines of the table."""
    with _trackserver(folder, size_bytes, large_bytes) as server:
        path, cookie = server.open_download(_PLAIN)
        plain = (server.first_file(path, cookie), cookie)
        path, cookie = server.open_download(_ZIPPED)
        zipped = (f"{path}/release.zip", cookie)
        rates: dict[tuple[str, str], list[float]] = {plain: [], zipped: []}
        for _ in range(rounds):
            for what, found in rates.items():
                found.append(server.rate(*what, size_bytes))
        plain_rate, zip_rate = (statistics.median(found) for found in rates.values())
        yield Figure(
            name=f"Zip of {FILES} files, {size_bytes / _MB:,.0f} MB",
            rate=f"{zip_rate / _MB:,.0f} MB/s",
            limit=f"one plain file: {plain_rate / _MB:,.0f} MB/s",
            ratio=f"{zip_rate / plain_rate:.2f}",
            value=zip_rate / plain_rate,
            goal=Goal(value=0.7),
        )
        path, cookie = server.open_download(_LARGE)
        yield _memory(server, f"{path}/release.zip", cookie, large_bytes)


def _memory(server: Trackserver, path: str, cookie: str, large_bytes: int) -> Figure:
    before = server.memory_bytes("VmRSS")
    with contextlib.suppress(OSError):
        Path(f"/proc/{server.process.pid}/clear_refs").write_text("5", "ascii")  # forget the peak so far
    server.rate(path, cookie, large_bytes)
    peak = server.memory_bytes("VmHWM")
    name = f"Server's peak memory while a zip of {large_bytes / _MB:,.0f} MB streams"
    if before is None or peak is None:
        return Figure(name=name, rate="not measured", limit="needs Linux's /proc", ratio="", value=0.0)
    return Figure(
        name=name,
        rate=f"{peak / _MB:.0f} MB",
        limit=f"before: {before / _MB:.0f} MB",
        ratio=f"+{(peak - before) / _MB:.1f} MB",
        value=(peak - before) / _MB,
        goal=Goal(value=_FLAT_MB, at_most=True),
    )


@contextlib.contextmanager
def _trackserver(folder: Path, size_bytes: int, large_bytes: int) -> Iterator[Trackserver]:
    port = free_port()
    service = TrackserverSettings(base_url=f"http://127.0.0.1:{port}", port=port)
    verifier = LocalSigner.generate()
    _fill(Settings(data_dir=folder, trackserver=service), folder / "music", verifier, size_bytes, large_bytes)
    named = {"TRACKSERVER__BASE_URL": service.base_url, "TRACKSERVER__PORT": str(port)}
    with running("tracks", "serve", port=port, folder=folder, settings=named) as process:
        yield Trackserver(process=process, settings=service, verifier=verifier)


def _fill(settings: Settings, music: Path, verifier: LocalSigner, size_bytes: int, large_bytes: int) -> None:
    """Write the files and put three releases into the catalogue: one file, several, and several large sparse ones."""
    releases = (
        _release(_PLAIN, _write_files(music / "plain", 1, size_bytes)),
        _release(_ZIPPED, _write_files(music / "zipped", FILES, size_bytes // FILES)),
        _release(_LARGE, _write_files(music / "large", FILES, large_bytes // FILES, sparse=True)),
    )
    parts = compose_service(settings)
    with parts.database.write() as session:
        for release in releases:
            now = parts.clock()
            SqlCatalogue(session).save_release(release, content_digest=secrets.token_hex(32), now=now)
            allow_verifier(
                SqlCatalogue(session),
                SqlPins(session),
                issuer=_ISSUER,
                release_id=release.id,
                keys=[verifier.public_key],
                now=now,
            )
    parts.database.close()


def _write_files(folder: Path, count: int, size: int, *, sparse: bool = False) -> list[Path]:
    folder.mkdir(parents=True)
    paths = [folder / f"{number:02}.wav" for number in range(1, count + 1)]
    block = secrets.token_bytes(min(size, 1 << 20))
    for path in paths:
        with path.open("wb") as file:
            while not sparse and file.tell() < size:
                file.write(block[: size - file.tell()])
            file.truncate(size)
    return paths


def _release(release_id: str, files: list[Path]) -> Release:
    """Describe files that nobody will listen to: digests and lengths of the sound are made up, sizes are right."""
    codec = Codec(format="wav", sample_rate_hz=48_000, bits=24, channels=2, duration_ms=1_000, bitrate_bps=2_304_000)
    tracks = tuple(
        Track(
            id=str(uuid.uuid4()),
            disc=1,
            number=number,
            title=f"Track {number}",
            artist="The Long Way Home",
            isrc=None,
            masters=(Master(id=new_public_id(), file=_stored(path), codec=codec),),
        )
        for number, path in enumerate(files, start=1)
    )
    return Release(
        id=release_id,
        folder=files[0].parent,
        title="Night Bus EP",
        artist="The Long Way Home",
        release_type="EPRelease",
        date=None,
        gtin=None,
        cover=None,
        tracks=tracks,
    )


def _stored(path: Path) -> StoredFile:
    stat = path.stat()
    return StoredFile(path=path, size=stat.st_size, modified_ns=stat.st_mtime_ns, sha256=secrets.token_hex(32), crc32=0)
