"""Claims path pointers (OpenID4VCI 1.0 App. C, OpenID4VP 1.0 §7): which claim of a credential is meant."""

from typing import Final

from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.protocols.members import Members, check_integer, check_text
from credentials.sd_jwt.locating import Path

__all__ = ["Path", "read_path"]

_MAX_PATH: Final = 16
_MAX_NAME: Final = 256
_MAX_INDEX: Final = 65535


def read_path(members: Members) -> Path:
    """The `path` of an object: a claims path pointer (OpenID4VCI 1.0 App. C, OpenID4VP 1.0 §7)."""
    value = members.required("path")
    if not isinstance(value, list) or not 0 < len(value) <= _MAX_PATH:
        raise Malformed(members.named("path"), f"it is not an array of 1 to {_MAX_PATH} elements")
    return tuple(_read_step(step, members.named("path")) for step in value)


def _read_step(step: Json, what: str) -> str | int | None:
    if step is None:
        return None
    if isinstance(step, str):
        return check_text(step, what=what, max_chars=_MAX_NAME)
    return check_integer(step, what=what, minimum=0, maximum=_MAX_INDEX)
