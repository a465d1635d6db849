"""Find the cover of a release, check that it is a picture, and keep two copies of it: as it is, and small for pages."""

import hashlib
import io
import os
import secrets
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps

from trackserver.catalogue import PICTURE_EXTENSIONS, Cover, StoredFile
from trackserver.ingest import findings
from trackserver.ingest.findings import Finding
from trackserver.ingest.folder import FolderContents

MAX_COVER_BYTES: Final = 30 * 1000 * 1000
MAX_COVER_PIXELS: Final = 60 * 1000 * 1000
PAGE_PIXELS: Final = 800
_NAMES: Final = ("cover", "front", "folder", "album", "artwork")
_MEDIA_TYPES: Final = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A checked picture and its smaller copy for pages, which is the picture itself if that is small enough."""

    data: bytes
    media_type: str
    page_data: bytes
    page_media_type: str
    page_width: int
    page_height: int


def find_cover(contents: FolderContents) -> tuple[Picture | None, tuple[Finding, ...]]:
    """Take the cover file, else a picture from inside an audio file, else the folder's only picture."""
    named, others = _by_name(contents.pictures)
    embedded = next((audio for audio in contents.audio if audio.facts.picture), None)
    found: list[Finding] = []
    candidates: list[tuple[str, Path | bytes]] = [(path.name, path) for path in named]
    if embedded and embedded.facts.picture:
        candidates.append((embedded.relative, embedded.facts.picture))
    if len(others) == 1:
        candidates.append((others[0].name, others[0]))
    for where, source in candidates:
        picture = parse_picture(source)
        if picture:
            return picture, tuple(found)
        found.append(findings.bad_cover(where))
    return None, (*found, findings.no_cover())


def _by_name(pictures: tuple[Path, ...]) -> tuple[list[Path], list[Path]]:
    """Split pictures into those named as a cover, best first, and the others."""
    named = [path for path in pictures if path.stem.lower() in _NAMES]
    named.sort(key=lambda path: (len(path.parts), _NAMES.index(path.stem.lower())))
    return named, [path for path in pictures if path not in named]


def parse_picture(source: Path | bytes) -> Picture | None:
    """Read a PNG, JPEG or WebP picture within the limits; None if it is none."""
    try:
        if isinstance(source, Path):
            data = source.read_bytes() if source.stat().st_size <= MAX_COVER_BYTES else b""
        else:
            data = source if len(source) <= MAX_COVER_BYTES else b""
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _parse(data)
    # Pillow's parsers raise these on damaged input (SyntaxError for a broken PNG chunk).
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None


def _parse(data: bytes) -> Picture:
    with Image.open(io.BytesIO(data), formats=tuple(_MEDIA_TYPES)) as image:
        if image.width * image.height > MAX_COVER_PIXELS:
            raise ValueError
        media_type = _MEDIA_TYPES[str(image.format)]
        page = ImageOps.exif_transpose(image)
        if max(page.size) <= PAGE_PIXELS and page.size == image.size:
            image.load()
            page_data, page_media_type = data, media_type
        else:
            page.thumbnail((PAGE_PIXELS, PAGE_PIXELS))
            page_data, page_media_type = _jpeg(page), "image/jpeg"
        width, height = page.size
    return Picture(
        data=data,
        media_type=media_type,
        page_data=page_data,
        page_media_type=page_media_type,
        page_width=width,
        page_height=height,
    )


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=86, progressive=True, optimize=True)
    return out.getvalue()


def save_cover(picture: Picture, folder: Path) -> Cover:
    """Keep the picture and its page copy in `folder`, named after their bytes; what is there already stays."""
    return Cover(
        original=_kept(picture.data, picture.media_type, folder),
        media_type=picture.media_type,
        page=_kept(picture.page_data, picture.page_media_type, folder),
        page_media_type=picture.page_media_type,
        page_width=picture.page_width,
        page_height=picture.page_height,
    )


def _kept(data: bytes, media_type: str, folder: Path) -> StoredFile:
    sha256 = hashlib.sha256(data).hexdigest()
    path = folder.resolve() / f"{sha256}.{PICTURE_EXTENSIONS[media_type]}"
    if not path.exists() or path.stat().st_size != len(data):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_name(f".{sha256}.{secrets.token_hex(8)}")
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    modified_ns = path.stat().st_mtime_ns
    return StoredFile(path=path, size=len(data), modified_ns=modified_ns, sha256=sha256, crc32=zlib.crc32(data))
