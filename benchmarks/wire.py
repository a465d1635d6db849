"""One client over one kept connection, as thin as can be, so that what is measured is the server."""

import asyncio
import time
from collections.abc import Mapping
from typing import Final, Self
from urllib.parse import urlsplit

from benchmarks.asgi import Answer, Server

_LENGTH: Final = b"content-length"


class Wire:
    """A connection to a service on this machine.

    Attributes:
        waited_s: how long its requests took so far, from the first byte sent to the last one received.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.waited_s = 0.0

    @classmethod
    async def open(cls, port: int) -> Self:
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def close(self) -> None:
        """Disconnect."""
        self._writer.close()
        await self._writer.wait_closed()

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"", status: int = 200
    ) -> Answer:
        """Make one request, which must be answered with `status`."""
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        named = {"host": parts.netloc, "content-length": str(len(body)), **(headers or {})}
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
        message = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body
        began = time.perf_counter()
        self._writer.write(message)
        answer = await self._read()
        self.waited_s += time.perf_counter() - began
        if answer.status != status:
            raise RuntimeError(f"expected {status}, got {answer.status}: {answer.body[:300]!r}")
        return answer

    async def _read(self) -> Answer:
        head = await self._reader.readuntil(b"\r\n\r\n")
        first, *lines = head[:-4].split(b"\r\n")
        pairs = [line.split(b": ", 1) for line in lines]
        headers = tuple((name.lower(), value) for name, value in pairs)
        length = int(dict(headers).get(_LENGTH, b"0"))
        return Answer(status=int(first.split(b" ", 2)[1]), headers=headers, body=await self._reader.readexactly(length))


Asker = Server | Wire
"""Whom a flow asks: the application itself, or a service over HTTP."""
