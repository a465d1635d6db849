from __future__ import annotations

import asyncio
import json
import signal
import socket
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
import trustme
from fastapi import FastAPI

from handstamp.composition.serving import CannotListen
from handstamp.conformance.api import build_conformance_app
from handstamp.conformance.service import ConformanceService
from handstamp.conformance.serving import HOST, build_server, serve
from tests.support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from tests.handstamp.conformance.conftest import Bench


async def test_it_is_reached_over_https_under_its_own_authority_only(bench: Bench) -> None:
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    server = build_server(bench.service, authority)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server.serve(sockets=[listener]))
        url = f"https://{HOST}:{listener.getsockname()[1]}"
        async with httpx.AsyncClient(verify=context, trust_env=False, timeout=PATIENCE_S) as client:
            answer = await client.get(url)
            assert answer.json()["note"].startswith("For testing only")
            # It would bind everything else that is called localhost.
            assert "strict-transport-security" not in answer.headers
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S) as stranger:
            with pytest.raises(httpx.ConnectError):
                await stranger.get(url)
        server.should_exit = True
        await running


async def test_it_can_be_mounted_below_a_path(bench: Bench) -> None:
    service = ConformanceService.make(base_url="https://localhost:8790/try", fetcher=bench.elsewhere)
    whole = FastAPI()
    whole.mount("/try", build_conformance_app(service))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=whole), base_url="https://localhost:8790") as client:
        endpoint = (await client.get("/try/")).json()["instances"]["bbs-2023"]["endpoint"]
        assert (await client.post(f"{endpoint}/credentials/verify", json={})).json()["code"] == "malformed"
        made = await client.post("/try/eddsa-rdfc-2022/status-lists", json={"statusPurpose": "revocation"})
        assert (await client.get(made.json()["id"])).status_code == 200


def test_a_port_that_is_taken_is_said_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(CannotListen):
        serve(listener.getsockname()[1], authority_file=None, announce=print)


@pytest.mark.slow
def test_the_command_says_who_signs_and_stops_when_told_to(tmp_path: Path) -> None:
    path = tmp_path / "authority.pem"
    command = [sys.executable, "-m", "handstamp", "conformance", "serve", "--port", "0", "--authority", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = json.loads(process.stdout.readline())
        trust = ssl.create_default_context(cafile=path)
        answer = httpx.get(said["baseUrl"], verify=trust, trust_env=False, timeout=PATIENCE_S)
        assert answer.json() == said
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) in (0, 130)
        assert process.stderr.readline().startswith("For testing only")
