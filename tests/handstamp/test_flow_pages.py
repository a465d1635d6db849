"""Every name and every address on the pages of flows is in the code."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted((ROOT / "docs" / "flows").glob("[!i]*.md")) + sorted((ROOT / "docs" / "flows").glob("i[!n]*.md"))
ROLES = ("issuer", "verifier", "trackserver")
_ROW = re.compile(r"^\| (\d+) \|.*\| `([\w.]+)` \|$", re.MULTILINE)
_NAMING = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_ADDRESS = re.compile(r"\b(GET|POST) (/[^\s`]*)")


@cache
def names_in(module: Path) -> frozenset[str]:
    """What stands at the top of a module, imported or made there, and the methods of its classes."""
    found: set[str] = set()
    for node in ast.parse(module.read_text("utf-8")).body:
        if isinstance(node, _NAMING):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found.update(f"{node.name}.{each.name}" for each in node.body if isinstance(each, _NAMING))
        if isinstance(node, ast.ImportFrom):
            found.update(alias.asname or alias.name for alias in node.names)
    return frozenset(found)


def is_there(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    if place.with_suffix(".py").is_file() or (place / "__init__.py").is_file():
        return True
    for parent in list(place.parents)[:2]:
        module = parent.with_suffix(".py")
        if module.is_file():
            return ".".join(place.relative_to(parent).parts) in names_in(module)
    return False


@cache
def addresses() -> frozenset[str]:
    """Every text in the code of the services that begins as an address does."""
    modules = [module for role in ROLES for module in (ROOT / role).rglob("*.py")]
    nodes = [node for module in modules for node in ast.walk(ast.parse(module.read_text("utf-8")))]
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return frozenset(word for text in texts for word in text.split() if word.startswith("/"))


def test_there_is_a_page_for_each_flow() -> None:
    assert len(PAGES) == 15


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_step_of_a_flow_names_code_that_is_there(page: Path) -> None:
    steps = _ROW.findall(page.read_text("utf-8"))
    assert [int(number) for number, _ in steps] == list(range(1, len(steps) + 1))
    assert steps
    assert [name for _, name in steps if not is_there(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_address_of_a_flow_is_one_of_a_service(page: Path) -> None:
    text = page.read_text("utf-8").replace("<br/>", " ")
    assert {path for _, path in _ADDRESS.findall(text)} - addresses() == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_picture_has_as_many_steps_as_the_table(page: Path) -> None:
    text = page.read_text("utf-8")
    assert text.count("->>") == len(_ROW.findall(text))
