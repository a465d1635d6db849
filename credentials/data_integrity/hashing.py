"""What the RDFC suites sign: a hash of the proof's options, then one of the document, each canonicalized alone.

vc-di-eddsa §3.2.3 to §3.2.5, vc-di-ecdsa §3.2.3 to §3.2.5. The options come first, so that a proof cannot be moved to
another purpose, time or challenge than the one that was signed.
"""

import hashlib
from collections.abc import Mapping
from enum import Enum

from credentials.encoding.strict_json import Json
from credentials.linked_data import canonicalize


class HashName(Enum):
    """A hash for canonical labels, options and document alike: as strong as the curve (vc-di-ecdsa §3.2.4)."""

    SHA_256 = "sha256"
    SHA_384 = "sha384"

    def digest(self, data: bytes) -> bytes:
        """Hash some bytes."""
        return hashlib.new(self.value, data).digest()


def hash_canonical(document: Mapping[str, Json], *, hash_name: HashName) -> bytes:
    """Hash the canonical N-Quads of a document.

    Raises:
        HandstampError: the document is no safe JSON-LD, or too much work; see `credentials.linked_data`.
    """
    text = canonicalize(document, hash_name=hash_name.value).text
    return hash_name.digest(text.encode("utf-8"))


def hash_data(document: Mapping[str, Json], configuration: Mapping[str, Json], *, hash_name: HashName) -> bytes:
    """Return the bytes that a key signs.

    Args:
        document: the document, with the proofs that this one builds on, and no other.
        configuration: the proof without its value, under the document's context.
        hash_name: the hash of the suite and key.

    Raises:
        HandstampError: as `hash_canonical`.
    """
    configuration_hash = hash_canonical(configuration, hash_name=hash_name)
    return configuration_hash + hash_canonical(document, hash_name=hash_name)
