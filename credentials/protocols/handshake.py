"""The handshake: whoever signs the request's nonce signs the gate's terms with it.

nonce = base64url(SHA-256(salt || SHA-256(terms in UTF-8))), with 16 random bytes of salt. Every wallet signs the nonce,
so every wallet signs the terms, also one that never heard of us. Ours gets text and salt beside the request.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

from credentials.encoding import base64url
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed, VerifierError
from credentials.protocols.members import Members, check_text

SALT_BYTES: Final = 16
MAX_TERMS: Final = 8192
_WHAT: Final = "handshake"
# BCP 47 as far as a page needs it: a language, then script, region or variants.
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}")
# Characters that turn the order of writing around could show the listener other terms than those that are signed.
_TURNS: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")


class HandshakeMismatch(VerifierError):
    """The nonce does not commit to the terms that came with it."""

    code = "handshake_mismatch"

    def __init__(self) -> None:
        super().__init__("The request's nonce does not match its terms: what would be signed is not what is shown.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """Terms as they are shown, and the salt that hides them in the nonce.

    Attributes:
        text: the terms, exactly the characters that the listener reads; at most 8192.
        language: BCP 47.
        salt: 16 random bytes, fresh for every request.
    """

    text: str
    language: str
    salt: bytes

    def __post_init__(self) -> None:
        """Refuse what `parse` would refuse, so that no request is built that no wallet can read."""
        _check_terms(self.text, self.language)
        if len(self.salt) != SALT_BYTES:
            raise Malformed(f"salt of the {_WHAT}", f"it is not {SALT_BYTES} bytes")

    @classmethod
    def build(cls, *, text: str, language: str, random: Callable[[int], bytes]) -> Self:
        """Draw a fresh salt for these terms."""
        return cls(text=text, language=language, salt=random(SALT_BYTES))

    @classmethod
    def parse(cls, value: Json) -> Self:
        """Read the request parameter `handstamp_handshake`."""
        members = Members(value, what=_WHAT)
        return cls(
            text=members.text("text", max_chars=MAX_TERMS, lines=True),
            language=members.text("language", pattern=_LANGUAGE),
            salt=base64url.decode(members.text("salt", max_chars=64), what=f"salt of the {_WHAT}"),
        )

    def to_json(self) -> dict[str, Json]:
        """Write the request parameter `handstamp_handshake`."""
        return {"text": self.text, "language": self.language, "salt": base64url.encode(self.salt)}

    @property
    def terms_hash(self) -> bytes:
        """SHA-256 of the terms: all that an unlimited gate keeps of them."""
        return hashlib.sha256(self.text.encode("utf-8")).digest()

    @property
    def nonce(self) -> str:
        """The nonce that commits to these terms: 43 characters, 256 bits of which 128 are random."""
        return base64url.encode(hashlib.sha256(self.salt + self.terms_hash).digest())

    def check_nonce(self, nonce: str) -> None:
        """Check that `nonce` commits to these terms.

        Raises:
            HandshakeMismatch: it does not.
        """
        if not hmac.compare_digest(self.nonce.encode("ascii"), nonce.encode("utf-8", "replace")):
            raise HandshakeMismatch


# A gate's terms are in every request of it.
@lru_cache(maxsize=64)
def _check_terms(text: str, language: str) -> None:
    check_text(text, what=f"text of the {_WHAT}", max_chars=MAX_TERMS, lines=True)
    if _TURNS.search(text) or not _is_unicode(text):
        raise Malformed(f"text of the {_WHAT}", "it contains characters that can hide others")
    check_text(language, what=f"language of the {_WHAT}", pattern=_LANGUAGE)


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
