"""Outgoing HTTP with caps, and with a stated reach.

A service or wallet that starts on loopback stays on loopback; one that starts in public never reaches a private
address: so no public party can lead a fetch to the machine it runs on. Names are resolved here, every address is
checked, and the connection goes to the address that was checked (a name that changes its mind between check and
connection gains nothing). Each host has connections of its own: one that was opened, and certified, for another name at
the same address is never used for it. `*.localhost` is 127.0.0.1 (RFC 6761 §6.3; Python's resolver does not know it).
Redirects are never followed: none of our protocols needs one. Compressed answers are refused: a few kilobytes,
compressed twice, unpack to gigabytes before any cap on size is looked at.
"""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol, Self

import httpx
from typing_extensions import override

from credentials.errors import HandstampError
from plumbing.reachable import is_reachable
from plumbing.unreached import explain_unreached

MAX_BYTES: Final = 1024 * 1024
TIMEOUT_S: Final = 10.0
_LOOPBACK: Final = "127.0.0.1"
_HTTPS_PORT: Final = 443
_FIRST_FREE_PORT: Final = 1024
_MAX_POOLS: Final = 64


class Reach(Enum):
    """How far outgoing requests may go."""

    LOOPBACK = "loopback"
    """Only this machine, plain http allowed: a trial or the demo."""
    PUBLIC = "public"
    """Only https, only globally routable addresses."""
    PRIVATE = "private"
    """Only https, private addresses too: the operator's choice for a co-op's own network."""

    @classmethod
    def of(cls, url: str) -> "Reach":
        """Return the reach that a first party at `url` sets: LOOPBACK if it is on this machine, else PUBLIC."""
        return cls.LOOPBACK if is_loopback(httpx.URL(url).host) else cls.PUBLIC


class FetchFailed(HandstampError):
    """Another party could not be reached or answered what cannot be used."""

    code = "fetch_failed"

    def __init__(self, host: str, reason: str, mend: str = "try again later") -> None:
        super().__init__(f"{host} could not be asked: {reason}. Nothing was changed; {mend}.")
        self.host = host
        self.reason = reason


class FetchRefused(HandstampError):
    """An address that this service must not contact."""

    code = "fetch_refused"

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"{host} is not contacted: {reason}.")
        self.host = host
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer, at most the asked number of bytes long."""

    status: int
    headers: httpx.Headers
    body: bytes


class Fetcher(Protocol):
    """What a use case needs of the network."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> Reply:
        """Send one request and return the whole answer, whatever its status.

        Raises:
            FetchFailed: no answer in time, or one longer than `max_bytes`.
            FetchRefused: the address is out of reach by rule.
        """
        ...


