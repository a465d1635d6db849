"""Rows become facts, or say why they cannot be read. The traps of that data: decision 0013."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from credentials.encoding.strict_json import Json
from issuer.catalogue import MAX_TITLE, RELEASE_TYPES
from issuer.connectors.rows import Kind, Place, Row
from issuer.registers import MAX_CLASS, one_line
from schemas import NOT_KNOWN

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_GONE: Final = frozenset({"hidden", "deleted"})
_LONGEST_S: Final = 1_000_000
# No ledger of ours can be older, and a calendar ends: at its edges a time zone would lead beyond it.
_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9000, 1, 1, tzinfo=UTC)


class Unreadable(Exception):  # becomes a line of the report, never an answer
    """Why a row cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackFact:
    """A track, listed or not: who owns a hidden or deleted one owns it still."""

    place: Place
    id: str
    title: str
    artist: str
    duration_s: int
    free: bool
    withdrawn: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFact:
    """A release with its tracks in order."""

    place: Place
    id: str
    title: str
    artist: str
    kind: str
    release_type: str
    date: str | None
    tracks: tuple[str, ...]
    withdrawn: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayFact:
    """A play that counted; `paid` if it cost something."""

    place: Place
    row_id: str | None
    user: str = field(repr=False)
    track: str
    at: datetime
    paid: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseFact:
    """A purchase of a track or release; `how` is the API's word, which the ninth play's row has of its own."""

    place: Place
    row_id: str | None
    user: str = field(repr=False)
    subject: str
    is_group: bool
    how: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFact:
    """Somebody whom the co-op knows."""

    place: Place
    user: str = field(repr=False)
    name: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    birth_date: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberFact:
    """A time of membership."""

    place: Place
    person: PersonFact
    share_class: str
    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFact:
    """What a membership class is called."""

    place: Place
    id: str
    name: str


Fact = TrackFact | GroupFact | PlayFact | PurchaseFact | PersonFact | MemberFact | ClassFact


def parse_row(row: Row, *, now: datetime) -> Fact:
    """Read one row.

    Raises:
        Unreadable: it says what is missing, or not written as it should be.
    """
    return _READERS[row.kind](row, now)


def _track(row: Row, _now: datetime) -> TrackFact:
    values = row.values
    status = _word(values, "status")
    seconds = values.get("duration")
    return TrackFact(
        place=row.place,
        id=_uuid(values, "id"),
        title=_title(values, "title"),
        artist=_title(values, "artist", otherwise=str(values.get("album_artist") or "")),
        duration_s=round(seconds) if isinstance(seconds, int | float) and 0 <= seconds <= _LONGEST_S else 0,
        free=status == "free",
        withdrawn=status in _GONE,
    )


