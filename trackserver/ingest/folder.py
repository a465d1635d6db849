"""Walk a folder and read every audio file in it, without ever leaving the folder."""

import hashlib
import os
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trackserver.catalogue import StoredFile
from trackserver.errors import NoSuchFolder
from trackserver.ingest import findings
from trackserver.ingest.findings import Finding
from trackserver.ingest.tags import READERS, AudioFacts, Unreadable

OTHER_AUDIO: Final = frozenset(
    {"aac", "ac3", "aif", "aifc", "aiff", "alac", "ape", "au", "caf", "dff", "dsf", "m4a", "m4b", "mka", "mp2", "mp4"}
    | {"mpc", "oga", "ogg", "opus", "ra", "shn", "tta", "wma", "wv"}
)
PICTURES: Final = frozenset({"jpg", "jpeg", "png", "webp"})
_CHUNK_BYTES: Final = 1 << 20

Progress = Callable[[str, int], None]
"""Is told which file is read and how many more bytes of it are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFile:
    """One audio file that was read. `relative` is its path inside the folder, with `/`."""

    relative: str
    file: StoredFile
    facts: AudioFacts

    @property
    def stem(self) -> str:
        """The file's name without folder and extension."""
        return self.file.path.stem


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderContents:
    """What a folder holds: readable audio in natural order, pictures, and what was left out."""

    folder: Path
    audio: tuple[AudioFile, ...]
    pictures: tuple[Path, ...]
    findings: tuple[Finding, ...]


def count_audio_bytes(folder: Path) -> int:
    """Say how much there is to read, for a progress bar."""
    return sum(
        path.stat().st_size for path in _walk(_checked(folder)) if _extension(path) in READERS and path.is_file()
    )


def read_folder(folder: Path, progress: Progress) -> FolderContents:
    """Read every audio file below `folder`; raise `NoSuchFolder` if it is none."""
    root = _checked(folder)
    audio: list[AudioFile] = []
    pictures: list[Path] = []
    found: list[Finding] = []
    for path in _walk(root):
        if not path.resolve().is_relative_to(root):
            found.append(findings.symlink_outside(path.relative_to(root).as_posix()))
        elif _extension(path) in PICTURES and path.is_file():
            pictures.append(path)
        elif path.is_file():
            result = _read(path, root, progress)
            if isinstance(result, AudioFile):
                audio.append(result)
            elif result:
                found.append(result)
    return FolderContents(folder=root, audio=tuple(audio), pictures=tuple(pictures), findings=tuple(found))


def _checked(folder: Path) -> Path:
    root = folder.expanduser().resolve()
    if not root.is_dir() or not _is_text(root):
        raise NoSuchFolder(_shown(root))
    return root


def _is_text(path: Path) -> bool:
    """Tell whether a name can be kept: on POSIX it is any bytes, and the catalogue holds text."""
    return _shown(path) == str(path)


def _shown(path: Path | str) -> str:
    return os.fsencode(path).decode(errors="replace")


def _walk(root: Path) -> Iterator[Path]:
    """Every file, in the order a person expects (2 before 10), and every link to a folder, unfollowed."""
    for parent, folders, files in os.walk(root, followlinks=False):
        folders[:] = sorted((name for name in folders if not name.startswith(".")), key=natural_order)
        links = [name for name in folders if Path(parent, name).is_symlink()]
        visible = (name for name in (*files, *links) if not name.startswith("."))
        for name in sorted(visible, key=natural_order):
            yield Path(parent, name)


def natural_order(name: str) -> tuple[tuple[int, str], ...]:
    """Sort key that compares runs of digits as numbers."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return tuple((int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in parts)


def _extension(path: Path) -> str:
    return path.suffix.removeprefix(".").lower()


def _read(path: Path, root: Path, progress: Progress) -> AudioFile | Finding | None:
    extension, where = _extension(path), _shown(path.relative_to(root).as_posix())
    if extension not in READERS:
        return findings.unsupported_format(where, extension) if extension in OTHER_AUDIO else None
    if not _is_text(path):
        return findings.unreadable_file(where, extension)
    try:
        if not path.stat().st_size:
            return findings.empty_file(where)
        facts = READERS[extension](path)
        if not facts.codec.duration_ms:
            return findings.empty_file(where)
        return AudioFile(relative=where, file=hash_file(path.resolve(), where, progress), facts=facts)
    except (OSError, Unreadable):
        return findings.unreadable_file(where, extension)


def hash_file(path: Path, where: str, progress: Progress) -> StoredFile:
    """Read a file once for both of its checksums. It is opened for reading and left as it is."""
    sha256, crc32, size = hashlib.sha256(), 0, 0
    with path.open("rb") as file:
        stat = os.fstat(file.fileno())
        while chunk := file.read(_CHUNK_BYTES):
            sha256.update(chunk)
            crc32 = zlib.crc32(chunk, crc32)
            size += len(chunk)
            progress(where, len(chunk))
    return StoredFile(path=path, size=size, modified_ns=stat.st_mtime_ns, sha256=sha256.hexdigest(), crc32=crc32)
