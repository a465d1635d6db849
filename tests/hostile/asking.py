"""One hostile request as a row of a table, and how it is put to an application, as a server would put it."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp

PROBLEM = "application/problem+json"
PAGE = "text/html; charset=utf-8"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
HTML = "text/html,application/xhtml+xml"
"""What a browser says that it wants."""
STRICT = {
    "content-security-policy": "default-src 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=()",
}
EVIL = ("evil.example", "<script", "onerror=", "\x1b", "\u202e")
"""What a hostile request, title or name holds; none of it may come back as anything but text, or reach a log."""
_BAD = 400
_SLOT = re.compile(r"<<(\w+)>>")


@dataclass(frozen=True, slots=True)
class Case:
    """One input and its exact answer.

    Attributes:
        name: what it tries.
        ask: method and target, as they stand in the request line; `<<name>>` is filled in by the scene.
        expect: the status, then `problem CODE`, `oauth ERROR`, `page CODE`, a media type, or `-` for no body.
        body: of the request, filled in as well.
        headers: their underscores are dashes; a list repeats one.
    """

    name: str
    ask: str
    expect: str
    body: str | bytes = b""
    headers: Mapping[str, str | list[str]] = field(default_factory=dict)


def case(name: str, ask: str, expect: str, body: str | bytes = b"", /, **headers: str | list[str]) -> Case:
    """Write a row."""
    return Case(name, ask, expect, body, headers)


def form(name: str, target: str, expect: str, body: str | bytes = b"", /, **headers: str | list[str]) -> Case:
    """Write a row in which a form is posted."""
    return case(name, f"POST {target}", expect, body, content_type=FORM, **headers)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for each, value in self.headers if each == name]

    def header(self, name: str) -> str:
        return ", ".join(self.all(name))

    def described(self) -> str:
        """The answer in the words of a row."""
        media_type = self.header("content-type")
        if media_type == PROBLEM:
            return f"{self.status} problem {json.loads(self.body)['code']}"
        if media_type == JSON and self.body.startswith((b'{"error"', b'{"verdict"')):
            said = json.loads(self.body)
            return f"{self.status} oauth {said['error']}" if "error" in said else f"{self.status} red {said['code']}"
        if media_type == PAGE and self.status >= _BAD:
            return f"{self.status} page {self._headline()}"
        return f"{self.status} {media_type or '-'}"

    def _headline(self) -> str:
        """The stable code of a page, or its heading, where that is ours."""
        text = self.body.decode()
        found = re.search(r"<code>\d+ (\w+)</code>", text) or re.search(r"<h1[^>]*>([^<&]*)</h1>", text)
        return found[1].strip() if found else "-"


@dataclass(frozen=True, slots=True)
class Scene:
    """A running service, and what there is to name in it."""

    app: ASGIApp
    origin: str
    names: Mapping[str, str]

    def ask(self, runner: asyncio.Runner, row: Case) -> Answer:
        """Put a row to the service."""
        method, _, target = self._fill(row.ask).partition(" ")
        body = self._fill(row.body).encode() if isinstance(row.body, str) else row.body
        headers = [("host", self.origin.partition("//")[2])]
        for name, given in row.headers.items():
            values = given if isinstance(given, list) else [given]
            headers += [(name.replace("_", "-"), self._fill(value)) for value in values]
        if body and not {"content-length", "transfer-encoding"} & {name for name, _ in headers}:
            headers.append(("content-length", str(len(body))))
        return runner.run(call(self.app, method, target, headers, body))

    def _fill(self, text: str) -> str:
        return _SLOT.sub(lambda found: self.names[found[1]], text)


async def call(app: ASGIApp, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
    """Ask an application as uvicorn does: the path is unquoted, the query is not."""
    path, _, query = target.partition("?")
    messages: list[Any] = []
    pieces = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return pieces.pop() if pieces else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        messages.append(message)

    sent = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "query_string": query.encode("ascii"),
        "root_path": "",
        "headers": sent,
        "client": ("198.51.100.7", 40_000),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    await app(scope, receive, send)
    start = messages[0]
    found = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in start["headers"]]
    return Answer(start["status"], found, b"".join(message.get("body", b"") for message in messages[1:]))
