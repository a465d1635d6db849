"""Write down in which order the code of a flow is called and services are asked, while a real flow runs.

Only what a page of `docs/flows` names is written down. Python's own hook for tracing tells of each call, so nothing is
replaced.
"""

from __future__ import annotations

import importlib
import re
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import CodeType, FrameType

PAGES = Path(__file__).resolve().parents[2] / "docs" / "flows"
_ROW = re.compile(r"^\| (\d+) \| .*? \| (.*) \| `([\w.]+)` \|$", re.MULTILINE)
_ADDRESS = re.compile(r"`(GET|POST) (/[^\s`]*)`")
_SERVED = "fastapi.applications.FastAPI.__call__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of a page: its number, the request that it names, if any, and its code, where it is defined."""

    number: int
    request: re.Pattern[str] | None
    code: str

    def is_code(self, event: str) -> bool:
        return event == self.code or event.startswith(f"{self.code}.")


@dataclass(slots=True)
class Followed:
    """What happened, in order: names of functions, and requests as `METHOD /path`."""

    events: list[str] = field(default_factory=list)

    def since(self, beginning: int) -> Followed:
        return Followed(self.events[beginning:])

    def out_of_order(self, steps: list[Step]) -> list[int]:
        """Return the steps that did not happen after the one before them and before the one after them.

        A step begins when its request comes, or, without one, when its code is called, for the first time. Where it has
        a request, its code is called some time before the next step.
        """
        codes = [[where for where, event in enumerate(self.events) if step.is_code(event)] for step in steps]
        begins = [
            code[0] if step.request is None and code else self._asked(step)
            for step, code in zip(steps, codes, strict=True)
        ]
        before, after = [0, *begins[:-1]], [*begins[1:], len(self.events)]
        return [
            step.number
            for step, code, low, begin, high in zip(steps, codes, before, begins, after, strict=True)
            if not low <= begin <= high or not any(low <= where <= high for where in code)
        ]

    def _asked(self, step: Step) -> int:
        matches = (where for where, event in enumerate(self.events) if step.request and step.request.fullmatch(event))
        return next(matches, -1)


def steps_of(page: str) -> list[Step]:
    """Read the steps of a page."""
    found = _ROW.findall((PAGES / f"{page}.md").read_text("utf-8"))
    return [Step(number=int(number), request=_request(what), code=_defined(code)) for number, what, code in found]


def _request(what: str) -> re.Pattern[str] | None:
    address = _ADDRESS.search(what)
    return address and re.compile(f"{address[1]} " + re.sub(r"\{\w+\}", "[^/]+", address[2]))


@cache
def _defined(name: str) -> str:
    """Where what a page names is defined: it may be imported where the page says."""
    try:
        return importlib.import_module(name).__name__
    except ModuleNotFoundError:
        found = _find(name)
        found = getattr(found, "__wrapped__", found)
        return f"{found.__module__}.{found.__qualname__}"


def _find(name: str) -> Any:
    """What a module, or a class in it, calls so."""
    place, _, last = name.rpartition(".")
    try:
        return getattr(importlib.import_module(place), last)
    except ModuleNotFoundError:
        return getattr(_find(place), last)


@contextmanager
def following(steps: Sequence[Step]) -> Iterator[Followed]:
    """Write down the requests, and the calls of the code of these steps, here and in each thread that starts now."""
    followed = Followed()
    known: dict[int, str] = {}  # by identity: a code's own hash reads all of it, at every call
    kept: list[CodeType] = []

    def note(frame: FrameType, _event: str, _: object) -> None:
        code = frame.f_code
        name = known.get(id(code))
        if name is None:
            kept.append(code)
            full = f"{frame.f_globals.get('__name__')}.{code.co_qualname}"
            known[id(code)] = name = full if full == _SERVED or any(step.is_code(full) for step in steps) else ""
        if name == _SERVED:
            scope = frame.f_locals["scope"]
            if scope["type"] == "http":
                followed.events.append(f"{scope['method']} {scope['path']}")
        elif name:
            followed.events.append(name)

    before = sys.gettrace()
    threading.settrace(note)
    sys.settrace(note)
    try:
        yield followed
    finally:
        sys.settrace(before)
        threading.settrace(before)  # type: ignore[arg-type]
