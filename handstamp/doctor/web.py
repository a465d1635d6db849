"""How the doctor asks: as anybody out there would, bounded in time, each question once.

Other than the services themselves (`plumbing/fetch.py`), the doctor may ask any address, because the operator named it
in the settings: that a public name leads to a private address is one of the things to be found.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx
from cryptography import x509
from typing_extensions import override

from credentials.encoding import strict_json
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from plumbing.clock import Clock
from plumbing.fetch import is_loopback

TIMEOUT_S: Final = 6.0
_MAX_BYTES: Final = 1024 * 1024
_HTTPS: Final = 443
_HTTP: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer, with the moments between which it was made."""

    status: int
    headers: httpx.Headers
    body: bytes
    asked_at: datetime
    answered_at: datetime

    @property
    def says_date(self) -> datetime | None:
        """What time it was for whoever answered."""
        try:
            found = parsedate_to_datetime(self.headers.get("Date", ""))
        except ValueError:
            return None
        return found.astimezone(UTC)

    @property
    def is_ours(self) -> bool:
        """Whether a service of Handstamp made it, and no proxy in its stead."""
        return "X-Request-ID" in self.headers

    def json(self) -> Mapping[str, Json]:
        """Return the members of a JSON object, none if it is not one."""
        try:
            return strict_json.parse_object(self.body, what="answer", max_bytes=_MAX_BYTES)
        except Malformed:
            return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a server shows when TLS begins.

    Attributes:
        leaf: its certificate; None if TLS did not even begin.
        sent: how many certificates it sent, 0 if that cannot be seen.
        trouble: OpenSSL's number for why it is not accepted, 0 if it is; None if TLS did not even begin.
        words: the same in words.
    """

    leaf: x509.Certificate | None
    sent: int
    trouble: int | None
    words: str


class Web:
    """Asks and remembers.

    Args:
        addresses: where to connect to for some hosts, in place of what the resolver says.
        names: what some names lead to, in place of what the resolver says.
        trust: whom TLS trusts; as the services do without it.
        timeout_s: how long any one question may take.
        clock: the time, for comparing it with others'.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        addresses: Mapping[str, tuple[str, int]] | None = None,
        names: Mapping[str, Sequence[str]] | None = None,
        trust: ssl.SSLContext | None = None,
        timeout_s: float | None = None,
    ) -> None:
        self._clock = clock
        self._addresses = dict(addresses or {})
        self._names = dict(names or {})
        self._trust = trust or httpx.create_ssl_context()
        self._timeout_s = TIMEOUT_S if timeout_s is None else timeout_s
        self._asked: dict[object, asyncio.Task[Answer | str]] = {}
        self._client = httpx.AsyncClient(
            transport=_Led(self, httpx.AsyncHTTPTransport(verify=self._trust)),
            headers={"User-Agent": "handstamp-doctor", "Accept-Encoding": "identity", "Accept": "application/json"},
            timeout=self._timeout_s,
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        attempt: int = 0,
    ) -> Answer | str:
        """Return the answer, or in words why there is none; each question is asked once, `attempt` makes it another."""
        key = (method, url, tuple(sorted((headers or {}).items())), len(content or b""), attempt)
        if key not in self._asked:
            self._asked[key] = asyncio.ensure_future(self._ask(method, url, headers or {}, content))
        return await asyncio.shield(self._asked[key])

    async def trickle(self, url: str) -> float | None:
        """Return how many seconds lay between first and last piece of a stream of events; None if there is none."""
        loop = asyncio.get_running_loop()
        arrived: list[float] = []
        try:
            async with asyncio.timeout(self._timeout_s), self._client.stream("GET", url) as answer:
                if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
                    return None
                async for _ in answer.aiter_raw():
                    arrived = [*arrived[:1], loop.time()]
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, UnicodeError, OSError):
            return None
        return arrived[-1] - arrived[0] if arrived else None

    async def addresses_of(self, host: str) -> list[str]:
        """Return what a name leads to; nothing if nobody knows it."""
        if host in self._names:
            return list(self._names[host])
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return []
        return sorted({str(entry[4][0]) for entry in found})

    async def reaches(self, address: str, port: int) -> bool:
        """Tell whether anything takes a connection there."""
        try:
            async with asyncio.timeout(self._timeout_s):
                _, writer = await asyncio.open_connection(address, port)
        except (OSError, TimeoutError):
            return False
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return True

    def trusts(self, name: x509.Name) -> bool:
        """Tell whether an authority of this name is among those whom TLS trusts."""
        known = self._trust.get_ca_certs(binary_form=True)
        return any(x509.load_der_x509_certificate(each).subject == name for each in known)

    async def certificate(self, host: str, port: int) -> Certificate:
        """Begin TLS twice: as everybody does, and to see what is there although it is not accepted."""
        trouble, words = await self._handshake(host, port, self._trust)
        blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
        seen: list[tuple[bytes, int]] = []
        await self._handshake(host, port, blind, seen=seen)
        leaf, sent = (x509.load_der_x509_certificate(seen[0][0]), seen[0][1]) if seen else (None, 0)
        return Certificate(leaf=leaf, sent=sent, trouble=trouble, words=words)

    def lead(self, host: str, port: int) -> tuple[str, int]:
        """Return where to connect to for a host."""
        if host in self._addresses:
            return self._addresses[host]
        return ("127.0.0.1" if is_loopback(host) and not _is_address(host) else host, port)

    async def _ask(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> Answer | str:
        asked_at = self._clock()
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._client.stream(method, url, headers=dict(headers), content=content) as answer,
            ):
                body = bytearray()
                async for piece in answer.aiter_raw():
                    body += piece
                    if len(body) > _MAX_BYTES:
                        return f"it answers with more than {_MAX_BYTES} bytes"
                return Answer(
                    status=answer.status_code,
                    headers=answer.headers,
                    body=bytes(body),
                    asked_at=asked_at,
                    answered_at=self._clock(),
                )
        except TimeoutError:
            return f"no answer within {self._timeout_s:g} seconds"
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, OSError) as error:
            return str(error) or type(error).__name__

    async def _handshake(
        self, host: str, port: int, trust: ssl.SSLContext, *, seen: list[tuple[bytes, int]] | None = None
    ) -> tuple[int | None, str]:
        address, port = self.lead(host, port)
        try:
            shown = await asyncio.to_thread(_shake_hands, (address, port), host, trust, self._timeout_s)
        except ssl.SSLCertVerificationError as error:
            return error.verify_code, error.verify_message
        except (OSError, TimeoutError, ValueError) as error:
            return None, str(error) or type(error).__name__
        if seen is not None and shown[0]:
            seen.append(shown)
        return 0, ""


