"""What Debian's nginx says by itself, with our files: a page for people, a problem document for programs."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import trustme

from tests.support.fronting import CONF, find_nginx, render
from tests.support.recording import free_port
from tests.support.waiting import PATIENCE_S, end

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

HOST = "coop.localhost"
PAGE = {"Host": HOST, "Accept": "text/html,application/xhtml+xml"}
PROGRAM = {"Host": HOST, "Accept": "application/json"}
SHEET = Path(__file__).parents[2] / "plumbing" / "web" / "static" / "handstamp.css"


class Silent:
    """Stands where a role's workers would, and takes connections without a word."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(PATIENCE_S)
        self.port = self._socket.getsockname()[1]

    def wait_for_one(self) -> socket.socket:
        """Return the first connection, once it is there."""
        return self._socket.accept()[0]

    def close(self) -> None:
        """Take no more."""
        self._socket.close()


@pytest.fixture(scope="module")
def silent() -> Iterator[Silent]:
    with contextlib.closing(Silent()) as made:
        yield made


@pytest.fixture(scope="module")
def mute() -> Iterator[Silent]:
    with contextlib.closing(Silent()) as made:
        yield made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("alone")


@pytest.fixture(scope="module")
def web(folder: Path, silent: Silent, mute: Silent) -> Iterator[httpx.Client]:
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    leaf = authority.issue_cert(HOST, "artist.localhost", key_type=trustme.KeyType.ECDSA)
    for name in ("coop", "artist", "tracks"):
        (folder / "tls" / f"{name}.example").mkdir(parents=True)
        leaf.private_key_pem.write_to_path(str(folder / "tls" / f"{name}.example" / "privkey.pem"))
        leaf.cert_chain_pems[0].write_to_path(str(folder / "tls" / f"{name}.example" / "fullchain.pem"))
    (folder / "nginx").mkdir()
    port, nobody = free_port(), [free_port(), free_port()]
    workers = {"issuer": nobody, "trackserver": [mute.port] * 2, "verifier": [silent.port] * 2}
    # Tests come from other addresses than this machine's by saying so.
    believed = "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;"
    config = render(folder / "nginx", port, workers, tls=folder / "tls", extra=believed)
    inner = folder / "nginx" / "handstamp-proxy.inc"
    inner.write_text(inner.read_text("utf-8").replace("handstamp_connections 1000", "handstamp_connections 1"), "utf-8")
    served = subprocess.Popen([find_nginx(), "-e", str(folder / "nginx" / "start.log"), "-c", str(config)])
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(trust)
    with httpx.Client(
        base_url=f"https://127.0.0.1:{port}", verify=trust, trust_env=False, timeout=PATIENCE_S
    ) as client:
        try:
            _wait(port)
            yield client
        finally:
            end([served])


def _wait(port: int) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S):
            return
        time.sleep(0.02)
    raise AssertionError("nginx does not answer")


def ask(web: httpx.Client, method: str, path: str, headers: dict[str, str], content: bytes = b"") -> httpx.Response:
    return web.request(method, path, headers=headers, content=content, extensions={"sni_hostname": headers["Host"]})


def test_people_are_told_in_words_while_no_worker_answers(web: httpx.Client) -> None:
    for method in ("GET", "POST"):
        page = ask(web, method, "/login?token=abc", PAGE)
        assert (page.status_code, page.headers["retry-after"]) == (503, "10")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "We are back in a moment" in page.text
        assert "Gleich geht es weiter" in page.text
        assert page.headers["cache-control"] == "no-store"
        assert page.headers.get_list("strict-transport-security") == ["max-age=31536000"]
        assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self';")
        assert "abc" not in page.text


def test_a_program_is_told_in_its_format_while_no_worker_answers(web: httpx.Client) -> None:
    told = ask(web, "POST", "/token", PROGRAM)
    assert (told.status_code, told.headers["retry-after"]) == (503, "10")
    assert told.headers["content-type"] == "application/problem+json"
    said = told.json()
    assert (said["status"], said["type"], said["error"]) == (
        503,
        "urn:handstamp:error:resting",
        "temporarily_unavailable",
    )


def test_the_sheet_of_these_pages_is_there_without_a_worker_and_has_the_colours_of_all(web: httpx.Client) -> None:
    (sheet,) = set(re.findall(r'rel="stylesheet" href="([^"]+)"', ask(web, "GET", "/", PAGE).text))
    found = ask(web, "GET", sheet, PAGE)
    assert (found.status_code, found.headers["content-type"]) == (200, "text/css")
    tokens = re.findall(r"--[\w-]+: #\w+;", found.text)
    assert len(tokens) == 12
    assert set(tokens) <= set(re.findall(r"--[\w-]+: #\w+;", SHEET.read_text("utf-8")))


