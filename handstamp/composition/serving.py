"""Run one service's application: the same way for every role."""

from typing import Final

import uvicorn
from fastapi import FastAPI

from handstamp.settings import ServiceSettings

_GRACE_S: Final = 3


def serve(app: FastAPI, service: ServiceSettings) -> None:
    """Serve until stopped. Pages that wait for news are cut off after a few seconds; they connect again by themselves.

    The public address comes from the settings, never from a header: a proxy in front cannot change who we say we are.
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
    uvicorn.Server(config).run()
