"""Run one service's application: the same way for every role."""

import gc
import importlib.util
import math
import socket
import sys
from typing import Final

import typer
import uvicorn
from fastapi import FastAPI

from credentials.errors import OperatorError
from credentials.protocols.urls import is_loopback
from handstamp.settings import ServiceSettings
from plumbing.web.overload import Load
from plumbing.web.rates import Addresses, Rates

_GRACE_S: Final = 3
_IDLE_S: Final = 5
# A proxy keeps its connections for a minute: who cuts one off first makes it ask again, or say that nobody answers.
_IDLE_BEHIND_PROXY_S: Final = 75
_BACKLOG: Final = 2048


class CannotListen(OperatorError):
    """The network address is taken, or may not be used."""

    code = "cannot_listen"

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"{host}:{port} cannot be listened on ({reason}). Stop what is there, or set bind_host and port."
        )


def serve(app: FastAPI, service: ServiceSettings) -> None:
    """Serve until stopped. Pages that wait for news are cut off after a few seconds; they connect again by themselves.

    Raises:
        CannotListen: another program has the port.
    """
    config = build_config(app, service)
    with _listen(service) as listener:
        where = f"{service.bind_host}:{listener.getsockname()[1]}"
        if sys.stdout.isatty():  # elsewhere the log alone speaks: one JSON object a line
            typer.echo(f"{service.name} listens on {where} for {service.base_url}. Stop it with Ctrl-C.")
        set_aside_what_stays()
        uvicorn.Server(config).run(sockets=[listener])


def set_aside_what_stays() -> None:
    """Let the garbage collector look no more at what the start made: it stays, and a look at all of it is a pause."""
    gc.collect()
    gc.freeze()


def build_config(app: FastAPI, service: ServiceSettings) -> uvicorn.Config:
    """Say how an application is served, and who is turned away.

    The public address comes from the settings, never from a header: a proxy in front cannot change who we say we are.
    """
    app.state.rates = build_rates(service)
    app.state.load = Load(service.concurrent_requests)
    config = uvicorn.Config(
        app,
        host=service.bind_host,
        port=service.port,
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        date_header=True,
        ws="none",
        timeout_keep_alive=_IDLE_BEHIND_PROXY_S if service.trusted_proxies else _IDLE_S,
        timeout_graceful_shutdown=_GRACE_S,
        backlog=_BACKLOG,
    )
    if importlib.util.find_spec("httptools") is not None:  # not on Windows: there, slow clients are the proxy's concern
        slow = importlib.import_module("plumbing.web.slow")
        bounds = slow.Bounds(connections=service.connections)
        config.http = slow.bounded(bounds, app.state.load, meter=app.state.meter, say=app.state.say)
    return config


def build_rates(service: ServiceSettings) -> Rates | None:
    """Say how often a bucket of addresses may ask this worker, which has its part of what all may answer.

    None for a trial on this machine, where there is only one bucket.
    """
    if is_loopback(service.base_url) and not service.trusted_proxies:
        return None
    requests, tries, begins = (
        math.ceil(rate / service.workers)  # at least one where there is a limit, and 0 stays 0, which is none
        for rate in (service.requests_per_minute, service.tries_per_minute, service.begins_per_minute)
    )
    return Rates(
        requests=requests,
        tries=tries,
        begins=begins,
        addresses=Addresses(trusted_proxies=service.trusted_proxies),
    )


def _listen(service: ServiceSettings) -> socket.socket:
    # Taken here, because uvicorn says an address in use in the system's words and ends with an exit code of its own.
    family = socket.AF_INET6 if ":" in service.bind_host else socket.AF_INET
    try:
        return socket.create_server((service.bind_host, service.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]  # Python's own words for where follow
        raise CannotListen(service.bind_host, service.port, reason) from error
