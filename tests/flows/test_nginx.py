"""Behind Debian's nginx with our files: TLS of a private authority, two workers each on PostgreSQL, and our wallet."""

from __future__ import annotations

import contextlib
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trustme

from handstamp.demo.stage import Stage
from tests.support.fronting import find_nginx, render
from tests.support.recording import free_port
from tests.support.town import build_album
from tests.support.waiting import PATIENCE_S, end

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.flow, pytest.mark.slow]

NAMES = {"issuer": "coop", "verifier": "artist", "trackserver": "tracks"}
COMMANDS = {"issuer": "issuer", "verifier": "verifier", "trackserver": "tracks"}
STRANGER = "203.0.113.9"
CAP = 256 * 1024
TRIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """nginx, and what runs behind it."""

    folder: Path
    stage: Stage
    workers: dict[str, list[int]]
    port: int
    authority: trustme.CA
    recorded: list[dict[str, str]]
    processes: dict[int, subprocess.Popen[bytes]]

    def web(self) -> httpx.Client:
        trust = ssl.create_default_context(cafile=str(self.folder / "authority.pem"))
        return httpx.Client(verify=trust, trust_env=False, timeout=PATIENCE_S)

    def ask(self, web: httpx.Client, method: str, url: str, **more: Any) -> httpx.Response:
        """Ask an address by its name: only our own fetcher knows where `*.localhost` is."""
        return web.send(self.request(web, method, url, **more))

    def request(self, web: httpx.Client, method: str, url: str, **more: Any) -> httpx.Request:
        where = httpx.URL(url)
        headers = {"Host": where.netloc.decode(), **more.pop("headers", {})}
        extensions = {"sni_hostname": where.host}
        return web.build_request(
            method, where.copy_with(host="127.0.0.1"), headers=headers, extensions=extensions, **more
        )

    def said(self) -> str:
        """All that nginx wrote to any log."""
        return "".join(each.read_text("utf-8", "replace") for each in (self.folder / "nginx").glob("*.log"))


class Recorder(BaseHTTPRequestHandler):
    """Stands behind the same lines as the services, and writes down what it is told."""

    def do_GET(self) -> None:
        self.server.recorded.append({name.lower(): value for name, value in self.headers.items()})  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory, on_server: Callable[[str], str]) -> Iterator[Front]:
    nginx = find_nginx()
    folder = tmp_path_factory.mktemp("front")
    port = free_port()
    workers = {role: [free_port(), free_port()] for role in NAMES}
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    stage = _stage(folder, port, workers, authority, {role: on_server("empty") for role in NAMES})
    with contextlib.ExitStack() as stack:
        recorder = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
        recorder.recorded = []  # type: ignore[attr-defined]
        threading.Thread(target=recorder.serve_forever, daemon=True).start()
        stack.callback(recorder.server_close)
        stack.callback(recorder.shutdown)
        (folder / "nginx").mkdir()
        extra = _recorded_too(folder, port, recorder.server_port)
        config = render(folder / "nginx", port, workers, tls=folder / "tls", extra=extra)
        _import_keys(stage, folder)
        processes: dict[int, subprocess.Popen[bytes]] = {}
        stack.callback(lambda: end(processes.values()))
        for role, ports in workers.items():
            processes |= {each: _start(stage, role, each) for each in ports}
        served = subprocess.Popen([nginx, "-e", str(folder / "nginx" / "start.log"), "-c", str(config)])
        stack.callback(end, [served])
        made = Front(
            folder=folder,
            stage=stage,
            workers=workers,
            port=port,
            authority=authority,
            recorded=recorder.recorded,  # type: ignore[attr-defined]
            processes=processes,
        )
        _wait(made)
        yield made


