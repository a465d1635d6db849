"""No module grows past 350 lines and no function past 40, and the rooms are those that ARCHITECTURE.md names."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("benchmarks", "tests")
MAX_LINES = 350
MAX_FUNCTION = 40


def settings() -> dict[str, object]:
    found: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    return found


def packages() -> list[str]:
    return list(settings()["importlinter"]["root_packages"])  # type: ignore[index, call-overload]


@cache
def modules() -> dict[str, str]:
    """The text of every module of the project by its path."""
    found = [path for folder in (*packages(), *FOLDERS) for path in sorted((ROOT / folder).rglob("*.py"))]
    found += (ROOT / "docs").glob("*.py")  # below it may be a site that is just being built
    return {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in found if "node_modules" not in path.parts}


@cache
def parsed() -> dict[str, list[ast.AST]]:
    """Every node of every module."""
    return {path: list(ast.walk(ast.parse(text))) for path, text in modules().items()}


def test_no_module_is_longer_than_350_lines() -> None:
    long = {path for path, text in modules().items() if text.count("\n") > MAX_LINES}
    assert long == set(), "split it"


def test_no_function_is_longer_than_40_lines() -> None:
    long = {
        f"{path}:{node.name}"
        for path, nodes in parsed().items()
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION
    }
    assert long == set(), "split it"


def rooms() -> dict[str, str]:
    """Each folder in the table of rooms, with what it may import."""
    table = (ROOT / "ARCHITECTURE.md").read_text("utf-8").split("## Rooms", 1)[1].split("\n## ", 1)[0]
    return dict(re.findall(r"^\| `(\w+)/` \|.*\| ([^|]+) \|$", table, re.MULTILINE))


def test_the_rooms_of_the_architecture_are_the_packages_and_their_layers() -> None:
    (layers,) = [each["layers"] for each in settings()["importlinter"]["contracts"] if each["type"] == "layers"]  # type: ignore[index, call-overload]
    allowed = {}
    below: list[str] = []
    for layer in reversed(layers):
        for package in layer.split(" | "):
            allowed[package] = list(below)
        below += layer.split(" | ")
    words = {0: "nothing", 1: "`schemas`", len(packages()) - 1: "everything"}
    assert {package: words.get(len(those), "the above") for package, those in allowed.items()} == rooms()
    assert set(rooms()) == set(packages())


def reached(arrows: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Every pair that one or more arrows join."""
    more = arrows | {(start, end) for start, middle in arrows for other, end in arrows if middle == other}
    return more if more == arrows else reached(more)


def imports() -> set[tuple[str, str]]:
    """Which package imports which, as the code has it."""
    found = {
        (path.split("/")[0], name.split(".")[0])
        for path, nodes in parsed().items()
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
    }
    return {(start, end) for start, end in found if start != end and {start, end} <= set(packages())}


def test_the_picture_of_imports_is_that_of_the_code() -> None:
    picture = (ROOT / "ARCHITECTURE.md").read_text("utf-8").split("```mermaid", 1)[1].split("```", 1)[0]
    drawn = set(re.findall(r"(\w+) --> (\w+)", picture))
    assert reached(drawn) == reached(imports())
