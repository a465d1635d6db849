"""JSON Schema (2020-12), offline: whether a document has the form that its type says. The only importer of jsonschema.

The schemas are our own and refer to nothing outside themselves; a reference that did would be refused, never fetched.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry

from credentials.encoding.strict_json import Json
from credentials.errors import IssuerError
from credentials.protocols.members import shown
from schemas import CredentialType


def _match_to_the_end(
    validator: Validator, pattern: str, instance: object, _schema: object
) -> Iterator[ValidationError]:
    # In ECMA-262, and so in JSON Schema, `$` is the very end; Python's lets a line break stand behind it.
    if validator.is_type(instance, "string") and not re.search(re.sub(r"\$$", r"\\Z", pattern), str(instance)):
        yield ValidationError(f"does not match {pattern}")


_Strict: Final = extend(Draft202012Validator, {"pattern": _match_to_the_end})
_NOTHING_OUTSIDE: Final[Registry[Any]] = Registry()


class SchemaMismatch(IssuerError):
    """A credential that does not have the form of its type."""

    code = "schema_mismatch"

    def __init__(self, name: str, place: str) -> None:
        """Name the type and the member that is wrong, never its value."""
        super().__init__(f"The credential is not as {name} says: {place}. Ask its issuer for one that is.")


def check_claims_form(kind: CredentialType, claims: Mapping[str, Json]) -> None:
    """Check the processed claims of an SD-JWT VC, every disclosure in its place.

    Raises:
        SchemaMismatch: they are not as the type's schema says.
    """
    _check(kind, "json_schema", claims)


def check_linked_form(kind: CredentialType, document: Mapping[str, Json], *, complete: bool) -> None:
    """Check a linked credential of the unlinkable form.

    Args:
        kind: its type.
        document: the credential.
        complete: whether all claims must be there, as its holder has them; else any of them, as a verifier sees them.

    Raises:
        SchemaMismatch: it is not as the type's schema says.
    """
    _check(kind, "linked_schema" if complete else "shown_schema", document)


def check_public_form(kind: CredentialType, document: Mapping[str, Json]) -> None:
    """Check a linked credential of the form that is published.

    Raises:
        SchemaMismatch: it is not as the type's schema says.
    """
    _check(kind, "public_schema", document)


def _check(kind: CredentialType, form: str, document: Mapping[str, Json]) -> None:
    error = best_match(_validator(kind, form).iter_errors(dict(document)))
    if error is not None:
        raise SchemaMismatch(kind.configuration_id, _describe(error))


@lru_cache(maxsize=32)
def _validator(kind: CredentialType, form: str) -> Validator:
    return _Strict(getattr(kind, form), registry=_NOTHING_OUTSIDE)


def _describe(error: ValidationError) -> str:
    place = ".".join(str(part) for part in error.absolute_path)
    where = shown(place) if place else "its outermost object"
    return f"{where} breaks the rule `{error.validator}`"
