"""Which 32 bytes are an Ed25519 key worth verifying with (RFC 8032 §5.1.3).

The library takes any 32 bytes and fails at the first signature. Keys of small order are worse: one signature fits many
messages under them, so that nobody is bound by what such a key signed.
"""

from functools import lru_cache

_PRIME = 2**255 - 19
_D = -121665 * pow(121666, -1, _PRIME) % _PRIME
_SIGN_BIT = 1 << 255
# Where the curve's points of order 4 and 8 lie. Those of order 1 and 2 have x = 0, which the square root test refuses.
_SMALL_ORDER = frozenset(
    int.from_bytes(bytes.fromhex(y), "little")
    for y in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    )
)


@lru_cache(maxsize=256)
def is_strong_point(encoded: bytes) -> bool:
    """Say whether these 32 bytes are the one encoding of a point on the curve whose order is not small."""
    y = int.from_bytes(encoded, "little") & ~_SIGN_BIT
    if y >= _PRIME or y in _SMALL_ORDER:
        return False
    # -x^2 + y^2 = 1 + d x^2 y^2, solved for x^2; the denominator is never zero, because -1/d is no square.
    squared = (y * y - 1) * pow(_D * y * y + 1, -1, _PRIME) % _PRIME
    return pow(squared, (_PRIME - 1) // 2, _PRIME) == 1
