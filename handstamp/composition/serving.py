"""Run one service's application: the same way for every role."""

import socket
from typing import Final

import typer
import uvicorn
from fastapi import FastAPI

from credentials.errors import OperatorError
from handstamp.settings import ServiceSettings

_GRACE_S: Final = 3


class CannotListen(OperatorError):
    """The network address is taken, or may not be used."""

    code = "cannot_listen"

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"{host}:{port} cannot be listened on ({reason}). Stop what is there, or set bind_host and port."
        )


def serve(app: FastAPI, service: ServiceSettings) -> None:
    """Serve until stopped. Pages that wait for news are cut off after a few seconds; they connect again by themselves.

    The public address comes from the settings, never from a header: a proxy in front cannot change who we say we are.

    Raises:
        CannotListen: another program has the port.
    """
    config = uvicorn.Config(
        app,
        host=service.bind_host,
        port=service.port,
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=_GRACE_S,
    )
    with _listen(service) as listener:
        where = f"{service.bind_host}:{listener.getsockname()[1]}"
        typer.echo(f"{service.name} listens on {where} for {service.base_url}. Stop it with Ctrl-C.")
        uvicorn.Server(config).run(sockets=[listener])


def _listen(service: ServiceSettings) -> socket.socket:
    # Taken here, because uvicorn says an address in use in the system's words and ends with an exit code of its own.
    family = socket.AF_INET6 if ":" in service.bind_host else socket.AF_INET
    try:
        return socket.create_server((service.bind_host, service.port), family=family, backlog=2048)
    except OSError as error:
        raise CannotListen(service.bind_host, service.port, error.strerror or str(error)) from error
