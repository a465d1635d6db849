"""That no published vector of Data Integrity is forgotten: each file is read by a test of its steps, or named here."""

from __future__ import annotations

import inspect
import json
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from credentials.bbs import BbsSecretKey
from tests.credentials.data_integrity import (
    test_bbs_2023_vectors,
    test_ecdsa_sd_2023_vectors,
    test_jcs_vectors,
    test_rdfc_vectors,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.usefixtures("trial")
EDDSA, ECDSA, BBS = (f"w3c-vc-di-{name}" for name in ("eddsa", "ecdsa", "bbs"))
_REWORDED = "another description than that of the document which was signed, in all steps alike"
UNREAD = {
    "w3c-vc-di-bbs/TestVectors/prCredUnsigned.json": _REWORDED,
    "w3c-vc-di-ecdsa/TestVectors/prCredUnsigned.json": _REWORDED,
}


def cases(function: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    """Give the arguments of each case of a parametrized test."""
    choices = []
    for mark in (each for each in getattr(function, "pytestmark", []) if each.name == "parametrize"):
        names, values = mark.args
        one = isinstance(names, str)
        choices.append([{names: each} if one else dict(zip(names, each, strict=True)) for each in values])
    for chosen in product(*choices):
        yield {name: value for each in chosen for name, value in each.items()}


def test_every_published_file_is_read_by_a_test_of_its_steps(
    vectors_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: set[Path] = set()
    really_read = Path.read_text

    def read_text(path: Path, *args: Any, **options: Any) -> str:
        read.add(path.resolve())
        return really_read(path, *args, **options)

    monkeypatch.setattr(Path, "read_text", read_text)
    vectors = {name: vectors_dir / name / "TestVectors" for name in (EDDSA, ECDSA, BBS)}
    key = json.loads((vectors[BBS] / "BBSKeyMaterial.json").read_text("utf-8"))["privateKeyHex"]
    fixtures: dict[Any, dict[str, Any]] = {
        test_rdfc_vectors: {"vectors_dir": vectors_dir, "older": vectors[EDDSA] / "Ed25519Signature2020"},
        test_jcs_vectors: {"vectors_dir": vectors_dir},
        test_ecdsa_sd_2023_vectors: {"published": vectors[ECDSA]},
        test_bbs_2023_vectors: {
            "published": vectors[BBS],
            "issuer": BbsSecretKey.from_bytes(bytes.fromhex(key)),
        },
    }
    for module, given in fixtures.items():
        for name, function in inspect.getmembers(module, inspect.isfunction):
            for case in cases(function) if name.startswith("test_") else ():
                wanted = inspect.signature(function).parameters.keys() - case.keys()
                function(**case, **{each: given[each] for each in wanted})

    every = {path.resolve() for folder in vectors.values() for path in folder.rglob("*") if path.is_file()}
    root = vectors_dir.resolve()
    assert {path.relative_to(root).as_posix() for path in every - read} == UNREAD.keys()
