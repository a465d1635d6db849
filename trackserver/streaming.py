"""Send files and zips: whole or in part, with memory flat and the event loop free.

Starlette's own file response does ranges but not 304, and knows one file only; a zip here is many (see `zip_layout`).
"""

import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import BinaryIO, Final

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from trackserver.catalogue import StoredFile
from trackserver.errors import MasterChanged
from trackserver.names import content_disposition
from trackserver.ranges import Part, Unchanged, Unsatisfiable, choose_answer
from trackserver.zip_layout import FileSlice, ZipLayout

CHUNK_BYTES: Final = 512 * 1024
Pieces = Iterator[bytes | FileSlice]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sendable:
    """Something of known length that can be sent from any byte on.

    Attributes:
        content: one file, or the layout of a zip.
        name: what the browser saves it as; None to show it in the page.
    """

    content: StoredFile | ZipLayout
    media_type: str
    name: str | None

    @property
    def etag(self) -> str:
        """The strong entity tag, without quotes: bytes that differ have another."""
        return self.content.sha256 if isinstance(self.content, StoredFile) else self.content.etag

    @property
    def size(self) -> int:
        """The length in bytes."""
        return self.content.size

    def pieces(self, start: int, stop: int) -> Pieces:
        """Give the bytes from `start` up to but without `stop`."""
        if isinstance(self.content, StoredFile):
            return iter((FileSlice(self.content, start, stop - start),))
        return self.content.slices(start, stop)


async def build_file_response(request: Request, sendable: Sendable, *, cache_control: str) -> Response:
    """Answer GET or HEAD, with ranges (RFC 9110 §14) and conditions (§13).

    Raises:
        MasterChanged: a file that it is read from is not the one that was added.
    """
    await anyio.to_thread.run_sync(_check_files, sendable.content)
    headers = {"ETag": f'"{sendable.etag}"', "Accept-Ranges": "bytes", "Cache-Control": cache_control}
    answer = choose_answer(
        size=sendable.size,
        etag=sendable.etag,
        range_header=request.headers.get("range") if request.method == "GET" else None,
        if_range=request.headers.get("if-range"),
        if_none_match=request.headers.get("if-none-match"),
    )
    if isinstance(answer, Unchanged):
        return Response(status_code=304, headers=headers)
    if isinstance(answer, Unsatisfiable):
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{sendable.size}"})
    start, stop = (answer.start, answer.stop) if isinstance(answer, Part) else (0, sendable.size)
    headers |= {"Content-Type": sendable.media_type, "Content-Length": str(stop - start)}
    if sendable.name is not None:
        headers["Content-Disposition"] = content_disposition(sendable.name)
    if isinstance(answer, Part):
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{sendable.size}"
    pieces = sendable.pieces(start, stop) if request.method == "GET" else iter(())
    return _PiecesResponse(pieces, status=206 if isinstance(answer, Part) else 200, headers=headers)


def _check_files(content: StoredFile | ZipLayout) -> None:
    for file in (content,) if isinstance(content, StoredFile) else content.files:
        try:
            stat = file.path.stat()
        except OSError as error:
            raise MasterChanged(file.path.name) from error
        _check_same(file, stat)


def _check_same(file: StoredFile, stat: os.stat_result) -> None:
    if (stat.st_size, stat.st_mtime_ns) != (file.size, file.modified_ns):
        raise MasterChanged(file.path.name)


class _PiecesResponse(Response):
    """A body that is read while it is sent, and no further once the client has gone."""

    def __init__(self, pieces: Pieces, *, status: int, headers: dict[str, str]) -> None:
        super().__init__(status_code=status, headers=headers)
        self._pieces = pieces

    @override
    def init_headers(self, headers: object = None) -> None:
        # The base class would announce the length of an empty body.
        assert isinstance(headers, dict)  # noqa: S101  # given above
        self.raw_headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
        ]

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with anyio.create_task_group() as group:
            group.start_soon(_cancel_when_gone, receive, group.cancel_scope)
            async with aclosing(_read(self._pieces)) as chunks:
                async for chunk in chunks:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            group.cancel_scope.cancel()


async def _cancel_when_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


async def _read(pieces: Pieces) -> AsyncGenerator[bytes, None]:
    """Read in a worker thread, a piece at a time; small pieces (the headers of a zip) travel alone."""
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
            continue
        file = await anyio.to_thread.run_sync(_open, piece)
        try:
            left = piece.length
            while left:
                chunk = await anyio.to_thread.run_sync(file.read, min(left, CHUNK_BYTES))
                if not chunk:
                    raise MasterChanged(piece.file.path.name)
                left -= len(chunk)
                yield chunk
        finally:
            file.close()


def _open(piece: FileSlice) -> BinaryIO:
    # Unbuffered: chunks are large, and a buffer would copy them once more.
    file = piece.file.path.open("rb", buffering=0)
    try:
        _check_same(piece.file, os.fstat(file.fileno()))
        file.seek(piece.offset)
    except BaseException:
        file.close()
        raise
    return file
