"""What is inside a backup: a manifest, then every file that it names, one after the other, and nothing else.

    length of the manifest 8 bytes | manifest JSON | bytes of the first file | bytes of the second file | ...

All of it is sealed (`handstamp.backup.sealing`). Names, sizes, modes and SHA-256 stand in the manifest alone, so
there is one place to check them, and no format that could say them twice.
"""

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from credentials.encoding import strict_json
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from handstamp import __version__
from handstamp.backup.errors import CannotBackUp, NewerBackup, UnusableBackup
from handstamp.backup.sealing import SealedReader, SealedWriter
from handstamp.backup.target import new_backup
from wallet.sealed import Cost

FORMAT: Final = 1
_LENGTH_BYTES: Final = 8
_MAX_MANIFEST_BYTES: Final = 64 * 1024 * 1024
_COPY_BYTES: Final = 256 * 1024
_MODE_BITS: Final = 0o777
_LAST_NS: Final = 2**63  # in the year 2262; far beyond it no file can be from
_PART: Final = re.compile(r"(?!\.{1,2}$)[^/\\\0]{1,255}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file in a backup.

    Attributes:
        name: its role (or `settings`), a slash, and where it lies in that role's folder.
        size: in bytes.
        sha256: of its bytes, in hex.
        mode: its permissions.
        modified_ns: when it was written last; a trackserver compares it.
    """

    name: str
    size: int
    sha256: str
    mode: int
    modified_ns: int

    @property
    def role(self) -> str:
        """Whose it is."""
        return self.name.partition("/")[0]

    @property
    def place(self) -> str:
        """Where it lies in its role's folder."""
        return self.name.partition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleFacts:
    """What a backup says of one role.

    Attributes:
        engine: `sqlite` or `postgresql`.
        revision: the version of its tables.
        folder: where it lay, so that paths in its rows can be led to where it lies now.
    """

    engine: str
    revision: str
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup holds."""

    made_at: datetime
    version: str
    roles: Mapping[str, RoleFacts]
    files: Sequence[Entry]

    def to_json(self) -> dict[str, Json]:
        """Write it."""
        return {
            "format": FORMAT,
            "handstamp": self.version,
            "made_at": self.made_at.isoformat(),
            "roles": {
                role: {"engine": each.engine, "revision": each.revision, "folder": each.folder}
                for role, each in self.roles.items()
            },
            "files": [
                {
                    "name": each.name,
                    "size": each.size,
                    "sha256": each.sha256,
                    "mode": each.mode,
                    # Text: nanoseconds are beyond the integers that every reader of JSON agrees on.
                    "modified_ns": str(each.modified_ns),
                }
                for each in self.files
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that goes into a backup, and its name in there."""

    name: str
    path: Path

    def describe(self) -> Entry:
        """Read it once, for its digest.

        Raises:
            CannotBackUp: it cannot be read.
        """
        digest, size = hashlib.sha256(), 0
        try:
            with self.path.open("rb") as file:
                about = os.fstat(file.fileno())
                while piece := file.read(_COPY_BYTES):
                    digest.update(piece)
                    size += len(piece)
        except OSError as error:
            raise CannotBackUp(str(self.path), error.strerror or "it cannot be read") from error
        return Entry(
            name=self.name,
            size=size,
            sha256=digest.hexdigest(),
            mode=about.st_mode & _MODE_BITS,
            modified_ns=about.st_mtime_ns,
        )


def write_archive(
    path: Path,
    passphrase: str,
    *,
    roles: Mapping[str, RoleFacts],
    sources: Sequence[Source],
    now: datetime,
    cost: Cost | None = None,
    settle: Callable[[], object] = lambda: None,
) -> Manifest:
    """Write a backup (mode 0600) that is there whole or not at all; `settle` is called before it gets its name.

    Raises:
        CannotBackUp: something is at `path`, it cannot be written, or a file changed while it was read.
    """
    files = [source.describe() for source in sources]
    manifest = Manifest(made_at=now, version=__version__, roles=roles, files=files)
    with new_backup(path, settle) as file:
        writer = SealedWriter(file, passphrase, cost=cost or Cost(), random=secrets.token_bytes)
        described = strict_json.dump(manifest.to_json())
        writer.write(len(described).to_bytes(_LENGTH_BYTES, "big") + described)
        for source, entry in zip(sources, files, strict=True):
            _copy_in(writer, source, entry)
        writer.finish()
    return manifest


class Archive:
    """A backup that was opened: its manifest, then its files in order, each once."""

    def __init__(self, file: BinaryIO, passphrase: str, *, path: Path) -> None:
        """Open it; raises what `SealedReader` does."""
        self._reader = SealedReader(file, passphrase, path=path)
        self._path = path
        self.manifest = self._read_manifest()

    def copy_out(self, entry: Entry, write: Callable[[bytes], object]) -> None:
        """Give the bytes of the next file to `write`, which must not rely on them before this has returned.

        Raises:
            UnusableBackup: they are not what the manifest says.
        """
        digest, left = hashlib.sha256(), entry.size
        while left:
            piece = self._reader.read(min(left, _COPY_BYTES))
            digest.update(piece)
            write(piece)
            left -= len(piece)
        if digest.hexdigest() != entry.sha256:
            raise UnusableBackup(self._path, f"{entry.name} in it is not what it was")

    def finish(self) -> None:
        """Check that all of it was read."""
        self._reader.finish()

    def _read_manifest(self) -> Manifest:
        length = int.from_bytes(self._read_exactly(_LENGTH_BYTES), "big")
        if length > _MAX_MANIFEST_BYTES:
            raise UnusableBackup(self._path, "its table of contents is too long")
        try:
            members = strict_json.parse_object(
                self._read_exactly(length), what="table of contents of the backup", max_bytes=_MAX_MANIFEST_BYTES
            )
            if members.get("format") != FORMAT:
                raise NewerBackup(self._path, f"table of contents {members.get('format')}")
            return _parse_manifest(members)
        except (Malformed, ValueError, OverflowError) as error:  # OverflowError: a moment before the year 1
            raise UnusableBackup(self._path, "its table of contents cannot be read") from error

    def _read_exactly(self, count: int) -> bytes:
        read = bytearray()
        while len(read) < count:
            read += self._reader.read(count - len(read))
        return bytes(read)


@contextlib.contextmanager
def open_archive(path: Path, passphrase: str) -> Iterator[Archive]:
    """Open a backup.

    Raises:
        UnusableBackup, NewerBackup, WrongBackupPassphrase: as `Archive` says.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise UnusableBackup(path, error.strerror or "it cannot be read") from error
    with file:
        yield Archive(file, passphrase, path=path)


def _copy_in(writer: SealedWriter, source: Source, entry: Entry) -> None:
    digest, size = hashlib.sha256(), 0
    with source.path.open("rb") as file:
        while piece := file.read(_COPY_BYTES):
            digest.update(piece)
            size += len(piece)
            writer.write(piece)
    if (size, digest.hexdigest()) != (entry.size, entry.sha256):
        raise CannotBackUp(str(source.path), "it changed while it was read; try again")


def _parse_manifest(members: Mapping[str, Json]) -> Manifest:
    match members:
        case {"handstamp": str(version), "made_at": str(made_at), "roles": dict(roles), "files": list(files)}:
            entries = [_parse_entry(each) for each in files]
            if len({each.name for each in entries}) != len(entries):
                raise ValueError
            return Manifest(
                made_at=datetime.fromisoformat(made_at).astimezone(UTC),
                version=version,
                roles={_parse_part(role): _parse_role(facts) for role, facts in roles.items()},
                files=entries,
            )
        case _:
            raise ValueError


def _parse_role(value: Json) -> RoleFacts:
    match value:
        case {"engine": str(engine), "revision": str(revision), "folder": str(folder)}:
            return RoleFacts(engine=engine, revision=revision, folder=folder)
        case _:
            raise ValueError


def _parse_entry(value: Json) -> Entry:
    match value:
        case {
            "name": str(name),
            "size": int(size),
            "sha256": str(sha256),
            "mode": int(mode),
            "modified_ns": str(modified_ns),
        } if size >= 0 and _SHA256.fullmatch(sha256) and 0 <= mode <= _MODE_BITS:
            # A name that led out of its folder would let whoever made the backup write anywhere on this machine.
            parts = name.split("/")
            if len(parts) < len(("role", "file")) or abs(int(modified_ns)) >= _LAST_NS:
                raise ValueError
            clean = "/".join(map(_parse_part, parts))
            return Entry(name=clean, size=size, sha256=sha256, mode=mode, modified_ns=int(modified_ns))
        case _:
            raise ValueError


def _parse_part(name: str) -> str:
    if not _PART.fullmatch(name):
        raise ValueError(name)
    return name
