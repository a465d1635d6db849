"""Five hundred at once on one core: whoever cannot be served is told so at once, and nobody is cut off."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from handstamp.composition import issuer as issuer_composition
from handstamp.settings import IssuerSettings, Settings
from tests.support.live import certify
from tests.support.outside import Authority
from tests.support.recording import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.flow, pytest.mark.slow]
CLIENTS = 500
EACH = 6
GREEDY = "203.0.113.9"


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """The port of a co-op's service in a process of its own, on one core, with the settings that a co-op would have."""
    chosen = free_port()
    url = f"http://coop.localhost:{chosen}"
    settings = Settings(data_dir=tmp_path, issuer=IssuerSettings(base_url=url))
    authority = Authority()
    certify(issuer_composition.issuer_keys(settings), issuer_composition.KEY_NAME, url, authority)
    environment = {
        **os.environ,
        "HANDSTAMP_DATA_DIR": str(tmp_path),
        "HANDSTAMP_ISSUER__BASE_URL": url,
        "HANDSTAMP_ISSUER__PORT": str(chosen),
        "HANDSTAMP_ISSUER__TRUSTED_PROXIES": '["127.0.0.1/32"]',
        "HANDSTAMP_ISSUER__CONCURRENT_REQUESTS": "64",
        "HANDSTAMP_ISSUER__BEGINS_PER_MINUTE": "40",
        "HANDSTAMP_LOG_LEVEL": "warning",
    }
    core = min(os.sched_getaffinity(0))
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "handstamp", "issuer", "serve"],
            env=environment,
            stdout=log,
            stderr=log,
        )
        os.sched_setaffinity(process.pid, {core})
        try:
            asyncio.run(_until_ready(chosen))
            yield chosen
        finally:
            process.terminate()
            process.wait(10)
    assert b"Traceback" not in (tmp_path / "log").read_bytes()


async def _until_ready(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                if await health(port) == 200:
                    return
            except OSError:
                await asyncio.sleep(0.1)


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, method: str, path: str, address: str
) -> tuple[int, str]:
    """Send one request on an open connection, and return its status and when to come back."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: coop.localhost\r\nContent-Length: 0\r\nX-Forwarded-For: {address}\r\n\r\n"
    )
    writer.write(head.encode())
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:] if line)
    await reader.readexactly(int(fields["content-length"]))
    return int(lines[0].split(" ")[1]), fields.get("retry-after", "")


async def health(port: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return (await ask(reader, writer, "GET", "/health/ready", "192.0.2.1"))[0]
    finally:
        writer.close()


async def client(port: int, number: int, begin: asyncio.Event) -> list[tuple[int, str]]:
    """Ask again and again, as soon as there is an answer; one in ten comes from the same greedy neighbourhood."""
    address = GREEDY if number % 10 == 0 else f"10.{number // 250}.{number % 250}.1"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await begin.wait()
    try:
        return [await ask(reader, writer, "POST", "/nonce", address) for _ in range(EACH)]
    finally:
        writer.close()


async def storm(port: int) -> tuple[list[tuple[int, str]], list[int]]:
    begin, over = asyncio.Event(), asyncio.Event()

    async def watch() -> list[int]:
        seen = []
        while not over.is_set():
            seen.append(await health(port))
            await asyncio.sleep(0.05)
        return seen

    async with asyncio.TaskGroup() as group:
        watcher = group.create_task(watch())
        clients = [group.create_task(client(port, number, begin)) for number in range(CLIENTS)]
        await asyncio.sleep(1)
        begin.set()
        answers = await asyncio.gather(*clients)
        over.set()
    return [each for answer in answers for each in answer], watcher.result()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no system call that pins a process to one core")
def test_five_hundred_at_once_get_an_answer_or_an_honest_refusal_and_health_stays_green(port: int) -> None:
    answers, seen = asyncio.run(storm(port))
    statuses = Counter(status for status, _ in answers)
    assert sum(statuses.values()) == CLIENTS * EACH
    assert set(statuses) == {200, 429, 503}
    assert all(later.isdigit() and int(later) >= 1 for status, later in answers if status in {429, 503})
    assert set(seen) == {200}
    assert asyncio.run(afterwards(port)) == {200}


async def afterwards(port: int) -> set[int]:
    """Ask as anybody would when the storm is over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = {(await ask(reader, writer, "POST", "/nonce", "198.51.100.1"))[0] for _ in range(20)}
    writer.close()
    return found
