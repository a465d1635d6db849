"""Real audio files, a real database with the real migrations, and a verifier with a real key."""

import hashlib
import secrets
import shutil
import wave
from array import array
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, ID3, TALB, TIT2, TPE1, TPE2, TPOS, TRCK, TSRC
from mutagen.wave import WAVE
from PIL import Image

from credentials.keys.signer import LocalSigner
from credentials.protocols.dpop import build_dpop_proof
from credentials.protocols.grants import Grant, build_grant
from plumbing.clock import epoch_s
from plumbing.database import Database
from plumbing.ids import new_public_id, new_secret
from plumbing.web.pages import Pages
from tests.support.databases import fresh_database
from trackserver.api import build_trackserver_app
from trackserver.catalogue import Release
from trackserver.ingest.album import draft_album
from trackserver.ingest.covers import find_cover, save_cover
from trackserver.ingest.folder import read_folder
from trackserver.parts import TEMPLATES, TrackserverParts
from trackserver.service.add_release import Added, add_release, check_album
from trackserver.service.allow_verifier import allow_verifier
from trackserver.store.catalogue import SqlCatalogue
from trackserver.store.passes import SqlPins

RATE = 8000
BASE_URL = "http://tracks.localhost:8702"
VERIFIER = "http://artist.localhost:8703"
_ID3_FRAMES = {
    "title": TIT2,
    "artist": TPE1,
    "album": TALB,
    "albumartist": TPE2,
    "tracknumber": TRCK,
    "discnumber": TPOS,
    "isrc": TSRC,
}


