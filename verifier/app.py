"""The verifier as one application: endpoints for programs, pages for people."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from fastapi import FastAPI

from plumbing.web.app import WebPolicy, create_app
from verifier import api
from verifier.parts import VerifierParts
from verifier.web import events, gate_pages, visit_pages

TEMPLATES: Final = Path(__file__).parent / "web" / "templates"
MIGRATIONS: Final = Path(__file__).parent / "migrations"
_SWEEP_PAUSE_S: Final = 60.0


def build_verifier_app(parts: VerifierParts) -> FastAPI:
    """Build the application around its parts."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sweeper = asyncio.create_task(_sweep_for_ever(parts))
        yield
        sweeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sweeper
        await parts.close()

    https = parts.party.base_url.startswith("https:")
    policy = WebPolicy(statuses=api.STATUSES, https=https)
    app = create_app(title=parts.party.name, policy=policy, pages=parts.pages, lifespan=lifespan)
    app.state.verifier = parts
    for router in (api.router, gate_pages.router, visit_pages.router, events.router):
        app.include_router(router)
    return app


async def _sweep_for_ever(parts: VerifierParts) -> None:
    """Delete what is over also when nobody comes: an expired visit does not lie around until the next one starts."""
    while True:
        await asyncio.to_thread(sweep, parts)
        await asyncio.sleep(_SWEEP_PAUSE_S)


def sweep(parts: VerifierParts) -> None:
    """Delete every visit that is over."""
    with parts.work.write() as stores:
        stores.sweep(now=parts.clock())
