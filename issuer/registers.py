"""The co-op's registers: members, personas of artists and labels, contributions. The person stays in the register."""

import re
import unicodedata
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from credentials.errors import HolderError, Malformed
from schemas.types import NOT_KNOWN

MAX_CLASS: Final = 60
MAX_LINE: Final = 120
MAX_PERSONA_NAME: Final = 300
MAX_CATALOGUE: Final = 1024
"""As many ids as the claim `catalogue` may hold."""
_OLD_ENOUGH: Final = 16
_PERIOD: Final = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2]))?")
_YEAR: Final = re.compile(r"[0-9]{4}")
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class AlreadyMember(HolderError):
    """A listener whose membership runs is added once more, in another share class or from another year."""

    code = "already_member"

    def __init__(self) -> None:
        super().__init__("They are a member already. End that membership first if it shall be another one.")


class NoSuchMember(HolderError):
    """A listener whose membership does not run."""

    code = "no_such_member"

    def __init__(self) -> None:
        super().__init__("They are no member now; `handstamp issuer member list` shows who is.")


class NoSuchPersona(HolderError):
    """A persona that is not in the register, or whose verification has ended."""

    code = "no_such_persona"

    def __init__(self) -> None:
        super().__init__("No verified persona has this id; `handstamp issuer artist list` shows them.")


class PersonaTaken(HolderError):
    """A persona belongs to the person who was verified for it."""

    code = "persona_taken"

    def __init__(self) -> None:
        super().__init__("This persona was verified for another person. Nothing was changed.")


class PersonaKind(StrEnum):
    """What a persona is."""

    ARTIST = "artist"
    LABEL = "label"


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """One time of being a member.

    Attributes:
        id: internal.
        listener: the member; stays in the register.
        number: 128 random bits by which limited gates count: the same in every time of membership of one listener, so
            that leaving and coming back opens no limited gate twice.
        share_class: the co-op's own word.
        since: the year in which the listener first joined.
        started: when this time of membership began.
        ends: when it will lapse by itself; None if it runs until it is ended.
    """

    id: str
    listener: str = field(repr=False)
    number: str
    share_class: str
    since: str
    started: datetime
    ends: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse what no credential could carry."""
        check_line("share class", self.share_class, MAX_CLASS)
        if not _YEAR.fullmatch(self.since) and self.since != NOT_KNOWN:
            raise Malformed("year of joining", "it is not written like 2024")


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """A public name, and what it speaks for. Who is behind it stays in the register.

    Attributes:
        id: a UUID that others may know it by; empty for one that has none yet.
        listener: the person who was verified.
        name: the public name.
        kind: artist or label.
        vouched_by: an organisation's or persona's public name or address, never a person's.
        vouching: how, in words that the co-op uses for everybody vouched for in that way.
        catalogue: ids of tracks and releases that it speaks for.
    """

    id: str
    listener: str = field(repr=False)
    name: str
    kind: PersonaKind
    vouched_by: str
    vouching: str
    catalogue: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no credential could carry."""
        if self.id and not _UUID.fullmatch(self.id):
            raise Malformed("id of the persona", "it is no UUID in small letters")
        check_line("name of the persona", self.name, MAX_PERSONA_NAME)
        check_line("name of who vouches", self.vouched_by, MAX_PERSONA_NAME)
        check_line("way of vouching", self.vouching, MAX_LINE)
        if len(self.catalogue) > MAX_CATALOGUE or not all(map(_UUID.fullmatch, self.catalogue)):
            raise Malformed("list of what the persona speaks for", f"it is not up to {MAX_CATALOGUE} catalogue ids")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What somebody gave to the co-op, in which period."""

    id: str
    listener: str = field(repr=False)
    what: str
    role: str
    period: str

    def __post_init__(self) -> None:
        """Refuse what no credential could carry."""
        check_line("contribution", self.what, MAX_LINE)
        check_line("role", self.role, MAX_LINE)
        if not _PERIOD.fullmatch(self.period):
            raise Malformed("period", "it is not written like 2026 or 2026-11")


def one_line(text: str) -> str:
    """Write a line in one way only: a further space, or a second way to write a letter, would be a mark."""
    return unicodedata.normalize("NFC", " ".join(text.split()))


def check_line(what: str, text: str, longest: int) -> None:
    """Refuse a text that is not one clean line, written as `one_line` writes it."""
    if not text or len(text) > longest or not text.isprintable() or text != one_line(text):
        raise Malformed(what, f"it is not a line of 1 to {longest} characters")


def clean_catalogue(ids: Iterable[str]) -> tuple[str, ...]:
    """Write catalogue ids in one order, each once."""
    return tuple(sorted(dict.fromkeys(each.strip().lower() for each in ids)))


def new_persona_id(random: bytes) -> str:
    """Make a persona's id from 16 random bytes (RFC 9562 §5.4)."""
    return str(uuid.UUID(bytes=random, version=4))


def over_16(birth_date: date | None, *, at: datetime) -> str:
    """Say whether somebody was 16 on the first day of the month of `at`; the co-op may not know.

    The first of the month, so that all that is issued to them within a month says the same: a change within it would
    tell the day of birth.
    """
    if birth_date is None:
        return NOT_KNOWN
    return "true" if birth_date <= date(at.year - _OLD_ENOUGH, at.month, 1) else "false"
