"""Whether a document that was fetched is the one that was meant (SD-JWT VC, "Integrity of Referenced Documents")."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from credentials.errors import IssuerError, Malformed

_MAX_CHARS: Final = 1024
# W3C SRI §3.5: an algorithm, its digest, and options that mean nothing yet.
_EXPRESSION: Final = re.compile(r"([A-Za-z0-9]+)-([A-Za-z0-9+/_-]+={0,2})(?:\?[!-~]*)?")
# From weak to strong.
_HASHES: Final[Mapping[str, Callable[[bytes], bytes]]] = MappingProxyType(
    {
        "sha256": lambda data: hashlib.sha256(data).digest(),
        "sha384": lambda data: hashlib.sha384(data).digest(),
        "sha512": lambda data: hashlib.sha512(data).digest(),
    }
)
_WHAT: Final = "integrity metadata"


class WrongIntegrity(IssuerError):
    """A document is not the one that its reference was made for; or no hash that is known can tell."""

    code = "wrong_integrity"

    def __init__(self, what: str) -> None:
        super().__init__(f"The {what} is not the one that was meant: its hash differs. It was not used.")


def check_integrity(document: bytes, integrity: str, *, what: str) -> None:
    """Check a document against its `#integrity`: the strongest hashes count, one of which must fit.

    Args:
        document: its bytes as they came.
        integrity: one or more hash expressions, such as `sha256-...`, apart by spaces.
        what: for the words of a refusal.

    Raises:
        Malformed: `integrity` is not integrity metadata.
        WrongIntegrity: the document differs, or no hash is one that is known.
    """
    digests = _parse(integrity)
    known = [name for name in _HASHES if name in digests]
    if not known:
        raise WrongIntegrity(what)
    strongest = known[-1]
    computed = _HASHES[strongest](document)
    if not any(hmac.compare_digest(computed, digest) for digest in digests[strongest]):
        raise WrongIntegrity(what)


def build_integrity(document: bytes) -> str:
    """Write the integrity metadata of a document."""
    return "sha256-" + base64.b64encode(hashlib.sha256(document).digest()).decode()


def _parse(integrity: str) -> dict[str, list[bytes]]:
    if len(integrity) > _MAX_CHARS or not integrity.split():
        raise Malformed(_WHAT, f"it is empty, or longer than {_MAX_CHARS} characters")
    digests: dict[str, list[bytes]] = {}
    for expression in integrity.split():
        match = _EXPRESSION.fullmatch(expression)
        if match is None:
            raise Malformed(_WHAT, "it is not a hash algorithm and a digest in base64")
        digests.setdefault(match[1].lower(), []).append(_decode(match[2]))
    return digests


def _decode(text: str) -> bytes:
    # SRI's grammar takes both alphabets, with and without the characters that fill up.
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error as error:
        raise Malformed(_WHAT, "a digest is not base64") from error
