"""Calls an ASGI application in this process, as a web server would, and counts the CPU time that it takes."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message

from credentials.encoding.strict_json import Json, parse_object


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def json(self) -> dict[str, Json]:
        """Read the body as a JSON object."""
        return parse_object(self.body, what="answer")

    def text_of(self, name: str) -> str:
        """Return a member of the body that is text."""
        value = self.json()[name]
        assert isinstance(value, str)
        return value

    def cookies(self) -> str:
        """Return the cookies that were set, as a browser sends them back."""
        pairs = [value.partition(b";")[0] for name, value in self.headers if name.lower() == b"set-cookie"]
        return b"; ".join(pairs).decode("latin-1")


@dataclass(slots=True)
class Server:
    """An application; what the caller does between two requests is not counted.

    Attributes:
        app: the application.
        cpu_s: CPU seconds that its requests took so far, in all threads.
    """

    app: ASGIApp
    cpu_s: float = field(default=0.0)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"", status: int = 200
    ) -> Answer:
        """Make one request, which must be answered with `status`."""
        scope = _scope(method, url, headers or {}, body)
        collected: list[Message] = []
        unread = [body]

        async def receive() -> Message:
            if unread:
                return {"type": "http.request", "body": unread.pop(), "more_body": False}
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            collected.append(message)

        began = time.process_time()
        await self.app(scope, receive, send)
        self.cpu_s += time.process_time() - began
        return _answer(collected, status)


def _scope(method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    parts = urlsplit(url)
    named = {"host": parts.netloc, "content-length": str(len(body)), **headers}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": parts.scheme,
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in named.items()],
        "client": ("127.0.0.1", 50_000),
        "server": (parts.hostname, parts.port or 80),
    }


def _answer(messages: list[Message], status: int) -> Answer:
    start, *rest = messages
    body = b"".join(message.get("body", b"") for message in rest)
    if start["status"] != status:
        raise RuntimeError(f"expected {status}, got {start['status']}: {body[:300]!r}")
    return Answer(status=start["status"], headers=tuple(start["headers"]), body=body)