@pytest.mark.parametrize(
    ("path", "more", "body", "status", "words"),
    [
        ("/token", {}, b"x" * (256 * 1024 + 1), 413, "That was too much at once"),
        ("/", {"Cookie": "a=" + "x" * 40_000}, b"", 431, "This could not be read"),
        ("/handstamp-pages/resting.html", {}, b"", 404, "This could not be read"),
    ],
    ids=["a body", "a cookie", "one of these pages"],
)
def test_who_is_refused_by_nginx_is_told_why(
    web: httpx.Client, path: str, more: dict[str, str], body: bytes, status: int, words: str
) -> None:
    page = ask(web, "POST" if body else "GET", path, PAGE | more, body)
    told = ask(web, "POST" if body else "GET", path, PROGRAM | more, body)
    assert (page.status_code, told.status_code) == (status, status)
    assert words in page.text
    assert told.json()["error"] == "invalid_request"


@pytest.mark.parametrize(("path", "status"), [("/" + "x" * 40_000, 414), ("/%00", 400)], ids=["too long", "a NUL"])
def test_who_asks_for_what_is_no_address_gets_a_page(web: httpx.Client, path: str, status: int) -> None:
    page = ask(web, "GET", path, PAGE)
    assert page.status_code == status
    assert "This could not be read" in page.text


@contextlib.contextmanager
def waiting(web: httpx.Client, host: str, worker: Silent, fields: bytes = b"") -> Iterator[None]:
    """Have one request to a host on its way, which its worker has got and does not answer."""
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(
            socket.create_connection((web.base_url.host, web.base_url.port or 0), timeout=PATIENCE_S)
        )
        blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
        first = stack.enter_context(blind.wrap_socket(connection, server_hostname=host))
        first.sendall(b"GET / HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (host.encode(), fields))
        stack.enter_context(worker.wait_for_one())
        yield


def test_who_opens_too_much_at_once_is_told_when_to_come_again(web: httpx.Client, silent: Silent) -> None:
    with waiting(web, "artist.localhost", silent):
        page = ask(web, "GET", "/", PAGE | {"Host": "artist.localhost"})
    assert (page.status_code, page.headers["retry-after"]) == (429, "5")
    assert "Many are here at once" in page.text


def test_of_ipv6_a_whole_network_counts_as_one_address(web: httpx.Client, mute: Silent) -> None:
    with waiting(web, "tracks.localhost", mute, b"X-Forwarded-For: 2001:db8:a0a:2::1\r\n"):
        beside = ask(web, "GET", "/", PAGE | {"X-Forwarded-For": "2001:db8:a0a:2:ffff::9"})
        elsewhere = ask(web, "GET", "/", PAGE | {"X-Forwarded-For": "2001:db8:a0a:3::1"})
    assert (beside.status_code, elsewhere.status_code) == (429, 503)


@pytest.mark.parametrize("content", [b"", b"x" * (2 * 1024 * 1024)], ids=["a path", "too much"])
def test_who_names_one_host_to_tls_and_asks_for_another_gets_no_answer(web: httpx.Client, content: bytes) -> None:
    stranger, known = {"Host": "other.example"}, {"sni_hostname": HOST}
    with pytest.raises((httpx.RemoteProtocolError, httpx.WriteError, httpx.ReadError)):
        web.post("/some/where", headers=stranger, content=content, extensions=known)


def test_no_log_of_nginx_says_who_came_or_what_for(web: httpx.Client, folder: Path) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        web.get("/some/where", headers={"Host": "other.example"}, extensions={"sni_hostname": HOST})
    ask(web, "GET", "/login?token=abc", PAGE)
    said = "".join(each.read_text("utf-8") for each in (folder / "nginx").glob("*.log"))
    assert said
    assert not re.search(r"127\.0\.0\.1|where|login|abc", said)


def test_every_page_is_said_in_two_languages_and_in_one_format_for_programs() -> None:
    pages = sorted((CONF / "pages").glob("*.html"))
    assert len(pages) == 4
    for each in pages:
        text = each.read_text("utf-8")
        assert re.search(r"<h1>.+</h1>", text)
        assert '<section lang="de">' in text
        assert not re.search(r"<script|style=|<style|https?://(?!www\.w3\.org/2000/svg)", text)
        assert each.with_suffix(".json").is_file()
