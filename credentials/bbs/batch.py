"""Many proofs verified with one pairing of many points.

Each proof's equation is multiplied by a random number of its own, and all are added. Were one of them false, the sum
would hold with a chance of one in 2^128. When it does not hold, halves are tried, and so on down to the bad ones.
"""

from collections.abc import Sequence
from typing import Final

from credentials.bbs.core import Claim, ProofCheck
from credentials.bbs.curve import add_products, is_paired, reduce_to_scalar
from credentials.bbs.errors import BadBbsProof
from credentials.bbs.secret import Random
from credentials.errors import HandstampError

_WEIGHT_BYTES: Final = 16


def verify_batch(checks: Sequence[ProofCheck], *, random: Random) -> tuple[HandstampError | None, ...]:
    """Verify proofs of any kinds, of any issuers: for each, in order, None or what is wrong with it.

    Args:
        checks: the proofs, with everything that they are checked against.
        random: where numbers come from that nobody knew when the proofs were made.
    """
    results: list[HandstampError | None] = [None] * len(checks)
    claims: dict[int, Claim] = {}
    for index, check in enumerate(checks):
        try:
            claims[index] = check.open()
        except HandstampError as error:
            results[index] = error
    for index in _find_bad(list(claims), claims, random):
        results[index] = BadBbsProof()
    return tuple(results)


def _find_bad(indexes: list[int], claims: dict[int, Claim], random: Random) -> list[int]:
    if not indexes or _hold_together([claims[index] for index in indexes], random):
        return []
    if len(indexes) == 1:
        return indexes
    middle = len(indexes) // 2
    return _find_bad(indexes[:middle], claims, random) + _find_bad(indexes[middle:], claims, random)


def _hold_together(claims: Sequence[Claim], random: Random) -> bool:
    weights = [reduce_to_scalar(b"\x01" + random(_WEIGHT_BYTES)) for _ in claims]
    pairs = []
    for key in {claim.public_key for claim in claims}:
        own = [index for index, claim in enumerate(claims) if claim.public_key == key]
        left = add_products([claims[index].a_bar for index in own], [weights[index] for index in own])
        pairs.append((left, key.point))
    return is_paired(pairs, add_products([claim.b_bar for claim in claims], weights))