def _samples(seed: str, seconds: float) -> bytes:
    noise = hashlib.shake_128(seed.encode()).digest(round(RATE * seconds) * 2)
    return array("h", [value // 8 for value in array("h", noise)]).tobytes()


def _encode(path: Path, codec: str, container_format: str, samples: bytes) -> None:
    with av.open(str(path), "w", format=container_format) as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.layout = "mono"
        stream.format = "s16" if codec == "flac" else "s16p"
        for start in range(0, len(samples), 1152):
            block = samples[start : start + 1152]
            frame = av.AudioFrame(format=stream.format.name, layout="mono", samples=len(block) // 2)
            frame.sample_rate, frame.pts = RATE, start // 2
            frame.planes[0].update(block.ljust(frame.planes[0].buffer_size, b"\0"))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _tag_id3(tags: Any, values: dict[str, Any], picture: bytes | None) -> None:
    for name, value in values.items():
        tags.add(_ID3_FRAMES[name](encoding=3, text=[value]))
    if picture:
        tags.add(APIC(encoding=3, mime="image/png", type=3, desc="", data=picture))


def make_audio(path: Path, *, seconds: float = 0.3, picture: bytes | None = None, **tags: str) -> Path:
    """Write a short real file; its format is its extension, its sound depends on its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = _samples(path.name, seconds)
    match path.suffix.lower():
        case ".flac":
            _encode(path, "flac", "flac", samples)
            file = FLAC(path)
            file.delete()
            file.update({name: [value] for name, value in tags.items()})
            if picture:
                image = Picture()
                image.type, image.mime, image.data = 3, "image/png", picture
                file.add_picture(image)
            file.save()
        case ".mp3":
            _encode(path, "libmp3lame", "mp3", samples)
            frames = ID3()
            _tag_id3(frames, tags, picture)
            frames.save(path)
        case _:
            with wave.open(str(path), "wb") as out:
                out.setnchannels(1)
                out.setsampwidth(2)
                out.setframerate(RATE)
                out.writeframes(samples)
            if tags:
                sound = WAVE(path)
                sound.add_tags()
                _tag_id3(sound.tags, tags, picture)
                sound.save()
    return path


def make_picture(path: Path, *, side: int = 64) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (side, side), "#b3124a").save(path)
    return path


@pytest.fixture
def audio() -> Callable[..., Path]:
    return make_audio


@pytest.fixture
def picture() -> Callable[..., Path]:
    return make_picture


@pytest.fixture(scope="session")
def _album_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("album")
    for number, title in enumerate(("Nachtlied", "Straße/2", "Ende"), start=1):
        make_audio(
            folder / f"{number:02}.flac",
            title=title,
            artist="Die Heimfahrt",
            albumartist="Die Heimfahrt",
            album="Süd: Nord",
            tracknumber=str(number),
            isrc=f"XXHST260000{number}",
            date="2026-11-06",
            releasetype="EP",
            barcode="2000000000015",
        )
    make_picture(folder / "cover.png")
    return folder


@pytest.fixture
def album_folder(_album_once: Path, tmp_path: Path) -> Path:
    """A complete EP: three FLAC files, and a cover."""
    return shutil.copytree(_album_once, tmp_path / "album")


@dataclass
class FakeClock:
    """A clock that only a test moves."""

    moment: datetime = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **passed: float) -> None:
        self.moment += timedelta(**passed)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def parts(tmp_path: Path, clock: FakeClock) -> Iterator[TrackserverParts]:
    database = Database(fresh_database("trackserver", tmp_path / "data"))
    yield TrackserverParts(
        database=database,
        pages=Pages(TEMPLATES, site_name="Test tracks"),
        base_url=BASE_URL,
        covers=tmp_path / "data" / "covers",
        clock=clock,
        new_secret=new_secret,
        new_id=new_public_id,
        random=secrets.token_bytes,
    )
    database.close()


@pytest.fixture
def add(parts: TrackserverParts) -> Callable[..., Added]:
    def add_folder(folder: Path, *, title: str | None = None, artist: str | None = None) -> Added:
        contents = read_folder(folder, lambda _where, _count: None)
        album = draft_album(contents, title=title, artist=artist)
        check_album(album, folder)
        found, _ = find_cover(contents)
        cover = save_cover(found, parts.covers) if found else None
        with parts.database.write() as session:
            return add_release(
                SqlCatalogue(session),
                album,
                folder=contents.folder,
                cover=cover,
                now=parts.clock(),
                random=parts.random,
            )

    return add_folder


@pytest.fixture
async def client(parts: TrackserverParts) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(build_trackserver_app(parts))
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as opened:
        yield opened


@dataclass
class Gate:
    """A verifier that is allowed to open one release, and a wallet's key."""

    parts: TrackserverParts
    release: Release
    signer: LocalSigner = field(default_factory=LocalSigner.generate)
    wallet: LocalSigner = field(default_factory=LocalSigner.generate)

    def allow(self, release_id: str, *, issuer: str = VERIFIER) -> None:
        with self.parts.database.write() as session:
            allow_verifier(
                SqlCatalogue(session),
                SqlPins(session),
                issuer=issuer,
                release_id=release_id,
                keys=[self.signer.public_key],
                now=self.parts.clock(),
            )

    def grant(self, *, signer: LocalSigner | None = None, bound: bool = False, **changes: Any) -> str:
        now = epoch_s(self.parts.clock())
        values: dict[str, Any] = {
            "issuer": VERIFIER,
            "audience": BASE_URL,
            "jti": new_public_id(),
            "issued_at": now,
            "expires_at": now + 300,
            "release": self.release.id,
            "holder_key": self.wallet.public_key.thumbprint if bound else None,
        }
        return build_grant(Grant(**{**values, **changes}), signer=signer or self.signer)

    def proof(self, method: str, url: str, *, signer: LocalSigner | None = None, **changes: Any) -> str:
        values: dict[str, Any] = {
            "method": method,
            "url": url,
            "issued_at": epoch_s(self.parts.clock()),
            "jti": new_public_id(),
        }
        return build_dpop_proof(signer=signer or self.wallet, **{**values, **changes})


@pytest.fixture
def gate(parts: TrackserverParts, add: Callable[..., Added], album_folder: Path) -> Gate:
    made = Gate(parts=parts, release=add(album_folder).release)
    made.allow(made.release.id)
    return made


@pytest.fixture
async def download_path(client: httpx.AsyncClient, gate: Gate) -> str:
    """The path of a download that `client` has opened as a browser, cookie and all."""
    made = await client.post("/grants", json={"grant": gate.grant()})
    opened = await client.get(made.json()["link"])
    return str(opened.headers["location"])
