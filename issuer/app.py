"""The issuer as an application: routes for wallets, pages for listeners, and the sweep."""

import contextlib
from collections.abc import AsyncIterator
from typing import Final

from fastapi import FastAPI

from issuer.api import STATUSES, build_router
from issuer.parts import IssuerParts
from issuer.service.sweep import sweep
from issuer.store import Store
from issuer.web.routes import build_pages_router
from plumbing.sweeping import sweeping
from plumbing.web.app import WebPolicy, create_app

SWEEP_EVERY_S: Final = 300.0


def build_app(parts: IssuerParts, *, sweep_every_s: float = SWEEP_EVERY_S) -> FastAPI:
    """Build the application on its parts."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with sweeping(lambda: _sweep(parts), every_s=sweep_every_s, part="issuer.sweep"):
            yield

    policy = WebPolicy(statuses=STATUSES, https=parts.identity.url.startswith("https:"))
    app = create_app(title=parts.identity.name, policy=policy, pages=parts.pages, lifespan=lifespan)
    app.include_router(build_router(parts))
    app.include_router(build_pages_router(parts))
    return app


def _sweep(parts: IssuerParts) -> int:
    with parts.database.write() as session:
        return sweep(Store(session), now=parts.clock())
