"""base64url without padding (RFC 4648 §5, RFC 7515 §2), one text per byte string.

The standard library ignores characters outside the alphabet and left-over bits. Both would let one signature or digest
be written in several ways, so that a changed presentation still verifies: here they are refused.
"""

import binascii

from credentials.errors import Malformed

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")


def encode(data: bytes) -> str:
    """Write bytes as base64url without padding."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL, b"=").decode("ascii")


def decode(text: str, *, what: str) -> bytes:
    """Read base64url without padding.

    Args:
        text: the encoded text.
        what: what is being read, for the error's words.

    Raises:
        Malformed: a character outside the alphabet, padding, an impossible length, or left-over bits that are not zero.
    """
    try:
        raw = text.encode("ascii")
        data = binascii.a2b_base64(raw.translate(_FROM_URL) + b"=" * (-len(raw) % 4), strict_mode=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise Malformed(what, "it is not base64url text") from error
    # Encoding again is the cheapest complete test of canonical form: it catches padding, left-over bits, and `+` and
    # `/`, which Python's decoder takes as they are.
    if encode(data) != text:
        raise Malformed(what, "it is not base64url text in its one canonical form, without padding")
    return data
