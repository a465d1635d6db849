"""A JSON Schema check for the schemas of our own types: the few keywords they use, and a refusal of any other.

A checker that skips a keyword it does not know would pass what the schema forbids; this one fails instead.
`tests/wallet` holds it against the `jsonschema` library.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from credentials.errors import HandstampError


class DoesNotFit(HandstampError):
    """A value is not what its schema describes."""

    code = "schema_mismatch"

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where} {reason}")


def check_shape(value: object, schema: Mapping[str, Any], *, where: str = "it") -> None:
    """Check `value` against `schema`.

    Raises:
        DoesNotFit: it does not fit; the words name the member, never its content.
        KeyError: the schema uses a keyword that is not in the table here.
    """
    for keyword, rule in schema.items():
        if keyword not in _NOTES:
            _KEYWORDS[keyword](value, rule, schema, where)


def _type(value: object, rule: str, _schema: Mapping[str, Any], where: str) -> None:
    expected = {"object": dict, "string": str, "integer": int}[rule]
    if not isinstance(value, expected) or isinstance(value, bool):
        raise DoesNotFit(where, f"is not of type {rule}")


def _const(value: object, rule: object, _schema: Mapping[str, Any], where: str) -> None:
    if value != rule:
        raise DoesNotFit(where, "is not the one value it may have")


def _enum(value: object, rule: list[object], _schema: Mapping[str, Any], where: str) -> None:
    if value not in rule:
        raise DoesNotFit(where, "is none of the values it may have")


def _pattern(value: object, rule: str, _schema: Mapping[str, Any], where: str) -> None:
    # JSON Schema means ECMA-262, where $ is the very end; in Python it would let a line break through.
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", rule), value, re.ASCII):
        raise DoesNotFit(where, "is not written as it must be")


def _min_length(value: object, rule: int, _schema: Mapping[str, Any], where: str) -> None:
    if isinstance(value, str) and len(value) < rule:
        raise DoesNotFit(where, f"is shorter than {rule}")


def _max_length(value: object, rule: int, _schema: Mapping[str, Any], where: str) -> None:
    if isinstance(value, str) and len(value) > rule:
        raise DoesNotFit(where, f"is longer than {rule}")


def _required(value: object, rule: list[str], _schema: Mapping[str, Any], where: str) -> None:
    if isinstance(value, dict) and (missing := [name for name in rule if name not in value]):
        raise DoesNotFit(where, f"lacks {', '.join(missing)}")


def _properties(value: object, rule: Mapping[str, Any], _schema: Mapping[str, Any], _where: str) -> None:
    for name, schema in rule.items():
        if isinstance(value, dict) and name in value:
            check_shape(value[name], schema, where=name)


def _additional(value: object, rule: object, schema: Mapping[str, Any], where: str) -> None:
    if rule is False and isinstance(value, dict) and not value.keys() <= schema.get("properties", {}).keys():
        raise DoesNotFit(where, "holds something that the type does not have")


_NOTES: Final = frozenset({"$schema", "$id", "title", "description", "format"})
_KEYWORDS: Final[Mapping[str, Callable[[object, Any, Mapping[str, Any], str], None]]] = {
    "type": _type,
    "const": _const,
    "enum": _enum,
    "pattern": _pattern,
    "minLength": _min_length,
    "maxLength": _max_length,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
}
