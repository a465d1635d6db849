"""base64url without padding (RFC 4648 §5, RFC 7515 §2), one text per byte string.

The standard library ignores characters outside the alphabet and left-over bits. Both would let one signature or digest
be written in several ways, so that a changed presentation still verifies: here they are refused.
"""

import base64
import binascii

from credentials.errors import Malformed


def encode(data: bytes) -> str:
    """Write bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


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
        data = base64.b64decode(raw + b"=" * (-len(raw) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise Malformed(what, "it is not base64url text") from error
    # Encoding again is the cheapest complete test of canonical form: it catches padding, left-over bits and, because
    # Python's decoder accepts `+` and `/` beside the alternative characters, those too.
    if encode(data) != text:
        raise Malformed(what, "it is not base64url text in its one canonical form, without padding")
    return data
