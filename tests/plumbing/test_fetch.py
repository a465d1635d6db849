"""Outgoing requests: what is reachable, what is refused, what is cut off."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from plumbing.fetch import FetchFailed, FetchRefused, HttpFetcher, Reach, is_loopback


class Answering(httpx.AsyncBaseTransport):
    """The world outside: notes where a request would have gone and answers with fixed bytes."""

    def __init__(self, body: bytes = b"{}", status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.seen: list[httpx.Request] = []
        self._body, self._status, self._headers = body, status, headers or {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        return httpx.Response(self._status, headers=self._headers, content=self._body)


def resolving_to(*addresses: str) -> object:
    async def getaddrinfo(_self: object, _host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    return getaddrinfo


@pytest.mark.parametrize("host", ["localhost", "coop.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "COOP.LOCALHOST."])
def test_names_of_this_machine_are_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["example.org", "localhost.example.org", "10.0.0.1", "notlocalhost", ""])
def test_other_names_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)


async def test_a_localhost_name_is_connected_to_127_0_0_1_and_keeps_its_host_header() -> None:
    transport = Answering()
    async with HttpFetcher(Reach.LOOPBACK, transport=transport) as fetcher:
        await fetcher.request("GET", "http://coop.localhost:8701/health")
    assert transport.seen[0].url.host == "127.0.0.1"
    assert transport.seen[0].headers["host"] == "coop.localhost:8701"


async def test_what_starts_on_this_machine_never_leaves_it() -> None:
    async with HttpFetcher(Reach.LOOPBACK, transport=Answering()) as fetcher:
        with pytest.raises(FetchRefused, match="stays on this machine"):
            await fetcher.request("GET", "https://example.org/")


@pytest.mark.parametrize(
    "url", ["https://localhost/", "https://127.0.0.1/", "https://[::1]/", "https://tracks.localhost/releases"]
)
async def test_a_public_party_never_leads_to_this_machine(url: str) -> None:
    transport = Answering()
    async with HttpFetcher(Reach.PUBLIC, transport=transport) as fetcher:
        with pytest.raises(FetchRefused, match="may not lead to this machine"):
            await fetcher.request("GET", url)
    assert transport.seen == []


async def test_plain_http_is_refused_in_public() -> None:
    async with HttpFetcher(Reach.PUBLIC, transport=Answering()) as fetcher:
        with pytest.raises(FetchRefused, match="only https"):
            await fetcher.request("GET", "http://example.org/")


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "127.0.0.1",
        "fd00::1",
        "::ffff:10.0.0.1",
        "224.0.0.1",
        "0.0.0.0",  # noqa: S104  # somebody else's answer, not where we listen
        "::",
        "::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "2002:7f00:1::",
    ],
)
async def test_a_public_name_that_resolves_to_a_private_address_is_refused(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolving_to("93.184.216.34", address))
    transport = Answering()
    async with HttpFetcher(Reach.PUBLIC, transport=transport) as fetcher:
        with pytest.raises(FetchRefused, match="private address"):
            await fetcher.request("GET", "https://example.org/")
    assert transport.seen == []


async def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolving_to("93.184.216.34"))
    transport = Answering()
    async with HttpFetcher(Reach.PUBLIC, transport=transport) as fetcher:
        await fetcher.request("GET", "https://example.org/list")
    request = transport.seen[0]
    assert request.url.host == "93.184.216.34"
    assert request.headers["host"] == "example.org"
    assert request.extensions["sni_hostname"] == "example.org"


async def test_an_operator_may_allow_private_addresses_but_never_loopback_or_link_local(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolving_to("10.0.0.1"))
    transport = Answering()
    async with HttpFetcher(Reach.PRIVATE, transport=transport) as fetcher:
        await fetcher.request("GET", "https://tracks.internal/")
    assert transport.seen[0].url.host == "10.0.0.1"
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolving_to("169.254.169.254"))
    async with HttpFetcher(Reach.PRIVATE, transport=Answering()) as fetcher:
        with pytest.raises(FetchRefused):
            await fetcher.request("GET", "https://metadata.internal/")


@pytest.mark.parametrize(
    "address",
    ["0.0.0.0", "::", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::127.0.0.1"],  # noqa: S104  # as above
)
async def test_no_spelling_of_this_machine_is_a_private_address_that_an_operator_allowed(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolving_to(address))
    transport = Answering()
    async with HttpFetcher(Reach.PRIVATE, transport=transport) as fetcher:
        with pytest.raises(FetchRefused, match="private address"):
            await fetcher.request("GET", "https://tracks.internal/")
    assert transport.seen == []


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip", "deflate", "br"])
async def test_a_compressed_answer_is_refused_before_it_unpacks(encoding: str) -> None:
    """Measured: 3.4 kB of zeros, packed twice, took 2 GB and held the whole service for half a minute."""

    class Packed(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield gzip.compress(gzip.compress(bytes(1024)))
            raise AssertionError

    class Bomb(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            assert request.headers["Accept-Encoding"] == "identity"
            return httpx.Response(200, headers={"Content-Encoding": encoding}, stream=Packed())

    async with HttpFetcher(Reach.LOOPBACK, transport=Bomb()) as fetcher:
        with pytest.raises(FetchFailed, match="compressed"):
            await fetcher.request("GET", "http://localhost/")


@pytest.mark.parametrize("host", [f"{'a' * 64}.example", "a..example", "xn--0.example"])
async def test_a_name_that_is_no_name_is_an_error_of_ours(host: str) -> None:
    async with HttpFetcher(Reach.PUBLIC, transport=Answering()) as fetcher:
        with pytest.raises(FetchFailed):
            await fetcher.request("GET", f"https://{host}/")


async def test_a_redirect_is_answered_as_it_came_and_never_followed() -> None:
    transport = Answering(status=302, headers={"Location": "http://localhost/secret"})
    async with HttpFetcher(Reach.LOOPBACK, transport=transport) as fetcher:
        reply = await fetcher.request("GET", "http://localhost/")
    assert reply.status == 302
    assert len(transport.seen) == 1


async def test_an_answer_above_the_cap_is_refused() -> None:
    async with HttpFetcher(Reach.LOOPBACK, transport=Answering(body=b"x" * 101)) as fetcher:
        with pytest.raises(FetchFailed, match="longer than 100 bytes"):
            await fetcher.request("GET", "http://localhost/", max_bytes=100)


async def test_a_party_that_never_answers_is_given_up() -> None:
    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, _: httpx.Request) -> httpx.Response:
            await asyncio.sleep(60)
            return httpx.Response(200)

    async with HttpFetcher(Reach.LOOPBACK, transport=Silent(), timeout_s=0.05) as fetcher:
        with pytest.raises(FetchFailed, match="no answer within"):
            await fetcher.request("GET", "http://localhost/")


async def test_a_cookie_is_not_carried_to_the_next_request() -> None:
    transport = Answering(headers={"Set-Cookie": "visitor=1; Path=/"})
    async with HttpFetcher(Reach.LOOPBACK, transport=transport) as fetcher:
        await fetcher.request("GET", "http://localhost/")
        await fetcher.request("GET", "http://localhost/")
    assert "cookie" not in transport.seen[1].headers


async def test_an_address_that_is_no_address_is_an_error_of_ours() -> None:
    async with HttpFetcher(Reach.LOOPBACK, transport=Answering()) as fetcher:
        with pytest.raises((FetchFailed, FetchRefused)):
            await fetcher.request("GET", "http://[broken/")


async def test_a_name_that_does_not_resolve_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def getaddrinfo(*_: object, **__: object) -> list[object]:
        raise socket.gaierror

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    async with HttpFetcher(Reach.PUBLIC, transport=Answering()) as fetcher:
        with pytest.raises(FetchFailed, match="cannot be resolved"):
            await fetcher.request("GET", "https://nowhere.example/")


async def test_an_answer_is_streamed_piece_by_piece() -> None:
    class Pieces(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"one"
            yield b"two"

    class Streaming(httpx.AsyncBaseTransport):
        async def handle_async_request(self, _: httpx.Request) -> httpx.Response:
            return httpx.Response(200, stream=Pieces())

    async with (
        HttpFetcher(Reach.LOOPBACK, transport=Streaming()) as fetcher,
        fetcher.stream("GET", "http://localhost/") as answer,
    ):
        assert [piece async for piece in answer.aiter_bytes()] == [b"one", b"two"]