def _group(row: Row, _now: datetime) -> GroupFact:
    values = row.values
    items = values.get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Unreadable("its `items` is not a list of objects")
    ordered = sorted((item for item in items if isinstance(item, dict)), key=_index)
    kind, released = str(values.get("type") or ""), str(values.get("releaseDate") or "")[:10]
    return GroupFact(
        place=row.place,
        id=_uuid(values, "id"),
        title=_title(values, "title"),
        artist=_title(values, "display_artist"),
        kind=kind,
        release_type=RELEASE_TYPES.get(kind, NOT_KNOWN),
        date=released if re.fullmatch(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?", released) else None,
        tracks=tuple(dict.fromkeys(_uuid(item, "trackId") for item in ordered)),
        withdrawn=values.get("private") is True or values.get("enabled") is False,
    )


def _play(row: Row, now: datetime) -> PlayFact:
    kind = _word(row.values, "type")
    if kind not in {"paid", "free", ""}:
        raise Unreadable("its `type` is neither `paid` nor `free`")
    return PlayFact(
        place=row.place,
        row_id=_row_id(row.values),
        user=_user(row.values),
        track=_uuid(row.values, "trackId"),
        at=_moment(row.values, "createdAt", now=now),
        paid=kind != "free",
    )


def _purchase(row: Row, now: datetime) -> PurchaseFact:
    is_group = row.kind is Kind.GROUP_PURCHASE
    return PurchaseFact(
        place=row.place,
        row_id=_row_id(row.values),
        user=_user(row.values),
        subject=_uuid(row.values, "trackGroupId" if is_group else "trackId"),
        is_group=is_group,
        how="purchase" if is_group else _word(row.values, "type") or "purchase",
        at=_moment(row.values, "createdAt", now=now),
    )


def _person(row: Row, _now: datetime) -> PersonFact:
    values = row.values
    user = values.get("userId") or values.get("id") or values.get("email")
    if not isinstance(user, str) or not user.strip():
        raise Unreadable("it names nobody")
    return PersonFact(
        place=row.place,
        user=user.strip(),
        name=_optional(values, "displayName") or _optional(values, "name"),
        email=_optional(values, "email"),
        birth_date=_optional(values, "birthDate"),
    )


def _member(row: Row, now: datetime) -> MemberFact:
    values = row.values
    named = values.get("membershipClassId")
    share_class = one_line(str(named)) if named is not None else NOT_KNOWN
    if not 0 < len(share_class) <= MAX_CLASS or not share_class.isprintable():
        raise Unreadable("its membership class is not a short line")
    person = _person(Row(kind=row.kind, place=row.place, values={**values, "id": None}), now)
    end = values.get("end")
    return MemberFact(
        place=row.place,
        person=person,
        share_class=share_class,
        start=_moment(values, "start", now=now),
        end=None if end is None or end == "" else _moment(values, "end", now=None),
    )


def _class(row: Row, _now: datetime) -> ClassFact:
    return ClassFact(place=row.place, id=str(row.values.get("id")), name=one_line(str(row.values.get("name") or "")))


_READERS: Final[Mapping[Kind, Callable[[Row, datetime], Fact]]] = {
    Kind.TRACK: _track,
    Kind.GROUP: _group,
    Kind.PLAY: _play,
    Kind.TRACK_PURCHASE: _purchase,
    Kind.GROUP_PURCHASE: _purchase,
    Kind.PERSON: _person,
    Kind.MEMBERSHIP: _member,
    Kind.CLASS: _class,
}


def _index(item: Mapping[str, Json]) -> float:
    index = item.get("index")
    return index if isinstance(index, int | float) else 0


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID, as the co-op writes its ids."""
    return _UUID.fullmatch(text.lower()) is not None


def _row_id(values: Mapping[str, Json]) -> str | None:
    identifier = values.get("id")
    return str(identifier) if isinstance(identifier, str | int) and not isinstance(identifier, bool) else None


def _user(values: Mapping[str, Json]) -> str:
    user = values.get("userId")
    if not isinstance(user, str) or not user.strip():
        raise Unreadable("it does not say whose it is")
    return user.strip()


def _uuid(values: Mapping[str, Json], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not _UUID.fullmatch(value.lower()):
        raise Unreadable(f"its `{name}` is missing or no UUID")
    return value.lower()


def _word(values: Mapping[str, Json], name: str) -> str:
    """A word of the API, however odd it is; nothing for nothing."""
    value = values.get(name)
    return value if isinstance(value, str) else "" if value is None else str(value)[:100]


def _optional(values: Mapping[str, Json], name: str) -> str | None:
    value = values.get(name)
    return one_line(value) or None if isinstance(value, str) else None


def _title(values: Mapping[str, Json], name: str, *, otherwise: str = "") -> str:
    value = values.get(name) or otherwise
    text = unicodedata.normalize("NFC", " ".join(value.split())) if isinstance(value, str) else ""
    if not 0 < len(text) <= MAX_TITLE or not text.isprintable():
        raise Unreadable(f"its `{name}` is not a line of 1 to {MAX_TITLE} characters")
    return text


def _moment(values: Mapping[str, Json], name: str, *, now: datetime | None) -> datetime:
    """Read a moment with its zone, or a day; with `now`, none after it."""
    value = values.get(name)
    try:
        text = value if isinstance(value, str) else ""
        moment = (
            datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
            if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text)
            else datetime.fromisoformat(text)
        )
    except ValueError as error:
        raise Unreadable(f"its `{name}` is no moment like 2026-11-21T08:00:00Z") from error
    if moment.tzinfo is None:
        raise Unreadable(f"its `{name}` has no time zone")
    if not _FIRST <= moment <= _LAST:
        raise Unreadable(f"its `{name}` is before 1970 or after 9000")
    if now is not None and moment > now:
        raise Unreadable(f"its `{name}` is still to come")
    return moment.astimezone(UTC)
