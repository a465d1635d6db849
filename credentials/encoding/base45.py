"""base45 (RFC 9285): bytes as the 45 characters that a QR code packs most tightly. One text per byte string."""

from base45 import b45decode, b45encode

from credentials.errors import Malformed


def encode(data: bytes) -> str:
    """Write bytes as base45."""
    return str(b45encode(data), "ascii")


def decode(text: str, *, what: str, max_characters: int) -> bytes:
    """Read base45.

    Args:
        text: the encoded text.
        what: what is being read, for the error's words.
        max_characters: the longest text that is looked at.

    Raises:
        Malformed: it is longer, has a character outside the alphabet, an impossible length or value.
    """
    if len(text) > max_characters:
        raise Malformed(what, f"it is longer than {max_characters} characters")
    try:
        # As bytes: given a text, the library would pass over line ends behind it.
        return bytes(b45decode(text.encode("ascii")))
    except ValueError as error:
        raise Malformed(what, "it is not base45 text") from error
