"""Files become rows, each with its place: CSV lines and JSON items alike, under one set of kinds and field names."""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from typing_extensions import override

from credentials.encoding import strict_json
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed, OperatorError

MAX_FILE_BYTES: Final = 500 * 1024 * 1024
MAX_ROWS: Final = 5_000_000
_MAX_FIELD: Final = 10_000


class NothingToImport(OperatorError):
    """A file or folder that holds nothing to read."""

    code = "nothing_to_import"

    def __init__(self) -> None:
        super().__init__(
            "There is nothing to import here. Give a folder, or a file named plays, purchases or members (.csv), or a "
            ".json file as the co-op's APIs answer."
        )


class Kind(StrEnum):
    """What a row is of, in the words of the co-op's APIs."""

    TRACK = "Track"
    GROUP = "TrackGroup"
    PLAY = "Play"
    TRACK_PURCHASE = "UserTrackPurchase"
    GROUP_PURCHASE = "UserTrackGroupPurchase"
    CLASS = "MembershipClass"
    MEMBERSHIP = "UserMembership"
    PERSON = "User"


# Names of files, and of members of one file that holds all, written small and without other signs.
_NAMES: Final[Mapping[str, Kind]] = {
    "track": Kind.TRACK,
    "trackgroup": Kind.GROUP,
    "play": Kind.PLAY,
    "usertrackpurchase": Kind.TRACK_PURCHASE,
    "trackpurchase": Kind.TRACK_PURCHASE,
    "purchase": Kind.TRACK_PURCHASE,
    "usertrackgrouppurchase": Kind.GROUP_PURCHASE,
    "trackgrouppurchase": Kind.GROUP_PURCHASE,
    "membershipclass": Kind.CLASS,
    "membershipclasse": Kind.CLASS,
    "usermembership": Kind.MEMBERSHIP,
    "membership": Kind.MEMBERSHIP,
    "member": Kind.MEMBERSHIP,
    "user": Kind.PERSON,
    "profile": Kind.PERSON,
    "listener": Kind.PERSON,
}
# What CSV columns are called by people, and what they are called here.
_FIELDS: Final[Mapping[str, str]] = {
    "listener": "userId",
    "user": "userId",
    "userid": "userId",
    "track": "trackId",
    "trackid": "trackId",
    "item": "trackId",
    "release": "trackGroupId",
    "trackgroupid": "trackGroupId",
    "at": "createdAt",
    "date": "createdAt",
    "createdat": "createdAt",
    "type": "type",
    "id": "id",
    "name": "displayName",
    "displayname": "displayName",
    "email": "email",
    "birthdate": "birthDate",
    "class": "membershipClassId",
    "shareclass": "membershipClassId",
    "membershipclassid": "membershipClassId",
    "start": "start",
    "since": "start",
    "end": "end",
    "until": "end",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something stands: a file, and the line of a CSV or the item of a list, counted from 1."""

    file: str
    line: int

    @override
    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line or item."""

    kind: Kind
    place: Place
    values: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """All rows of a file or folder, and the names of what was not read."""

    rows: tuple[Row, ...]
    unread: tuple[str, ...]


def read_source(path: Path) -> Source:
    """Read a file, or every file of a folder.

    Raises:
        NothingToImport: there is none that can be.
        Malformed: a file is not CSV or JSON, or too large.
    """
    files = sorted(each for each in path.iterdir() if each.is_file()) if path.is_dir() else [path]
    rows: list[Row] = []
    unread: list[str] = []
    for file in files:
        match file.suffix.lower():
            case ".csv":
                found = _read_csv(file)
            case ".json":
                found = _read_json(file, unread)
            case _:
                found = None
        if found is None:
            unread.append(file.name)
        else:
            rows.extend(found)
    if not rows:
        raise NothingToImport
    if len(rows) > MAX_ROWS:
        raise Malformed("import", f"it has more than {MAX_ROWS} rows")
    return Source(rows=tuple(rows), unread=tuple(unread))


def _bytes(file: Path) -> bytes:
    if file.stat().st_size > MAX_FILE_BYTES:
        raise Malformed(file.name, f"it is larger than {MAX_FILE_BYTES} bytes")
    return file.read_bytes()


def _read_csv(file: Path) -> list[Row] | None:
    kind = _kind(file.stem)
    if kind is None:
        return None
    try:
        text = _bytes(file).decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        names = [_FIELDS.get(re.sub(r"[^a-z]", "", name.lower()), name) for name in next(reader, [])]
        _check_distinct(names, file)
        rows = [_csv_row(kind, Place(file=file.name, line=reader.line_num), names, line) for line in reader if line]
    except (UnicodeError, csv.Error) as error:
        raise Malformed(file.name, "it is not CSV in UTF-8") from error
    return rows


def _check_distinct(names: list[str], file: Path) -> None:
    """Two columns of one meaning, such as `user` and `listener`, would give the acts of one to another."""
    named = [name for name in names if name]
    if len(set(named)) != len(named):
        raise Malformed(file.name, "two of its columns are called the same, or mean the same")


def _csv_row(kind: Kind, place: Place, names: list[str], line: list[str]) -> Row:
    if len(line) != len(names):
        raise Malformed(str(place), f"it has {len(line)} fields where the first line names {len(names)}")
    if any(len(field) > _MAX_FIELD for field in line):
        raise Malformed(str(place), f"a field is longer than {_MAX_FIELD} characters")
    values: dict[str, Json] = {name: field.strip() or None for name, field in zip(names, line, strict=True)}
    if kind is Kind.TRACK_PURCHASE and values.get("trackGroupId") is not None and values.get("trackId") is None:
        kind = Kind.GROUP_PURCHASE
    return Row(kind=kind, place=place, values=values)


def _read_json(file: Path, unread: list[str]) -> list[Row] | None:
    what = strict_json.parse(_bytes(file), what=file.name, max_bytes=MAX_FILE_BYTES)
    kind = _kind(file.stem)
    if kind is not None:
        return list(_items(kind, file.name, _unwrapped(what), what=file.name))
    if not isinstance(what, dict) or not any(_kind(name) for name in what):
        return None
    rows: list[Row] = []
    for name, listed in what.items():
        named = _kind(name)
        if named is None:
            unread.append(f"{file.name}, {name}")
        else:
            rows.extend(_items(named, f"{file.name}, {name}", _unwrapped(listed), what=name))
    return rows


def _unwrapped(value: Json) -> Json:
    """The APIs answer with a list, or with one inside `data`."""
    return value["data"] if isinstance(value, dict) and "data" in value else value


def _items(kind: Kind, file: str, listed: Json, *, what: str) -> Iterable[Row]:
    if not isinstance(listed, list):
        raise Malformed(what, "it is not a list")
    for number, item in enumerate(listed, 1):
        place = Place(file=file, line=number)
        if not isinstance(item, dict):
            raise Malformed(str(place), "it is not an object")
        yield Row(kind=kind, place=place, values=item)


def _kind(name: str) -> Kind | None:
    plain = re.sub(r"[^a-z]", "", name.lower())
    return _NAMES.get(plain) or _NAMES.get(plain.removesuffix("s"))
