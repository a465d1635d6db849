"""Reads the members of a JSON object into plain types, with a cap on everything and a reason in words."""

import re
from collections.abc import Callable
from typing import Final, TypeVar

from credentials.encoding.strict_json import Json
from credentials.errors import Malformed

T = TypeVar("T")

MAX_TEXT: Final = 2048
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_BUT_LINES: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# 9999-12-31T23:59:59Z: the last second that a datetime can hold.
_MAX_TIME_S: Final = 253_402_300_799


def shown(text: str, *, max_chars: int = 60) -> str:
    """A foreign string, shortened and stripped to printable ASCII, fit to stand in an error text."""
    plain = "".join(c if " " <= c <= "~" and c not in "\"\\'" else "?" for c in text[:max_chars])
    return f"'{plain}...'" if len(text) > max_chars else f"'{plain}'"


def check_text(
    value: Json, *, what: str, max_chars: int = MAX_TEXT, pattern: re.Pattern[str] | None = None, lines: bool = False
) -> str:
    """Give `value` back if it is a non-empty string within the cap, without control characters.

    Raises:
        Malformed: with `what` and the reason.
    """
    if not isinstance(value, str):
        raise Malformed(what, "it is not a string")
    if not value:
        raise Malformed(what, "it is empty")
    if len(value) > max_chars:
        raise Malformed(what, f"it is longer than {max_chars} characters")
    if (_CONTROL_BUT_LINES if lines else _CONTROL).search(value):
        raise Malformed(what, "it contains control characters")
    if pattern is not None and not pattern.fullmatch(value):
        raise Malformed(what, "it contains characters that are not allowed there, or has the wrong shape")
    return value


def check_items(value: Json, *, what: str, max_items: int) -> list[Json]:
    """Give `value` back if it is an array of one to `max_items` elements."""
    if not isinstance(value, list):
        raise Malformed(what, "it is not an array")
    if not value:
        raise Malformed(what, "it is an empty array")
    if len(value) > max_items:
        raise Malformed(what, f"it has more than {max_items} elements")
    return value


def check_integer(value: Json, *, what: str, minimum: int, maximum: int) -> int:
    """Give `value` back if it is an integer (not a boolean) within the bounds."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise Malformed(what, "it is not an integer")
    if not minimum <= value <= maximum:
        raise Malformed(what, f"it is not between {minimum} and {maximum}")
    return value


def without_absent(**members: Json) -> dict[str, Json]:
    """An object of those members that are there: None and empty arrays and objects are left out."""
    return {name: value for name, value in members.items() if value not in (None, [], {})}


class Members:
    """One JSON object, read member by member; members nobody asks for are ignored. `null` counts as absent."""

    def __init__(self, value: Json, *, what: str) -> None:
        """Take a parsed JSON value that must be an object; `what` names it in refusals."""
        if not isinstance(value, dict):
            raise Malformed(what, "it is not a JSON object")
        self.what = what
        self._members = value

    def __contains__(self, name: str) -> bool:
        return self._members.get(name) is not None

    def named(self, name: str) -> str:
        """How refusals call this member."""
        return f"`{name}` of the {self.what}"

    def get(self, name: str) -> Json:
        """The member as it is, or None."""
        return self._members.get(name)

    def required(self, name: str) -> Json:
        """The member as it is; refused when absent."""
        value = self._members.get(name)
        if value is None:
            raise Malformed(self.what, f"`{name}` is missing")
        return value

    def text(
        self, name: str, *, max_chars: int = MAX_TEXT, pattern: re.Pattern[str] | None = None, lines: bool = False
    ) -> str:
        """A required, non-empty string."""
        value = self.required(name)
        return check_text(value, what=self.named(name), max_chars=max_chars, pattern=pattern, lines=lines)

    def optional_text(
        self, name: str, *, max_chars: int = MAX_TEXT, pattern: re.Pattern[str] | None = None
    ) -> str | None:
        """A non-empty string, or None when absent."""
        return self.text(name, max_chars=max_chars, pattern=pattern) if name in self else None

    def integer(self, name: str, *, minimum: int = 0, maximum: int = 2**53 - 1) -> int:
        """A required integer within the bounds."""
        return check_integer(self.required(name), what=self.named(name), minimum=minimum, maximum=maximum)

    def optional_integer(self, name: str, *, minimum: int = 0, maximum: int = 2**53 - 1) -> int | None:
        """An integer within the bounds, or None when absent."""
        return self.integer(name, minimum=minimum, maximum=maximum) if name in self else None

    def time(self, name: str) -> int:
        """A required NumericDate (RFC 7519 §2) in whole seconds; a fraction is cut off."""
        value = self.required(name)
        if isinstance(value, float) and 0 <= value <= _MAX_TIME_S:
            return int(value)
        return check_integer(value, what=self.named(name), minimum=0, maximum=_MAX_TIME_S)

    def optional_time(self, name: str) -> int | None:
        """A NumericDate, or None when absent."""
        return self.time(name) if name in self else None

    def flag(self, name: str, *, default: bool) -> bool:
        """A boolean, or `default` when absent."""
        value = self._members.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise Malformed(self.named(name), "it is neither true nor false")
        return value

    def object(self, name: str) -> "Members":
        """A required object."""
        return Members(self.required(name), what=self.named(name))

    def optional_object(self, name: str) -> "Members | None":
        """An object, or None when absent."""
        return self.object(name) if name in self else None

    def entries(self, *, max_items: int) -> dict[str, Json]:
        """All members, for objects whose names are data."""
        if len(self._members) > max_items:
            raise Malformed(self.what, f"it has more than {max_items} members")
        return self._members

    def array(self, name: str, read: Callable[[Json, str], T], *, max_items: int) -> tuple[T, ...]:
        """A required, non-empty array, each element read by `read(element, what)`."""
        what = self.named(name)
        items = check_items(self.required(name), what=what, max_items=max_items)
        return tuple(read(item, f"element of {what}") for item in items)

    def optional_array(self, name: str, read: Callable[[Json, str], T], *, max_items: int) -> tuple[T, ...]:
        """A non-empty array, or an empty tuple when absent."""
        return self.array(name, read, max_items=max_items) if name in self else ()

    def texts(self, name: str, *, max_items: int, max_chars: int = MAX_TEXT) -> tuple[str, ...]:
        """A required, non-empty array of strings that differ from each other."""
        texts = self.array(
            name, lambda item, what: check_text(item, what=what, max_chars=max_chars), max_items=max_items
        )
        if len(set(texts)) != len(texts):
            raise Malformed(self.named(name), "it repeats an element")
        return texts

    def optional_texts(self, name: str, *, max_items: int, max_chars: int = MAX_TEXT) -> tuple[str, ...]:
        """An array of strings, or an empty tuple when absent."""
        return self.texts(name, max_items=max_items, max_chars=max_chars) if name in self else ()
