"""Values that VCDM 2.0 uses in many places: URLs, sets, types, texts in a language. Each check names what is wrong."""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from credentials.encoding.strict_json import Json
from credentials.errors import Malformed

Check: TypeAlias = Callable[[Json, str], None]
"""Checks one value; the second argument says in words which one it is."""

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f<>\"{}|\\^`]+")
_MAX_URL_CHARACTERS: Final = 65_536  # a `data:` URL holds a whole credential
_MAX_ITEMS: Final = 64
_LANGUAGE_TAG: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_LANGUAGE_MEMBERS: Final = frozenset({"@value", "@language", "@direction"})


def check_url(value: Json, what: str) -> None:
    """Check that it is one absolute URL (VCDM 2.0 §4.4)."""
    if not isinstance(value, str) or len(value) > _MAX_URL_CHARACTERS or not _URL.fullmatch(value):
        raise Malformed(what, "it is not a URL")


def check_object(value: Json, what: str) -> dict[str, Json]:
    """Return it if it is a JSON object."""
    if not isinstance(value, dict):
        raise Malformed(what, "it is not a JSON object")
    return value


def as_items(value: Json, what: str) -> list[Json]:
    """Return the elements of a set: a single value is a set of one; an empty array is refused."""
    items: list[Json] = value if isinstance(value, list) else [value]
    if not 0 < len(items) <= _MAX_ITEMS:
        raise Malformed(what, f"it is empty, or has more than {_MAX_ITEMS} elements")
    return items


def each(check: Check) -> Check:
    """Return a check of one or several values that `check` passes one by one."""

    def check_all(value: Json, what: str) -> None:
        for item in as_items(value, what):
            check(item, what)

    return check_all


def read_types(members: Mapping[str, Json], what: str) -> list[str]:
    """Return `type`, one or several (VCDM 2.0 §4.5); that each is a term or URL, expansion finds out."""
    if "type" not in members:
        raise Malformed(what, "`type` is missing")
    types = as_items(members["type"], f"`type` of the {what}")
    texts = [kind for kind in types if isinstance(kind, str) and kind]
    if len(texts) != len(types):
        raise Malformed(what, "its `type` is not text, or a set of texts")
    return texts


def typed(*, identified: bool = False) -> Check:
    """Return a check of objects with a `type`, and an `id` that must be there if `identified`."""

    def check(value: Json, what: str) -> None:
        members = check_object(value, what)
        read_types(members, what)
        check_id(members, what, required=identified)

    return check


def check_id(members: Mapping[str, Json], what: str, *, required: bool = False) -> None:
    """Check that `id`, if it is there, is a single URL (VCDM 2.0 §4.4)."""
    if "id" in members:
        check_url(members["id"], f"`id` of the {what}")
    elif required:
        raise Malformed(what, "`id` is missing")


def check_words(value: Json, what: str) -> None:
    """Check a text for people: a string, or a value with its language, or several of these (VCDM 2.0 §11.1)."""
    for item in as_items(value, what):
        if not isinstance(item, str):
            _check_language_value(check_object(item, what), what)
    if isinstance(value, list) and any(isinstance(item, str) for item in value):
        raise Malformed(what, "several texts without a language stand side by side")


def _check_language_value(members: Mapping[str, Json], what: str) -> None:
    language, direction = members.get("@language", "en"), members.get("@direction", "ltr")
    if not isinstance(members.get("@value"), str) or not members.keys() <= _LANGUAGE_MEMBERS:
        raise Malformed(what, "it is not a text with its language and direction, and nothing else")
    if not isinstance(language, str) or not _LANGUAGE_TAG.fullmatch(language):
        raise Malformed(what, "its `@language` is not a language tag")
    if direction not in ("ltr", "rtl", None):
        raise Malformed(what, "its `@direction` is neither ltr nor rtl")
