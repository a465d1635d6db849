"""What the suites for whole documents sign: a hash of the proof's options, then one of the document.

vc-di-eddsa §3.2.3 to §3.2.5 and §3.3.3 to §3.3.5, vc-di-ecdsa the same. Each of the two is written in its one canonical
form alone. The options come first, so that a proof cannot be moved to another purpose, time or challenge than the one
that was signed.
"""

import hashlib
from collections.abc import Callable, Mapping
from enum import Enum
from typing import TypeAlias

from credentials.encoding import jcs
from credentials.encoding.strict_json import Json
from credentials.linked_data import canonicalize


class HashName(Enum):
    """A hash for canonical labels, options and document alike: as strong as the curve (vc-di-ecdsa §3.2.4)."""

    SHA_256 = "sha256"
    SHA_384 = "sha384"

    def digest(self, data: bytes) -> bytes:
        """Hash some bytes."""
        return hashlib.new(self.value, data).digest()


WriteCanonical: TypeAlias = Callable[[Mapping[str, Json], HashName], bytes]
"""Writes a document in its one canonical form."""


def write_statements(document: Mapping[str, Json], hash_name: HashName) -> bytes:
    """Write what a document says, as canonical N-Quads.

    Raises:
        HandstampError: the document is no safe JSON-LD, or too much work; see `credentials.linked_data`.
    """
    return canonicalize(document, hash_name=hash_name.value).text.encode("utf-8")


def write_json(document: Mapping[str, Json], _: HashName) -> bytes:
    """Write the JSON of a document, whatever it may mean.

    Raises:
        Malformed: it holds what JSON has no canonical form for.
    """
    return jcs.canonicalize(document)


def hash_data(
    document: Mapping[str, Json],
    configuration: Mapping[str, Json],
    *,
    hash_name: HashName,
    write: WriteCanonical = write_statements,
) -> bytes:
    """Return the bytes that a key signs.

    Args:
        document: the document, with the proofs that this one builds on, and no other.
        configuration: the proof without its value, under the document's context.
        hash_name: the hash of the suite and key.
        write: the canonical form of the suite.

    Raises:
        HandstampError: as `write` says.
    """
    configuration_hash = hash_name.digest(write(configuration, hash_name))
    return configuration_hash + hash_name.digest(write(document, hash_name))