def is_loopback(host: str) -> bool:
    """Tell whether `host` is this machine by its very name: localhost, *.localhost, 127.0.0.0/8 or ::1."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class HttpFetcher:
    """A `Fetcher` over httpx. Use it as an asynchronous context manager, or call `close`."""

    def __init__(
        self,
        reach: Reach,
        *,
        user_agent: str = "handstamp",
        timeout_s: float | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._timeout_s = TIMEOUT_S if timeout_s is None else timeout_s
        self._client = httpx.AsyncClient(
            transport=_GuardedTransport(reach, transport or HostTransport()),
            headers={"User-Agent": user_agent, "Accept-Language": "*", "Accept-Encoding": "identity"},
            timeout=self._timeout_s,
            follow_redirects=False,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> Reply:
        """Send one request; see `Fetcher.request`. The time limit covers the whole exchange."""
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self.stream(method, url, headers=headers, content=content) as answer,
            ):
                return Reply(status=answer.status_code, headers=answer.headers, body=await _read(answer, max_bytes))
        except TimeoutError as error:
            raise FetchFailed(_host(url), f"no answer within {self._timeout_s:g} seconds") from error

    @asynccontextmanager
    async def stream(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> AsyncIterator[httpx.Response]:
        """Open an answer whose body is read piece by piece; each read has the time limit of its own.

        The client keeps no cookies: who needs one sends it as a header.
        """
        _check_nobody_in(url)
        try:
            async with self._client.stream(method, url, headers=dict(headers or {}), content=content) as answer:
                self._client.cookies.clear()
                _check_plain(answer, url)
                yield answer
        except httpx.ConnectError as error:
            raise FetchFailed(_host(url), *explain_unreached(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise FetchFailed(_host(url), str(error) or type(error).__name__) from error


def _check_nobody_in(url: str) -> None:
    if "@" in url.partition("://")[2].partition("/")[0].partition("?")[0]:
        raise FetchRefused(_host(url), "its address holds a name or a password")


def _check_plain(answer: httpx.Response, url: str) -> None:
    if answer.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise FetchFailed(_host(url), "it answers compressed, which was not asked for")


async def _read(answer: httpx.Response, max_bytes: int) -> bytes:
    body = bytearray()
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > max_bytes:
            raise FetchFailed(answer.request.headers["Host"], f"the answer is longer than {max_bytes} bytes")
    return bytes(body)


def _host(url: str) -> str:
    try:
        return httpx.URL(url).host or "the address"
    except (httpx.InvalidURL, UnicodeError):
        return "the address"


class HostTransport(httpx.AsyncBaseTransport):
    """Sends requests whose address was checked, over connections that no two hosts share.

    httpx knows a connection by its address. Who makes our resolver say that another's name stands at their address
    would otherwise be spoken to over the connection that they opened under their own name and certificate.
    """

    def __init__(self) -> None:
        self._context = httpx.create_ssl_context()
        self._pools: dict[str, _Pool] = {}  # whose use began longest ago comes first
        self._keeps_nothing = _Pool(self._build(httpx.Limits(max_keepalive_connections=0)))

    def _build(self, limits: httpx.Limits) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(verify=self._context, retries=1, limits=limits)

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        pool, idle = self._pool(request.extensions["sni_hostname"])
        with pool.used():
            if idle is not None:
                await idle.transport.aclose()
            response = await pool.transport.handle_async_request(request)
            assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101  # as its transport promises
            response.stream = _PoolStream(response.stream, pool)
            return response

    def _pool(self, host: str) -> "tuple[_Pool, _Pool | None]":
        """Return the pool of a host, and the one that made room for it: used longest ago, and by nobody now."""
        pool, idle = self._pools.pop(host, None), None
        if pool is None:
            if len(self._pools) >= _MAX_POOLS:
                unused = next((name for name, each in self._pools.items() if not each.users), None)
                if unused is None:
                    return self._keeps_nothing, None
                idle = self._pools.pop(unused)
            pool = _Pool(self._build(httpx.Limits()))
        self._pools[host] = pool
        return pool, idle

    @override
    async def aclose(self) -> None:
        for pool in (*self._pools.values(), self._keeps_nothing):
            await pool.transport.aclose()


class _Pool:
    """The connections to one host, and how many requests are under way on them."""

    def __init__(self, transport: httpx.AsyncHTTPTransport) -> None:
        self.transport = transport
        self.users = 0

    @contextmanager
    def used(self) -> Iterator[None]:
        self.users += 1
        try:
            yield
        finally:
            self.users -= 1


class _PoolStream(httpx.AsyncByteStream):
    """The body of an answer, whose pool is in use until it is closed."""

    def __init__(self, inner: httpx.AsyncByteStream, pool: _Pool) -> None:
        self._inner = inner
        self._use = ExitStack()
        self._use.enter_context(pool.used())

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._inner:
            yield piece

    @override
    async def aclose(self) -> None:
        with self._use:  # which is over once, however often this is called
            await self._inner.aclose()


class _GuardedTransport(httpx.AsyncBaseTransport):
    """Resolve, check, then connect to the very address that was checked."""

    def __init__(self, reach: Reach, inner: httpx.AsyncBaseTransport) -> None:
        self._reach = reach
        self._inner = inner

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        self._check_url(request.url)
        address = await self._address(host, request.url.port or (443 if request.url.scheme == "https" else 80))
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address)
        return await self._inner.handle_async_request(request)

    @override
    async def aclose(self) -> None:
        await self._inner.aclose()

    def _check_url(self, url: httpx.URL) -> None:
        port = url.port or _HTTPS_PORT
        if self._reach is not Reach.LOOPBACK and port != _HTTPS_PORT and port < _FIRST_FREE_PORT:
            raise FetchRefused(url.host, f"port {port} belongs to something else than a web server")
        if url.scheme == "https" or (url.scheme == "http" and self._reach is Reach.LOOPBACK):
            return
        raise FetchRefused(url.host, "only https is used beyond this machine")

    async def _address(self, host: str, port: int) -> str:
        if self._reach is Reach.LOOPBACK:
            if not is_loopback(host):
                raise FetchRefused(host, "what starts on this machine stays on this machine")
            return host if _is_address(host) else _LOOPBACK
        if is_loopback(host):
            raise FetchRefused(host, "a public party may not lead to this machine")
        return self._checked(host, await _resolve(host, port))

    def _checked(self, host: str, addresses: list[str]) -> str:
        if not all(is_reachable(address, private=self._reach is Reach.PRIVATE) for address in addresses):
            raise FetchRefused(host, "it leads to a private address")
        return addresses[0]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def _resolve(host: str, port: int) -> list[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # UnicodeError: no name at all, such as one with a label of 64 characters
        raise FetchFailed(host, "its name cannot be resolved") from error
    return [str(entry[4][0]) for entry in found]
