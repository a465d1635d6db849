"""The issuer as an application: routes for wallets and verifiers, pages for listeners, and what runs by itself."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from fastapi import FastAPI

from issuer.api import STATUSES, build_router
from issuer.catalogue_api import STATUSES as CATALOGUE_STATUSES
from issuer.catalogue_api import build_catalogue_router
from issuer.openapi import OPERATIONS
from issuer.parts import IssuerParts
from issuer.publishing import publish
from issuer.service.sweep import sweep
from issuer.status_api import STATUSES as STATUS_LIST_STATUSES
from issuer.status_api import build_status_router
from issuer.store import Store
from issuer.wallet_api import WALLET_ENDPOINTS
from issuer.web.routes import build_pages_router
from plumbing.observing import Observing
from plumbing.repeating import repeating
from plumbing.sweeping import sweeping
from plumbing.web.app import WebPolicy, create_app
from plumbing.web.direct import include_flat
from plumbing.web.openapi import describe_operations
from plumbing.web.rates import Kind

SWEEP_EVERY_S: Final = 300.0
_AFTER_BATCH_S: Final = 0.5
KINDS: Final = {
    "GET /login": Kind.TRY,
    "POST /login": Kind.TRY,
    "POST /token": Kind.TRY,
    "POST /codes": Kind.TRY,
    "POST /par": Kind.BEGIN,
    "POST /nonce": Kind.BEGIN,
}
"""Routes of which one bucket of addresses may ask less often than of others."""


def build_app(
    parts: IssuerParts, *, sweep_every_s: float = SWEEP_EVERY_S, observing: Observing | None = None
) -> FastAPI:
    """Build the application on its parts."""
    observing = observing or Observing()
    runs = observing.runs

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with (
            sweeping(lambda: _sweep(parts), every_s=sweep_every_s, part="issuer.sweep", runs=runs),
            repeating(
                lambda: _publish(parts), pause=lambda: _until_next_batch(parts), part="issuer.publish", runs=runs
            ),
        ):
            yield

    statuses = STATUSES | STATUS_LIST_STATUSES | CATALOGUE_STATUSES
    policy = WebPolicy(
        statuses=statuses,
        https=parts.identity.url.startswith("https:"),
        kinds=KINDS,
        oauth_paths=tuple(WALLET_ENDPOINTS),
    )
    app = create_app(
        title=parts.identity.name, policy=policy, pages=parts.pages, lifespan=lifespan, observing=observing
    )
    routers = (build_router, build_status_router, build_catalogue_router, build_pages_router)
    include_flat(app, [build(parts) for build in routers])
    describe_operations(app, OPERATIONS)
    return app


def _sweep(parts: IssuerParts) -> int:
    with parts.database.write() as session:
        swept = sweep(Store(session), now=parts.clock())
    parts.database.forget_deleted()
    return swept


async def _publish(parts: IssuerParts) -> dict[str, int]:
    # In a thread, so that signing many lists holds up no request.
    done = await asyncio.to_thread(publish, parts, now=parts.clock())
    return {"changed": done.changed, "renewed": done.renewed, "lost": done.lost}


def _until_next_batch(parts: IssuerParts) -> float:
    # A moment after it, so that a clock's fraction of a second makes no batch wait for the next.
    return parts.schedule.seconds_to_next_batch(parts.clock()) + _AFTER_BATCH_S
