"""The files that arrived, held against the files that the artist put in."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from handstamp.demo.stage import DemoFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFile:
    """A file that arrived whole and unchanged, with the tags it carries.

    Attributes:
        sha256: hexadecimal.
        tags: title, artist and so on, as "Night Bus, The Long Way Home".
    """

    name: str
    size: int
    sha256: str
    tags: str


def check_files(received: Path, originals: Path) -> list[CheckedFile]:
    """Compare by checksum: every audio file that is not hidden below `originals` must be below `received`.

    Raises:
        DemoFailed: one is missing or differs.
    """
    arrived = {_sha256(path): path for path in sorted(received.rglob("*")) if path.is_file()}
    checked = []
    for original in sorted(path for path in originals.rglob("*") if _is_audio(path.relative_to(originals))):
        found = arrived.get(_sha256(original))
        if found is None:
            raise DemoFailed("Comparing the files", f"{original.name} did not arrive as it was put in")
        checked.append(
            CheckedFile(name=found.name, size=found.stat().st_size, sha256=_sha256(found), tags=_tags(found))
        )
    if not checked:
        raise DemoFailed("Comparing the files", f"there is no audio file in {originals}")
    return checked


def _is_audio(path: Path) -> bool:
    # Macs leave a hidden `._song.flac` beside every file on a foreign disk, which the trackserver passes over too.
    return path.suffix.lower() in {".flac", ".wav", ".mp3"} and not any(part.startswith(".") for part in path.parts)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tags(path: Path) -> str:
    import mutagen  # noqa: PLC0415  # of the extra `audio`: `handstamp --help` works without it

    audio = mutagen.File(path, easy=True)
    if audio is None or not audio.tags:
        return "no tags"
    values = (audio.tags.get(name, [""])[0] for name in ("tracknumber", "title", "artist", "isrc"))
    return ", ".join(value for value in values if value)
