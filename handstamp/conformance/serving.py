"""Serve the conformance service over https on this machine, under a certificate that it makes for itself."""

import asyncio
import socket
import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import trustme
import uvicorn

from credentials.encoding.strict_json import Json
from handstamp.composition.serving import CannotListen
from handstamp.conformance.api import build_conformance_app
from handstamp.conformance.service import ConformanceService
from plumbing.fetch import HttpFetcher, Reach

HOST: Final = "localhost"
_ADDRESS: Final = "127.0.0.1"
_GRACE_S: Final = 1


def serve(port: int, *, authority_file: Path | None, announce: Callable[[dict[str, Json]], None]) -> None:
    """Serve until stopped.

    Args:
        port: where to listen; 0 for any that is free.
        authority_file: where to write the authority that certified the service, in PEM, for clients to trust; None if
            they trust anybody.
        announce: is given the description of the service when it can be reached.

    Raises:
        CannotListen: another program has the port.
    """
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    if authority_file is not None:
        authority.cert_pem.write_to_path(authority_file)
    try:
        listener = socket.create_server((_ADDRESS, port))
    except OSError as error:
        raise CannotListen(_ADDRESS, port, error.strerror or str(error)) from error
    with listener:
        base_url = f"https://{HOST}:{listener.getsockname()[1]}"
        asyncio.run(_run(listener, base_url, authority, announce))


async def _run(
    listener: socket.socket, base_url: str, authority: trustme.CA, announce: Callable[[dict[str, Json]], None]
) -> None:
    async with HttpFetcher(Reach.LOOPBACK) as fetcher:
        service = ConformanceService.make(base_url=base_url, fetcher=fetcher)
        announce(service.describe())
        await build_server(service, authority).serve(sockets=[listener])


def build_server(service: ConformanceService, authority: trustme.CA) -> uvicorn.Server:
    """Build the server of a service, under a certificate for this machine by an authority."""
    config = uvicorn.Config(
        build_conformance_app(service),
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    # uvicorn reads certificates from files that stay; ours is nowhere but in memory.
    config.load()
    config.ssl = _build_context(authority)
    return uvicorn.Server(config)


def _build_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = authority.issue_cert(HOST, _ADDRESS, key_type=trustme.KeyType.ECDSA)
    # The library reads keys from files only; these are for nobody but us, and gone when they have been read.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "certificate.pem"
        certificate.private_key_and_cert_chain_pem.write_to_path(path)
        context.load_cert_chain(path)
    return context
