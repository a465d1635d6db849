"""Ways to lead a service to where it must not go: one test for each trick."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trustme

from plumbing.fetch import FetchFailed, FetchRefused, HostTransport, HttpFetcher, Reach
from plumbing.reachable import is_reachable
from tests.plumbing.test_fetch import Answering, resolving_to
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

INSIDE = {
    "Amazon's metadata": "169.254.169.254",
    "Amazon's metadata by IPv6": "fd00:ec2::254",
    "Google's metadata by IPv6": "fd20:ce::254",
    "Alibaba's metadata": "100.100.100.200",
    "Oracle's metadata": "192.0.0.192",
    "Azure's own service": "168.63.129.16",
    "a container's metadata": "169.254.170.2",
    "this machine": "127.0.0.1",
    "another spelling of this machine": "127.1.2.3",
    "this machine by IPv6": "::1",
    "no address at all": "0.0.0.0",  # noqa: S104 - somebody else's answer, not where we listen
    "a number in the network of no address": "0.1.2.3",
    "no address by IPv6": "::",
    "everybody nearby": "255.255.255.255",
    "a group": "224.0.0.1",
    "a group by IPv6": "ff02::1",
    "what is kept for later": "240.0.0.1",
    "what carriers share": "100.64.0.1",
    "IPv4 in IPv6": "::ffff:127.0.0.1",
    "metadata in IPv6": "::ffff:169.254.169.254",
    "IPv4 in an old writing": "::127.0.0.1",
    "IPv4 for a stateless translator": "::ffff:0:7f00:1",
    "IPv4 behind a translator": "64:ff9b::169.254.169.254",
    "IPv4 behind a translator of one's own": "64:ff9b:1::a9fe:a9fe",
    "6to4 to this machine": "2002:7f00:1::",
    "a relay of 6to4": "192.88.99.1",
    "Teredo to this machine": "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "ISATAP to this machine": "2606:4700::5efe:7f00:1",
    "ISATAP of a universal address": "2606:4700::200:5efe:7f00:1",
    "link-local with a zone": "fe80::1%1",
    "site-local, which is given up": "fec0::1",
    "an address for examples": "2001:db8::1",
    "a newer address for examples": "3fff::1",
    "segment routing": "5f00::1",
    "a black hole": "100::1",
}
OWN = {"10.1.2.3", "172.16.0.1", "192.168.1.1", "fd12:3456::1", "64:ff9b::10.0.0.1", "::ffff:10.0.0.1"}


@pytest.mark.parametrize("address", INSIDE.values(), ids=INSIDE)
def test_what_lies_inside_is_reached_by_no_spelling_and_no_permission(address: str) -> None:
    assert not is_reachable(address, private=False)
    assert not is_reachable(address, private=True)


@pytest.mark.parametrize("address", sorted(OWN))
def test_an_operators_own_network_is_reached_by_permission_only(address: str) -> None:
    assert not is_reachable(address, private=False)
    assert is_reachable(address, private=True)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "64:ff9b::93.184.216.34", "::ffff:1.1.1.1"])
def test_what_is_out_in_the_open_is_reached(address: str) -> None:
    assert is_reachable(address, private=False)


@pytest.mark.parametrize("host", ["2130706433", "0177.0.0.1", "0x7f.1", "0x7f000001", "127.1", "017700000001"])
async def test_no_other_way_to_write_a_number_leads_to_this_machine(host: str) -> None:
    transport = Answering()
    async with HttpFetcher(Reach.PUBLIC, transport=transport) as fetcher:
        with pytest.raises((FetchRefused, FetchFailed)):
            await fetcher.request("GET", f"https://{host}/")
    assert transport.seen == []


@pytest.mark.parametrize(
    "addresses",
    [("93.184.216.34", "127.0.0.1"), ("127.0.0.1", "93.184.216.34"), ("93.184.216.34",) * 20 + ("fd00:ec2::254",)],
)
async def test_one_private_address_among_many_spoils_them_all(
    addresses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolving_to(*addresses))
    transport = Answering()
    async with HttpFetcher(Reach.PUBLIC, transport=transport) as fetcher:
        with pytest.raises(FetchRefused, match="private address"):
            await fetcher.request("GET", "https://mixed.example/")
    assert transport.seen == []


async def test_a_name_that_changes_its_mind_is_asked_once_and_held_to_its_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter(["93.184.216.34", "169.254.169.254"])

    async def getaddrinfo(_self: object, _host: str, port: int, **_: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    transport = Answering()
    async with HttpFetcher(Reach.PUBLIC, transport=transport) as fetcher:
        await fetcher.request("GET", "https://rebinding.example/")
        assert [each.url.host for each in transport.seen] == ["93.184.216.34"]
        with pytest.raises(FetchRefused, match="private address"):
            await fetcher.request("GET", "https://rebinding.example/")
    assert len(transport.seen) == 1


@pytest.mark.parametrize("reach", [Reach.PUBLIC, Reach.PRIVATE])
@pytest.mark.parametrize("port", [22, 25, 80, 445, 1023])
async def test_no_port_of_another_service_is_asked(reach: Reach, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolving_to("93.184.216.34"))
    transport = Answering()
    async with HttpFetcher(reach, transport=transport) as fetcher:
        with pytest.raises(FetchRefused, match=f"port {port}"):
            await fetcher.request("GET", f"https://ports.example:{port}/")
        await fetcher.request("GET", "https://ports.example:8443/")
    assert [each.url.port for each in transport.seen] == [8443]


@pytest.mark.parametrize(
    "url",
    [
        "https://user:secret@example.org/",
        "https://example.org@127.0.0.1/",
        "https://127.0.0.1\\@example.org/",
        "https://example.org:443@evil.example/",
    ],
)
async def test_an_address_that_names_somebody_before_its_host_is_not_contacted(url: str) -> None:
    transport = Answering()
    async with HttpFetcher(Reach.PUBLIC, transport=transport) as fetcher:
        with pytest.raises((FetchRefused, FetchFailed)):
            await fetcher.request("GET", url)
    assert transport.seen == []


@pytest.mark.parametrize("scheme", ["file", "ftp", "gopher", "dict", "data", "http", "unix"])
async def test_nothing_but_https_is_spoken_to_the_world(scheme: str) -> None:
    transport = Answering()
    async with HttpFetcher(Reach.PUBLIC, transport=transport) as fetcher:
        with pytest.raises((FetchRefused, FetchFailed)):
            await fetcher.request("GET", f"{scheme}://example.org/etc/passwd")
    assert transport.seen == []


@pytest.mark.parametrize("location", ["https://127.0.0.1/", "//169.254.169.254/", "file:///etc/passwd"])
async def test_a_redirect_to_the_inside_is_not_followed(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolving_to("93.184.216.34"))
    transport = Answering(status=302, headers={"Location": location})
    async with HttpFetcher(Reach.PUBLIC, transport=transport) as fetcher:
        assert (await fetcher.request("GET", "https://example.org/")).status == 302
    assert len(transport.seen) == 1


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY"])
async def test_a_proxy_of_the_environment_is_not_asked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolving_to("93.184.216.34"))
    transport = Answering()
    async with HttpFetcher(Reach.PUBLIC, transport=transport) as fetcher:
        await fetcher.request("GET", "https://example.org/")
    assert transport.seen[0].url.host == "93.184.216.34"


@pytest.fixture
async def certified(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """The port of a server with a certificate for one.localhost alone, by an authority that everybody trusts."""
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    offered = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("one.localhost", key_type=trustme.KeyType.ECDSA).configure_cert(offered)

    def trusting(**_: object) -> ssl.SSLContext:
        context = ssl.create_default_context()
        authority.configure_trust(context)
        return context

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            writer.close()

    monkeypatch.setattr(httpx, "create_ssl_context", trusting)
    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=offered) as server:
        yield server.sockets[0].getsockname()[1]


async def test_a_connection_that_one_host_was_certified_on_is_never_used_for_another(certified: int) -> None:
    async with HttpFetcher(Reach.LOOPBACK) as fetcher:
        for _ in range(2):
            assert (await fetcher.request("GET", f"https://one.localhost:{certified}/")).status == 200
        with pytest.raises(
            FetchFailed, match=r"certificate is for another host\. Nothing was changed; see whether the"
        ):
            await fetcher.request("GET", f"https://two.localhost:{certified}/")


async def test_hosts_beyond_all_counting_share_no_connection_either(certified: int) -> None:
    transport = HostTransport()
    async with HttpFetcher(Reach.LOOPBACK, transport=transport) as fetcher:
        for number in range(70):
            with pytest.raises(FetchFailed):
                await fetcher.request("GET", f"https://h{number}.localhost:1/")
        assert (await fetcher.request("GET", f"https://one.localhost:{certified}/")).status == 200
        with pytest.raises(FetchFailed):
            await fetcher.request("GET", f"https://two.localhost:{certified}/")


async def keep_answering(
    began: list[str], ended: list[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer on one connection as often as asked, and note which host it was for."""
    host = (await reader.readuntil(b"\r\n\r\n")).partition(b"Host: ")[2].partition(b".")[0].decode()
    began.append(host)
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    ended.append(host)


async def test_a_host_beyond_all_counting_keeps_its_connection_and_the_one_used_longest_ago_loses_it() -> None:
    began: list[str] = []
    ended: list[str] = []

    server = await asyncio.start_server(partial(keep_answering, began, ended), "127.0.0.1", 0)
    async with server, HttpFetcher(Reach.LOOPBACK) as fetcher:
        port = server.sockets[0].getsockname()[1]
        async with fetcher.stream("GET", f"http://busy.localhost:{port}/") as busy:
            for host in ("first", "second", "first"):
                await fetcher.request("GET", f"http://{host}.localhost:{port}/")
            for number in range(61):
                with pytest.raises(FetchFailed):
                    await fetcher.request("GET", f"http://h{number}.localhost:1/")
            for _ in range(2):
                assert (await fetcher.request("GET", f"http://new.localhost:{port}/")).status == 200
            assert await busy.aread() == b"{}"
        for host in ("busy", "first"):
            await fetcher.request("GET", f"http://{host}.localhost:{port}/")
        assert began == ["busy", "first", "second", "new"]
    await until(lambda: len(ended) == len(began))
    assert ended[0] == "second"
