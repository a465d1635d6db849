"""Who asks too often is told when to come back, and who merely stands beside them is not."""

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI, Request
from starlette.responses import Response
from structlog.testing import capture_logs

from plumbing.web.app import WebPolicy, create_app
from plumbing.web.pages import Pages
from plumbing.web.rates import MOST_BUCKETS, WINDOW_S, Addresses, Kind, Rates, Windows

PROXY = "192.0.2.1"


class Seconds:
    """Time that only a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def scope(peer: str | None, *forwarded: str) -> dict[str, Any]:
    headers = [(b"host", b"x"), *((b"x-forwarded-for", each.encode("latin-1")) for each in forwarded)]
    return {"client": None if peer is None else (peer, 1), "headers": headers}


def build_app(folder: Path, rates: Rates | None) -> FastAPI:
    policy = WebPolicy(
        statuses={}, kinds={"POST /visits/{visit}/code": Kind.TRY, "POST /nonce": Kind.BEGIN}, oauth_paths=("/nonce",)
    )
    app = create_app(title="test", policy=policy, pages=Pages(folder, site_name="Test site"))
    app.state.rates = rates

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def anything(request: Request) -> Response:
        return Response(await request.body())

    return app


@pytest.fixture
def asking(tmp_path: Path) -> Callable[..., httpx.AsyncClient]:
    def client(*, peer: str = "198.51.100.7", **rates: Any) -> httpx.AsyncClient:
        made = Rates(**{"requests": 100, "monotonic": Seconds(), **rates})
        transport = httpx.ASGITransport(app=build_app(tmp_path, made), client=(peer, 1))
        return httpx.AsyncClient(transport=transport, base_url="http://test")

    return client


def test_a_window_lets_through_so_many_a_minute_and_says_when_there_is_a_place_again() -> None:
    windows = Windows(3)
    assert [windows.take(b"a", now=now) for now in (0.0, 10.0, 20.0)] == [0.0, 0.0, 0.0]
    assert windows.take(b"a", now=30.0) == pytest.approx(30.0)
    assert windows.take(b"b", now=30.0) == 0.0
    assert windows.take(b"a", now=60.0) == 0.0
    assert windows.take(b"a", now=60.0) == pytest.approx(10.0)


def test_a_window_forgets_who_has_not_asked_for_a_minute() -> None:
    windows = Windows(3)
    for number in range(50):
        windows.take(b"%d" % number, now=1.0)
    windows.take(b"later", now=2.0 + 2 * WINDOW_S)
    assert len(windows) == 1


def test_whoever_has_millions_of_neighbourhoods_fills_no_memory_and_shuts_out_nobody_who_was_there() -> None:
    windows = Windows(3)
    windows.take(b"there before", now=1.0)
    waits = [windows.take(b"%d" % number, now=1.0) for number in range(MOST_BUCKETS + 10)]
    assert len(windows) == MOST_BUCKETS + 1
    assert sum(map(bool, waits)) == 10 + 1 - 3
    assert windows.take(b"there before", now=1.0) == 0.0
    assert windows.take(b"yet another", now=2.0 + 2 * WINDOW_S) == 0.0


def test_a_bucket_is_a_neighbourhood_and_shows_nothing_of_the_address() -> None:
    addresses = Addresses(secret=b"s" * 32)
    one = addresses.bucket(scope("198.51.100.7"))
    assert one is not None
    assert b"\xc6\x33\x64" not in one
    assert addresses.bucket(scope("198.51.100.200")) == one
    assert addresses.bucket(scope("::ffff:198.51.100.9")) == one
    assert addresses.bucket(scope("198.51.101.7")) != one
    assert Addresses().bucket(scope("198.51.100.7")) != one


def test_an_ipv6_bucket_is_a_56() -> None:
    addresses = Addresses()
    assert addresses.bucket(scope("2001:db8:1:2::3")) == addresses.bucket(scope("2001:db8:1:ff::9"))
    assert addresses.bucket(scope("2001:db8:1:100::3")) != addresses.bucket(scope("2001:db8:1:200::3"))


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", None, "no address", "a" * 50])
def test_nobody_limits_this_machine_or_who_has_no_address(peer: str | None) -> None:
    assert Addresses().bucket(scope(peer)) is None


def test_nobody_but_a_trusted_proxy_says_from_where_a_request_comes() -> None:
    addresses = Addresses(trusted_proxies=[IPv4Network("192.0.2.0/24")])
    own = addresses.bucket(scope("198.51.100.7"))
    assert addresses.bucket(scope("198.51.100.7", "203.0.113.5")) == own
    assert addresses.bucket(scope("198.51.100.7", "127.0.0.1")) == own
    assert addresses.bucket(scope(PROXY, "198.51.100.7")) == own


@pytest.mark.parametrize(
    "forwarded",
    [
        ("203.0.113.5, 198.51.100.7",),
        ("127.0.0.1, 198.51.100.7",),
        ("203.0.113.5", "198.51.100.7"),
        ("198.51.100.7, 192.0.2.9",),
        (" 198.51.100.7 ",),
        (", ".join(["10.0.0.1"] * 40) + ", 198.51.100.7",),
        ("unknown, 198.51.100.7",),
    ],
)
def test_what_a_client_wrote_into_the_header_itself_counts_for_nothing(forwarded: tuple[str, ...]) -> None:
    addresses = Addresses(trusted_proxies=[IPv4Network("192.0.2.0/24")])
    assert addresses.bucket(scope(PROXY, *forwarded)) == addresses.bucket(scope("198.51.100.7"))


@pytest.mark.parametrize("said", [(), ("",), (" ",)])
def test_a_proxy_that_names_nobody_asks_for_itself(said: tuple[str, ...]) -> None:
    addresses = Addresses(trusted_proxies=[IPv4Network("192.0.2.0/24"), IPv6Network("::1/128")])
    assert addresses.bucket(scope(PROXY, *said)) == addresses.bucket(scope(PROXY))
    assert addresses.bucket(scope("::1", *said)) is None


@pytest.mark.parametrize(
    "said", ["unknown", "_hidden", "198.51.100.7:http", "[198.51.100", "[]:80", "1\x00", "\xff", "x" * 9000, "1.2.3.4,"]
)
def test_all_whose_hop_cannot_be_read_share_one_bucket_and_pass_for_nobody_else(said: str) -> None:
    addresses = Addresses(trusted_proxies=[IPv4Network("192.0.2.0/24"), IPv6Network("::1/128")])
    bucket = addresses.bucket(scope("::1", said))
    assert bucket is not None
    assert bucket == addresses.bucket(scope(PROXY, "garbled"))
    assert bucket != addresses.bucket(scope(PROXY))


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("198.51.100.7:443", "198.51.100.7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[::ffff:198.51.100.7]:1", "198.51.100.7"),
        ("203.0.113.9, 198.51.100.7:65535", "198.51.100.7"),
    ],
)
def test_an_address_that_comes_with_its_port_is_read(said: str, meant: str) -> None:
    addresses = Addresses(trusted_proxies=[IPv6Network("::1/128")])
    assert addresses.bucket(scope("::1", said)) == addresses.bucket(scope("::1", meant))
    assert addresses.bucket(scope("::1", said)) is not None


async def test_who_asks_too_often_gets_429_with_the_seconds_to_wait(asking: Callable[..., httpx.AsyncClient]) -> None:
    async with asking(requests=2) as client:
        assert [(await client.get("/x")).status_code for _ in range(3)] == [200, 200, 429]
        answer = await client.get("/x")
    assert answer.headers["retry-after"] == "60"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "asked_too_often"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_person_who_asks_too_often_reads_it_in_their_language(
    asking: Callable[..., httpx.AsyncClient],
) -> None:
    async with asking(requests=1) as client:
        await client.get("/x")
        answer = await client.get("/x", headers={"Accept": "text/html", "Accept-Language": "de"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    assert answer.headers["content-type"].startswith("text/html")
    assert 'lang="de"' in answer.text


async def test_a_wallet_that_asks_too_often_gets_the_body_of_oauth(asking: Callable[..., httpx.AsyncClient]) -> None:
    async with asking(begins=1) as client:
        await client.post("/nonce")
        answer = await client.post("/nonce", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.json()["error"] == "temporarily_unavailable"


async def test_the_log_says_why_a_wallet_was_turned_away_where_oauth_has_no_word_for_it(
    asking: Callable[..., httpx.AsyncClient],
) -> None:
    structlog.reset_defaults()  # a command that was tried before may have left only errors to be said
    async with asking(begins=1) as client:
        await client.post("/nonce")
        with capture_logs() as lines:
            answer = await client.post("/nonce")
    assert answer.json()["error"] == "temporarily_unavailable"
    assert lines[-1]["code"] == "asked_too_often"


async def test_tries_run_out_before_requests_do(asking: Callable[..., httpx.AsyncClient]) -> None:
    async with asking(tries=2) as client:
        tried = [(await client.post(f"/visits/v{number}/code")).status_code for number in range(3)]
        assert tried == [200, 200, 429]
        assert (await client.get("/visits/v1/code")).status_code == 200
        assert (await client.post("/visits/v1/code/more")).status_code == 200
        assert (await client.post("/nonce")).status_code == 200


async def test_a_line_break_behind_a_path_leads_to_no_route_and_so_around_no_limit(tmp_path: Path) -> None:
    app = create_app(
        title="test",
        policy=WebPolicy(statuses={}, kinds={"POST /token": Kind.TRY}),
        pages=Pages(tmp_path, site_name="Test site"),
    )
    app.state.rates = Rates(requests=100, tries=1, monotonic=Seconds())

    @app.post("/token")
    async def token() -> Response:
        return Response("tried")

    transport = httpx.ASGITransport(app=app, client=("198.51.100.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        asked = [(await client.post(path)).status_code for path in ("/token", "/token", "/token%0A")]
    assert asked == [200, 429, 404]


async def test_health_is_answered_however_often_somebody_asks(asking: Callable[..., httpx.AsyncClient]) -> None:
    async with asking(requests=1) as client:
        await client.get("/x")
        asked = [(await client.get(path)).status_code for path in ("/health/live", "/health/ready")]
        assert asked == [200, 200]
        assert (await client.get("/x")).status_code == 429


async def test_what_reads_the_database_for_whoever_asks_is_limited_whatever_it_is_called(
    asking: Callable[..., httpx.AsyncClient],
) -> None:
    async with asking(requests=2) as client:
        assert [(await client.get("/health")).status_code for _ in range(3)] == [200, 200, 429]


async def test_a_minute_later_there_is_room_again(tmp_path: Path) -> None:
    seconds = Seconds()
    app = build_app(tmp_path, Rates(requests=1, monotonic=seconds))
    transport = httpx.ASGITransport(app=app, client=("198.51.100.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert [(await client.get("/x")).status_code for _ in range(2)] == [200, 429]
        seconds.now += 60
        assert (await client.get("/x")).status_code == 200


@pytest.mark.parametrize("peer", ["127.0.0.1", "198.51.100.7"])
async def test_zero_is_no_limit_and_a_trial_on_this_machine_has_none(
    peer: str, asking: Callable[..., httpx.AsyncClient]
) -> None:
    async with asking(requests=0 if peer[0] == "1" and peer != "127.0.0.1" else 1, peer=peer) as client:
        assert {(await client.get("/x")).status_code for _ in range(5)} == {200}


async def test_who_announces_too_much_is_counted_too(asking: Callable[..., httpx.AsyncClient]) -> None:
    async with asking(requests=2) as client:
        told = [(await client.post("/nonce", headers={"Content-Length": "9" * 9})).status_code for _ in range(3)]
    assert told == [413, 413, 429]


async def test_a_refused_request_is_not_read(tmp_path: Path) -> None:
    app = build_app(tmp_path, Rates(requests=1, monotonic=Seconds()))
    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    for _ in range(2):
        asked = {"type": "http", "method": "GET", "path": "/nowhere", "raw_path": b"/nowhere", "query_string": b""}
        asked |= {"headers": [], "client": ("198.51.100.7", 1), "root_path": "", "scheme": "http", "server": ("t", 80)}
        await app(asked | {"method": "PUT"}, receive, send)
    assert [message["status"] for message in sent if "status" in message] == [405, 429]
