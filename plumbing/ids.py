"""Identifiers: internal ones sort by time, public ones say nothing.

An internal id is a UUIDv7 (RFC 9562 §5.7) so that an index grows at one end. It never leaves its service: it would
tell when a copy was acquired. What crosses to another party is 128 random bits.
"""

import secrets
import uuid
from datetime import datetime

from credentials.encoding import base64url

_RANDOM_A_BITS = 12
_RANDOM_B_BITS = 62


def new_internal_id(now: datetime) -> str:
    """Return a UUIDv7 made at `now`, as text. For primary keys only."""
    milliseconds = int(now.timestamp() * 1000)
    value = milliseconds << 80 | 0x7 << 76 | secrets.randbits(_RANDOM_A_BITS) << 64
    value |= 0b10 << 62 | secrets.randbits(_RANDOM_B_BITS)
    return str(uuid.UUID(int=value))


def new_public_id() -> str:
    """Return 128 random bits as 22 base64url characters, for an id that another party sees.

    None begins with a hyphen: people type such ids in a terminal, which would take it for an option.
    """
    while (drawn := base64url.encode(secrets.token_bytes(16))).startswith("-"):
        pass  # one in 64
    return drawn


def new_secret() -> str:
    """Return 256 random bits as 43 base64url characters, for a token, code or ticket."""
    return base64url.encode(secrets.token_bytes(32))
