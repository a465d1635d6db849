"""What tests of BBS share: where the fixtures of a ciphersuite are, and the numbers that they were made with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from credentials.bbs import Ciphersuite
from credentials.bbs.curve import read_scalar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from credentials.bbs.curve import Scalar

FOLDERS: Final = {Ciphersuite.SHA_256: "bls12-381-sha-256", Ciphersuite.SHAKE_256: "bls12-381-shake-256"}


class MockedRandom:
    """Random scalars that are none: `seeded_random_scalars` of draft-irtf-cfrg-bbs-signatures §8.1."""

    def __init__(self, suite: Ciphersuite, given: Mapping[str, Any], count: int | None = None) -> None:
        length = 48 * (given["count"] if count is None else count)
        self._bytes = suite.expand(bytes.fromhex(given["seed"]), bytes.fromhex(given["dst"]), length)
        self._at = 0

    def __call__(self, length: int) -> bytes:
        found = self._bytes[self._at : self._at + length]
        if len(found) != length:
            raise AssertionError
        self._at += length
        return found


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def scalar(text: str) -> Scalar:
    # Some published numbers lack their leading zeros.
    return read_scalar(bytes.fromhex(text.zfill(64)), what="number of a fixture")


def octets(given: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in given]


def mocked(suite: Ciphersuite, given: dict[str, Any], name: str, count: int) -> MockedRandom:
    parameters = given["mockRngParameters"]
    seed, dst = (text.encode().hex() for text in (parameters["SEED"], parameters[name]["DST"]))
    return MockedRandom(suite, {"seed": seed, "dst": dst}, count)
