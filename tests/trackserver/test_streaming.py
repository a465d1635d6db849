import asyncio
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from starlette.requests import Request
from starlette.types import Message

from trackserver.catalogue import StoredFile
from trackserver.errors import MasterChanged
from trackserver.streaming import CHUNK_BYTES, Sendable, build_file_response
from trackserver.zip_layout import Member, build_zip_layout

GB = 1_000_000_000
_STREAM = """
    import asyncio, resource, sys
    from pathlib import Path
    from starlette.requests import Request
    from trackserver.catalogue import StoredFile
    from trackserver.streaming import Sendable, build_file_response
    from trackserver.zip_layout import Member, build_zip_layout

    paths = [Path(name) for name in sys.argv[1:]]
    members = []
    for path in paths:
        stat = path.stat()
        file = StoredFile(path=path, size=stat.st_size, modified_ns=stat.st_mtime_ns, sha256="00" * 32, crc32=0)
        members.append(Member(name=path.name, content=file, crc32=0))
    layout = build_zip_layout(members)

    async def main():
        scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
        content = Sendable(content=layout, media_type="application/zip", name="x.zip")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        response = await build_file_response(Request(scope), content, cache_control="no-cache")
        sent = 0
        async def send(message):
            nonlocal sent
            sent += len(message.get("body", b""))
        async def receive():
            await asyncio.Event().wait()
        await response(scope, receive, send)
        assert sent == layout.size, (sent, layout.size)
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
    asyncio.run(main())
"""


def stored(path: Path, size: int) -> StoredFile:
    with path.open("wb") as file:
        file.truncate(size)
    return StoredFile(path=path, size=size, modified_ns=path.stat().st_mtime_ns, sha256="00" * 32, crc32=0)


def scope_of(method: str = "GET") -> dict[str, Any]:
    return {"type": "http", "method": method, "path": "/", "headers": [], "query_string": b""}


async def never() -> Message:
    await asyncio.Event().wait()
    return {"type": "http.disconnect"}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="peak memory is read with `resource`")
def test_memory_stays_flat_for_a_release_of_two_gigabytes(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.flac" for number in range(4)]
    for path in paths:
        stored(path, GB // 2)
    done = subprocess.run(  # our own words
        [sys.executable, "-c", textwrap.dedent(_STREAM), *map(str, paths)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 12_000_000


async def test_chunks_are_large_and_nothing_is_read_for_a_head_request(tmp_path: Path) -> None:
    file = stored(tmp_path / "a", 3 * CHUNK_BYTES + 5)
    sendable = Sendable(content=file, media_type="audio/flac", name="a.flac")
    sizes: list[int] = []

    async def send(message: Message) -> None:
        sizes.append(len(message.get("body", b"")))

    response = await build_file_response(Request(scope_of()), sendable, cache_control="no-cache")
    await response(scope_of(), never, send)
    assert sizes == [0, CHUNK_BYTES, CHUNK_BYTES, CHUNK_BYTES, 5, 0]
    sizes.clear()
    head = await build_file_response(Request(scope_of("HEAD")), sendable, cache_control="no-cache")
    await head(scope_of("HEAD"), never, send)
    assert sizes == [0, 0]


async def test_nothing_more_is_read_once_the_client_has_gone(tmp_path: Path) -> None:
    file = stored(tmp_path / "a", 100 * CHUNK_BYTES)
    sendable = Sendable(content=file, media_type="audio/flac", name=None)
    gone = asyncio.Event()
    sent = 0

    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal sent
        sent += len(message.get("body", b""))
        if sent >= 3 * CHUNK_BYTES:
            gone.set()
        await anyio.lowlevel.checkpoint()

    response = await build_file_response(Request(scope_of()), sendable, cache_control="no-cache")
    await response(scope_of(), receive, send)
    assert sent < 10 * CHUNK_BYTES


def replace_it(path: Path) -> None:
    path.write_bytes(b"other")


def shorten_it(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(1)


@pytest.mark.parametrize("change", [replace_it, shorten_it, Path.unlink])
async def test_a_file_that_changes_under_way_breaks_the_answer_off(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    first, second = stored(tmp_path / "1", 10), stored(tmp_path / "2", 10)
    members = [Member(name=file.path.name, content=file, crc32=0) for file in (first, second)]
    content = Sendable(content=build_zip_layout(members), media_type="application/zip", name="x.zip")
    response = await build_file_response(Request(scope_of()), content, cache_control="no-cache")
    messages: list[Message] = []

    async def send(message: Message) -> None:
        if not messages:
            change(second.path)
        messages.append(message)

    with pytest.raises(ExceptionGroup) as caught:
        await response(scope_of(), never, send)
    assert caught.group_contains((MasterChanged, FileNotFoundError))
    assert messages[-1].get("more_body") is True


async def test_a_file_that_shrinks_while_it_is_read_breaks_the_answer_off(tmp_path: Path) -> None:
    file = stored(tmp_path / "a", 4 * CHUNK_BYTES)
    content = Sendable(content=file, media_type="audio/flac", name=None)
    response = await build_file_response(Request(scope_of()), content, cache_control="no-cache")

    async def send(message: Message) -> None:
        if message.get("body"):
            shorten_it(file.path)

    with pytest.raises(ExceptionGroup) as caught:
        await response(scope_of(), never, send)
    assert caught.group_contains(MasterChanged)
