"""Five hundred at once on one core: whoever cannot be served is told so at once, and nobody is cut off."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import pytest

from handstamp.composition import issuer as issuer_composition
from handstamp.settings import IssuerSettings, Settings
from tests.support.live import certify
from tests.support.outside import Authority
from tests.support.recording import free_port
from tests.support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.flow, pytest.mark.slow]
CLIENTS = 500
EACH = 6
PLACES = 64
BEGINS = 40
GREEDY = "203.0.113.9"


class Served(NamedTuple):
    """A service that runs."""

    port: int
    process: subprocess.Popen[bytes]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
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
        "HANDSTAMP_ISSUER__CONCURRENT_REQUESTS": str(PLACES),
        "HANDSTAMP_ISSUER__BEGINS_PER_MINUTE": str(BEGINS),
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
            yield Served(chosen, process)
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait(PATIENCE_S)
    assert b"Traceback" not in (tmp_path / "log").read_bytes()


async def _until_ready(port: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
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


class Client:
    """One of the crowd, with a connection of its own; one in ten comes from the same greedy neighbourhood."""

    def __init__(self, port: int, number: int) -> None:
        self._port = port
        self._address = GREEDY if number % 10 == 0 else f"10.{number // 250}.{number % 250}.1"

    async def come(self) -> None:
        """Connect, and hear once that the server has taken the connection."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        assert (await self.ask("GET", "/health/live"))[0] == 200

    async def ask(self, method: str = "POST", path: str = "/nonce") -> tuple[int, str]:
        return await ask(self._reader, self._writer, method, path, self._address)

    async def storm(self) -> list[tuple[int, str]]:
        """Ask again and again, as soon as there is an answer."""
        try:
            return [await self.ask() for _ in range(EACH)]
        finally:
            self._writer.close()


async def storm(served: Served) -> tuple[list[tuple[int, str]], list[int]]:
    """Let everybody's first request lie there before the server looks at any, however slow this machine is."""
    clients = [Client(served.port, number) for number in range(CLIENTS)]
    await asyncio.gather(*(each.come() for each in clients))
    over = asyncio.Event()

    async def watch() -> list[int]:
        seen = []
        while not over.is_set():
            seen.append(await health(served.port))
            await asyncio.sleep(0.05)
        return seen

    served.process.send_signal(signal.SIGSTOP)
    storms = [asyncio.create_task(each.storm()) for each in clients]
    watcher = asyncio.create_task(watch())
    await asyncio.sleep(0)  # each has written its request when it gets its turn again
    served.process.send_signal(signal.SIGCONT)
    answers = await asyncio.gather(*storms)
    over.set()
    return [each for answer in answers for each in answer], await watcher


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no system call that pins a process to one core")
def test_five_hundred_at_once_get_an_answer_or_an_honest_refusal_and_health_stays_green(served: Served) -> None:
    answers, seen = asyncio.run(storm(served))
    greedy = asyncio.run(afterwards(served.port, GREEDY, BEGINS + 1))
    statuses = Counter(status for status, _ in answers)
    assert sum(statuses.values()) == CLIENTS * EACH
    assert {200, 503} <= set(statuses) <= {200, 429, 503}
    assert greedy[-1][0] == 429
    assert all(later.isdigit() and int(later) >= 1 for status, later in [*answers, *greedy] if status != 200)
    assert set(seen) == {200}
    assert {status for status, _ in asyncio.run(afterwards(served.port, "198.51.100.1", 20))} == {200}


async def afterwards(port: int, address: str, times: int) -> list[tuple[int, str]]:
    """Ask as anybody would when the storm is over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = [await ask(reader, writer, "POST", "/nonce", address) for _ in range(times)]
    writer.close()
    return found
