"""base64url without padding (RFC 4648 §5, RFC 7515 §2), one text per byte string.

The standard library ignores characters outside the alphabet and left-over bits. Both would let one signature or digest
be written in several ways, so that a changed presentation still verifies: here they are refused.
"""

import binascii

from credentials.errors import Malformed

_TO_URL = bytes.maketrans(b"+/", b"-_")
# What Python's decoder would take, and base64url does not have, becomes a character that it refuses.
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/***")
# The last character may hold bits that belong to no byte. They must be zero, or two texts would mean the same bytes.
# By what is left of the length beyond whole fours: 0, 1 (which no bytes have), 2 or 3.
_LAST_CHARACTERS = (frozenset[str](), frozenset[str](), frozenset("AQgw"), frozenset("AEIMQUYcgkosw048"))
_PADDING = (b"", b"", b"==", b"=")
_IMPOSSIBLE = 1


def encode(data: bytes) -> str:
    """Write bytes as base64url without padding."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_TO_URL).decode("ascii")


def decode(text: str, *, what: str) -> bytes:
    """Read base64url without padding.

    Args:
        text: the encoded text.
        what: what is being read, for the error's words.

    Raises:
        Malformed: a character outside the alphabet, padding, an impossible length, or left-over bits that are not zero.
    """
    beyond = len(text) % 4
    if beyond and text[-1] not in _LAST_CHARACTERS[beyond]:
        if beyond == _IMPOSSIBLE:
            raise Malformed(what, "it is not base64url text: it has an impossible length")
        raise Malformed(what, "it is not base64url text in its one canonical form, without padding")
    try:
        characters = text.encode("ascii")
        # JSON in base64url is hardly ever anything but letters and digits.
        if not characters.isalnum():
            characters = characters.translate(_FROM_URL)
        return binascii.a2b_base64(characters + _PADDING[beyond], strict_mode=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise Malformed(what, "it is not base64url text without padding") from error
