"""What stands in the way of a connection is said, with what mends it: a certificate is not silence."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
import trustme

from plumbing import clock
from plumbing.fetch import FetchFailed, HttpFetcher, Reach

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HOST = "coop.localhost"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@asynccontextmanager
async def serving(offered: ssl.SSLContext | None) -> AsyncIterator[str]:
    """The address of a server that ends every connection, behind TLS or without."""

    async def end(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(end, "127.0.0.1", 0, ssl=offered) as server:
        yield f"https://{HOST}:{server.sockets[0].getsockname()[1]}/"


def certified(authority: trustme.CA, *names: str, ends_in: timedelta = timedelta(days=1)) -> ssl.SSLContext:
    offered = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ends = clock.system_clock() + ends_in
    leaf = authority.issue_cert(
        *names, not_before=ends - timedelta(days=2), not_after=ends, key_type=trustme.KeyType.ECDSA
    )
    leaf.configure_cert(offered)
    return offered


async def say_why(offered: ssl.SSLContext | None) -> str:
    async with serving(offered) as url, HttpFetcher(Reach.LOOPBACK) as fetcher:
        with pytest.raises(FetchFailed) as failed:
            await fetcher.request("GET", url)
    return str(failed.value)


@pytest.fixture
def _trusted(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    def trusting(**_: object) -> ssl.SSLContext:
        context = ssl.create_default_context()
        authority.configure_trust(context)
        return context

    monkeypatch.setattr(httpx, "create_ssl_context", trusting)


@pytest.mark.usefixtures("_trusted")
@pytest.mark.parametrize(
    ("name", "ends_in", "said"),
    [
        (HOST, timedelta(days=-1), "has expired. Nothing was changed; its operator has to renew it"),
        (HOST, timedelta(days=9), "is not valid yet. Nothing was changed; see whether the clock"),
        ("other.localhost", timedelta(days=1), "is for another host. Nothing was changed; see whether the address"),
    ],
)
async def test_a_certificate_that_does_not_fit_is_named_with_what_mends_it(
    authority: trustme.CA, name: str, ends_in: timedelta, said: str
) -> None:
    assert f"{HOST} could not be asked: its TLS certificate {said}" in await say_why(
        certified(authority, name, ends_in=ends_in)
    )


async def test_an_authority_that_nobody_trusts_is_named_with_where_to_trust_it(authority: trustme.CA) -> None:
    said = await say_why(certified(authority, HOST))
    assert "its TLS certificate is of an authority that is not trusted here (unable to get local issuer" in said
    assert "name a file with its certificate in SSL_CERT_FILE" in said


async def test_what_speaks_no_tls_is_not_called_silent() -> None:
    assert "TLS could not be agreed on" in await say_why(None)


async def test_a_port_where_nobody_listens_is_silent() -> None:
    async with HttpFetcher(Reach.LOOPBACK) as fetcher:
        with pytest.raises(FetchFailed, match="nobody answers there"):
            await fetcher.request("GET", f"https://{HOST}:1/")
