"""Download codes: each is bound to one track or release when it is made, and gives it once."""

import re
from dataclasses import dataclass
from typing import Final

from credentials.errors import HolderError
from issuer.ledger import Thing

_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that is read for another, or for a figure."""
_MISREAD: Final = str.maketrans("OIL", "011")
_LENGTH: Final = 16
_GROUP: Final = 4
_BITS: Final = 5
_WRITTEN: Final = re.compile(f"[{_LETTERS}]{{{_LENGTH}}}")
_BETWEEN: Final = re.compile(r"[\s\-\u2010-\u2015]+")
MAX_CODES: Final = 10_000


class UnknownCode(HolderError):
    """What was typed is no code of this co-op."""

    code = "unknown_code"

    def __init__(self) -> None:
        super().__init__(
            "This code is not known here. Nothing is lost: look at it again, it has 16 letters and figures, and try "
            "once more."
        )


class CodeUsed(HolderError):
    """Somebody used the code before."""

    code = "code_used"

    def __init__(self) -> None:
        super().__init__(
            "This code was used already, by another account. Nothing of yours has changed; ask where you got it."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadCode:
    """A code as the co-op knows it: never the code itself.

    Attributes:
        id: its number, which the ledger keeps.
        thing: what it gives, and nothing else.
        label: what it was made for, in the co-op's words.
        used: whether it gave it.
    """

    id: str
    thing: Thing
    label: str | None = None
    used: bool = False


def write_code(random: bytes) -> str:
    """Write 10 random bytes (80 bits) as a code that people can type: `7K2M-9QXR-...`."""
    number = int.from_bytes(random, "big")
    letters = "".join(_LETTERS[number >> _BITS * place & 31] for place in reversed(range(_LENGTH)))
    return "-".join(letters[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))


def read_code(typed: str) -> str:
    """Read a code however it was typed; it comes back as `write_code` writes it, without the dashes.

    Raises:
        UnknownCode: no code looks like this.
    """
    code = _BETWEEN.sub("", typed[:100]).upper().translate(_MISREAD)
    if not _WRITTEN.fullmatch(code):
        raise UnknownCode
    return code
