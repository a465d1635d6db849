"""base58btc (Multibase, Controlled Identifiers 1.0 §2.4): how DIDs and Multikeys write bytes.

Reading takes time that grows with the square of the length, so a cap is part of every call.
"""

from credentials.errors import Malformed

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_BASE = 58
_PREFIX = "z"


def encode_base58btc(data: bytes) -> str:
    """Write bytes as base58btc, under the Multibase prefix `z`."""
    zeros = len(data) - len(data.lstrip(b"\0"))
    number = int.from_bytes(data)
    digits: list[str] = []
    while number:
        number, digit = divmod(number, _BASE)
        digits.append(_ALPHABET[digit])
    return _PREFIX + _ALPHABET[0] * zeros + "".join(reversed(digits))


def decode_base58btc(text: str, *, what: str, max_characters: int) -> bytes:
    """Read base58btc with its Multibase prefix `z`.

    Args:
        text: the prefix and the digits.
        what: what is being read, for the error's words.
        max_characters: the longest text that is looked at.

    Raises:
        Malformed: it is longer, has another prefix (another base), or a character outside the alphabet.
    """
    if len(text) > max_characters:
        raise Malformed(what, f"it is longer than {max_characters} characters")
    if not text.startswith(_PREFIX):
        raise Malformed(what, "it is not base58btc text, which begins with z")
    digits = text[len(_PREFIX) :]
    number = 0
    for character in digits:
        value = _VALUES.get(character)
        if value is None:
            raise Malformed(what, "it holds a character that base58btc does not have")
        number = number * _BASE + value
    zeros = len(digits) - len(digits.lstrip(_ALPHABET[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)
