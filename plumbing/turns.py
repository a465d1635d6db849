"""How writers of a PostgreSQL server take turns: advisory locks, taken by the statement that begins a transaction.

One lock is everybody's. Who writes alone takes it for itself; who has a turn shares it with all others that have one,
and takes the lock of that turn's name too. It is always the first that is taken, and nobody has two turns, so there is
no circle to be caught in. What may have a turn: docs/decisions/0025-two-databases.md.
"""

import hashlib
from typing import Final

BESIDE_ALL: Final = ""
"""The turn of who waits only for those that write alone: all that it shares is decided by its statements."""
_EVERYBODYS: Final = 0x68616E647374616D  # "handstam"
# Each is one message, so that beginning and queueing cost a single way to the server.
_BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED; "
_ALONE: Final = f"{_BEGIN}SELECT pg_advisory_xact_lock({_EVERYBODYS})"
_BESIDE_ALL: Final = f"{_BEGIN}SELECT pg_advisory_xact_lock_shared({_EVERYBODYS})"


def begin_in_turn(turn: str | None) -> str:
    """Return what begins a transaction in a turn; without one (None) it runs alone."""
    if turn is None:
        return _ALONE
    return _BESIDE_ALL if turn == BESIDE_ALL else f"{_BESIDE_ALL}; SELECT pg_advisory_xact_lock({_lock_of(turn)})"


def _lock_of(turn: str) -> int:
    # Two turns of one number would wait for each other once in 2**64; nothing else would come of it.
    digest = hashlib.blake2b(turn.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
