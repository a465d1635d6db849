"""DIDs and DID URLs as text (DID Core 1.0 §3.1 and §3.2). They are compared exactly; nothing here rewrites one."""

import re
from dataclasses import dataclass
from typing import Final

from credentials.errors import Malformed

MAX_DID: Final = 2048
_DID: Final = re.compile(
    r"did:(?P<method>[a-z0-9]+):(?P<rest>(?:(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})*:)*(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})+)"
)
_FRAGMENT: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})+")


@dataclass(frozen=True, slots=True)
class Did:
    """A DID, taken apart."""

    text: str
    method: str
    identifier: str
    """What follows the method, as the method defines it."""


@dataclass(frozen=True, slots=True)
class DidUrl:
    """A DID with a fragment: the name of one key in its document."""

    did: Did
    text: str


def is_did(text: str) -> bool:
    """Whether a text says that it is a DID; it may still be malformed."""
    return text.startswith("did:")


def parse_did(text: object, *, what: str) -> Did:
    """Read a DID without path, query or fragment.

    Raises:
        Malformed: it is no DID, or longer than 2048 characters.
    """
    if not isinstance(text, str) or len(text) > MAX_DID:
        raise Malformed(what, f"it is not a DID of at most {MAX_DID} characters")
    match = _DID.fullmatch(text)
    if match is None:
        raise Malformed(what, "it is not a DID")
    return Did(text=text, method=match["method"], identifier=match["rest"])


def parse_did_url(text: object, *, what: str) -> DidUrl:
    """Read a DID URL that names a key: a DID and a fragment, no path and no query.

    Raises:
        Malformed: it is no such DID URL.
    """
    if not isinstance(text, str) or len(text) > 2 * MAX_DID:
        raise Malformed(what, "it is not a DID URL, or too long")
    before, hash_sign, fragment = text.partition("#")
    if not hash_sign or not _FRAGMENT.fullmatch(fragment):
        raise Malformed(what, "it is not a DID URL with a fragment that names a key")
    return DidUrl(did=parse_did(before, what=what), text=text)
