"""The threat model, and the page of who understands us, name tests that exist."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_TEST = re.compile(r"(?m)^ *(?:async )?def test_(\w+)")
_SENTENCE = re.compile(r"`(\w+(?:_\w+){4,})`")
_NAMED = re.compile(r"`(\w+(?:_\w+){3,})`")


@cache
def known() -> frozenset[str]:
    texts = [path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    return frozenset(name for text in texts for name in _TEST.findall(text))


def rows_of(page: str) -> list[str]:
    return [line for line in (ROOT / "docs" / page).read_text("utf-8").splitlines() if line[:1] == "|"]


def test_every_test_that_the_threat_model_names_exists() -> None:
    named = {name for row in rows_of("threat-model.md") for name in _NAMED.findall(row.rstrip("| ").rpartition("|")[2])}
    assert len(named) > 100
    assert named - known() == set()


def test_every_test_of_other_peoples_software_exists() -> None:
    named = {name for row in rows_of("interop.md") for name in _SENTENCE.findall(row.rstrip("| ").rpartition("|")[2])}
    assert len(named) > 30
    assert named - known() == set()


def test_every_file_of_hostile_inputs_is_there() -> None:
    listed = (ROOT / "docs" / "threat-model.md").read_text("utf-8").split("\n## Hostile inputs\n")[1]
    rows = re.findall(r"^\| (tests/[^|]+) \|", listed, re.MULTILINE)
    assert rows
    for row in rows:
        first, *others = (ROOT / each for each in row.split(", "))
        names = [first, *(first.parent / each.name for each in others)]
        assert [str(each) for each in names if not each.exists()] == []