def _stage(
    folder: Path, port: int, workers: dict[str, list[int]], authority: trustme.CA, urls: dict[str, str]
) -> Stage:
    addresses = {role: f"https://{name}.localhost:{port}" for role, name in NAMES.items()}
    lines = [f'data_dir = "{folder / "data"}"']
    for role, address in addresses.items():
        lines += [f"[{role}]", f'base_url = "{address}"', f"port = {workers[role][0]}"]
        lines += ['trusted_proxies = ["127.0.0.1/32"]', f"tries_per_minute = {TRIES}"]
    lines += ["[wallet]", f'passphrase_file = "{folder / "passphrase"}"', ""]
    (folder / "handstamp.toml").write_text("\n".join(lines), "utf-8")
    (folder / "passphrase").touch(mode=0o600)
    (folder / "passphrase").write_text("a long and quiet sentence", "utf-8")
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    for name in (*NAMES.values(), "recorder"):
        leaf = authority.issue_cert(f"{name}.localhost", key_type=trustme.KeyType.ECDSA)
        place = folder / "tls" / f"{name}.example"
        place.mkdir(parents=True)
        leaf.private_key_pem.write_to_path(str(place / "privkey.pem"))
        for part in leaf.cert_chain_pems:
            part.write_to_path(str(place / "fullchain.pem"), append=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HANDSTAMP_")}
    own = {f"HANDSTAMP_{role.upper()}__DATABASE_URL": url for role, url in urls.items()} | {"COLUMNS": "120"}
    trust = {"SSL_CERT_FILE": str(folder / "authority.pem"), "HANDSTAMP_CONFIG": str(folder / "handstamp.toml")}
    return Stage(folder=folder, addresses=addresses, environment={**kept, **trust, **own})


def _recorded_too(folder: Path, port: int, recorder: int) -> str:
    """One more server with the lines of all, before whoever writes down what it is told."""
    tls = folder / "tls" / "recorder.example"
    return f"""server {{
        listen 127.0.0.1:{port} ssl http2;
        server_name recorder.localhost;
        ssl_certificate {tls}/fullchain.pem;
        ssl_certificate_key {tls}/privkey.pem;
        include {folder}/nginx/handstamp-proxy.inc;
        location / {{ proxy_pass http://127.0.0.1:{recorder}; }}
    }}"""


def _import_keys(stage: Stage, folder: Path) -> None:
    for role in ("issuer", "verifier"):
        tls = folder / "tls" / f"{NAMES[role]}.example"
        stage.run(role, "keys", "import", "--key", str(tls / "privkey.pem"), "--chain", str(tls / "fullchain.pem"))


def _start(stage: Stage, role: str, port: int) -> subprocess.Popen[bytes]:
    """Start one worker as its unit does: the same settings, and the port of its name."""
    environment = {**stage.environment, f"HANDSTAMP_{role.upper()}__PORT": str(port)}
    command = [sys.executable, "-m", "handstamp", COMMANDS[role], "serve"]
    with (stage.folder / f"{role}-{port}.log").open("wb") as log:
        return subprocess.Popen(command, env=environment, cwd=stage.folder, stdout=log, stderr=log)


def _wait(front: Front) -> None:
    """Wait until every worker answers by itself, and nginx does."""
    give_up = time.monotonic() + 3 * PATIENCE_S
    ports = [port for ports in front.workers.values() for port in ports]
    with front.web() as web:
        while time.monotonic() < give_up:
            try:
                done = [web.get(f"http://127.0.0.1:{port}/health/ready").is_success for port in ports]
                front.ask(web, "GET", f"{front.stage.addresses['issuer']}/health/live")
            except httpx.HTTPError:
                done = [False]
            if all(done):
                return
            time.sleep(0.2)
    logs = "".join(each.read_text("utf-8", "replace")[-1000:] for each in front.folder.glob("*.log"))
    raise AssertionError(f"not everything answers: {logs}\n{front.said()}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Furnished:
    release: dict[str, Any]
    gate: str
    listener: str


@pytest.fixture(scope="module")
def furnished(front: Front) -> Furnished:
    stage = front.stage
    release: Any = stage.run_json("tracks", "add", str(build_album(front.folder / "album")))
    url = f"{stage.addresses['trackserver']}/releases/{release['id']}"
    stage.run("issuer", "release", "add", url)
    stage.run("verifier", "trust", stage.addresses["issuer"], "--yes")
    stage.run("tracks", "allow", stage.addresses["verifier"], "--release", release["id"], "--yes")
    gate: Any = stage.run_json("gate", "add", "--release", url)
    listener: Any = stage.run_json("issuer", "listener", "add", "--name", "Quillon Canarybird")
    stage.run("issuer", "buy", listener["id"], release["id"])
    stage.run("wallet", "create")
    stage.run("wallet", "trust", "add", str(front.folder / "authority.pem"), "--name", "Town", "--yes")
    return Furnished(release=release, gate=gate["link"], listener=listener["id"])


def test_our_wallet_receives_shows_and_downloads_through_it(front: Front, furnished: Furnished) -> None:
    stage = front.stage
    offer: Any = stage.run_json("issuer", "offer", furnished.listener)
    stage.run("wallet", "receive", offer["link"], "--code", offer["code"], "--yes")
    stage.run("wallet", "open", furnished.gate, "--to", str(front.folder / "music"), "--yes")
    names = {each.suffix for each in (front.folder / "music").rglob("*") if each.is_file()}
    assert ".flac" in names
    assert not list((front.folder / "data").rglob("*.sqlite"))


def test_both_workers_take_up_a_new_key_at_once_and_without_a_restart(front: Front) -> None:
    leaf = front.authority.issue_cert("coop.localhost", key_type=trustme.KeyType.ECDSA)
    key, chain = front.folder / "new.key.pem", front.folder / "new.chain.pem"
    leaf.private_key_pem.write_to_path(str(key))
    for part in leaf.cert_chain_pems:
        part.write_to_path(str(chain), append=True)
    old = front.stage.run("issuer", "keys", "show").strip()
    front.stage.run("issuer", "keys", "import", "--key", str(key), "--chain", str(chain), "--at-once")
    new = front.stage.run("issuer", "keys", "show").strip()
    with front.web() as web:
        for port in front.workers["issuer"]:
            stated = web.get(f"http://127.0.0.1:{port}/.well-known/jwt-vc-issuer").json()["jwks"]["keys"]
            assert [each["kid"] for each in stated] == [new, old]


def test_every_answer_insists_on_https_and_no_other_party_is_named(front: Front) -> None:
    with front.web() as web:
        for address in front.stage.addresses.values():
            reply = front.ask(web, "GET", f"{address}/health/ready")
            assert reply.status_code == 200
            assert reply.headers.get_list("strict-transport-security") == ["max-age=31536000"]
            assert "nginx/" not in reply.headers.get("server", "")


def test_a_name_that_is_not_here_gets_no_certificate(front: Front) -> None:
    with front.web() as web, pytest.raises(httpx.ConnectError):
        front.ask(web, "GET", f"https://other.localhost:{front.port}/")


def test_the_true_address_reaches_the_services_and_what_a_client_says_of_itself_does_not(front: Front) -> None:
    said = {"X-Forwarded-For": STRANGER, "Forwarded": f"for={STRANGER}", "X-Real-IP": STRANGER, "X-Forwarded-Host": "x"}
    with front.web() as web:
        front.ask(web, "GET", f"https://recorder.localhost:{front.port}/", headers=said)
    told = front.recorded[-1]
    assert told["x-forwarded-for"] == "127.0.0.1"
    assert STRANGER not in json.dumps(told)
    assert {"forwarded", "x-real-ip", "x-forwarded-host"}.isdisjoint(told)


def test_buckets_are_of_the_address_that_nginx_saw(front: Front) -> None:
    url = f"{front.stage.addresses['issuer']}/login?token=nothing"
    with front.web() as web:
        through = [front.ask(web, "GET", url, headers={"X-Forwarded-For": STRANGER}) for _ in range(TRIES + 5)]
        worker = f"http://127.0.0.1:{front.workers['issuer'][0]}/login?token=nothing"
        beside = [web.get(worker, headers={"X-Forwarded-For": STRANGER}) for _ in range(TRIES + 5)]
    assert 429 not in {each.status_code for each in through}
    assert beside[-1].status_code == 429
    assert int(beside[-1].headers["retry-after"]) > 0


@pytest.mark.parametrize("size", [CAP + 1])
def test_a_body_over_the_cap_is_refused_before_any_worker_sees_it(front: Front, size: int) -> None:
    with front.web() as web:
        reply = front.ask(web, "POST", f"{front.stage.addresses['issuer']}/token", content=b"x" * size)
        assert reply.status_code == 413
        assert "Nothing was changed" in reply.text
        at_cap = front.ask(web, "POST", f"{front.stage.addresses['issuer']}/token", content=b"x" * CAP)
    assert at_cap.status_code == 400
    assert "error" in at_cap.json()


def test_news_comes_through_word_by_word(front: Front, furnished: Furnished) -> None:
    with front.web() as web:
        made = front.ask(web, "POST", f"{furnished.gate}/visits", headers={"Accept": "application/json"})
        cookie = made.headers["set-cookie"].partition(";")[0]
        asked = front.request(web, "GET", f"{made.json()['visit']}/events", headers={"Cookie": cookie})
        with contextlib.closing(web.send(asked, stream=True)) as stream:
            first = next(stream.iter_text())
    assert "waiting" in first


def test_one_worker_may_go_and_nobody_notices(front: Front) -> None:
    port = front.workers["trackserver"][1]
    front.processes[port].terminate()
    front.processes[port].wait(PATIENCE_S)
    with front.web() as web:
        url = f"{front.stage.addresses['trackserver']}/health/ready"
        assert {front.ask(web, "GET", url).status_code for _ in range(10)} == {200}
        front.processes[front.workers["trackserver"][0]].terminate()
        front.processes[front.workers["trackserver"][0]].wait(PATIENCE_S)
        resting = front.ask(web, "GET", url)
    assert (resting.status_code, resting.headers["retry-after"]) == (503, "10")


def test_nothing_that_nginx_writes_names_or_links_anybody(front: Front, furnished: Furnished) -> None:
    with front.web() as web:
        started = front.ask(web, "POST", f"{furnished.gate}/visits", headers={"Accept": "application/json"})
        visit = started.json()["visit"].rpartition("/")[2]
        front.ask(web, "GET", f"{front.stage.addresses['issuer']}/login?token=sesame-open-{visit}")
    said = front.said()
    assert " POST 201 " in said
    for never in ("127.0.0.1", STRANGER, visit, "sesame", "token", "visits", furnished.gate, "python-httpx"):
        assert never not in said, never