class _Led(httpx.AsyncBaseTransport):
    """Connects to where `Web.lead` says, and speaks of the host all the same."""

    def __init__(self, web: Web, inner: httpx.AsyncBaseTransport) -> None:
        self._web = web
        self._inner = inner

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host, https = request.url.host, request.url.scheme == "https"
        address, port = self._web.lead(host, request.url.port or (_HTTPS if https else _HTTP))
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.url = request.url.copy_with(host=address, port=port)
        return await self._inner.handle_async_request(request)

    @override
    async def aclose(self) -> None:
        await self._inner.aclose()


def _shake_hands(where: tuple[str, int], host: str, trust: ssl.SSLContext, timeout_s: float) -> tuple[bytes, int]:
    with (
        socket.create_connection(where, timeout=timeout_s) as plain,
        trust.wrap_socket(plain, server_hostname=host) as connection,
    ):
        return connection.getpeercert(binary_form=True) or b"", _count_sent(connection)


def _count_sent(connection: ssl.SSLSocket) -> int:
    # Python shows the chain from 3.13 on; before that it is there under another name, or not.
    inner = getattr(connection, "_sslobj", connection)
    chain = getattr(connection, "get_unverified_chain", getattr(inner, "get_unverified_chain", None))
    return len(chain() or ()) if chain else 0


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
