"""The verifier as one application: endpoints for programs, pages for people."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Final

from fastapi import FastAPI

from plumbing.dids import build_resolver
from plumbing.observing import Observing
from plumbing.repeating import repeating
from plumbing.sweeping import sweeping
from plumbing.web.app import WebPolicy, create_app
from plumbing.web.direct import include_flat
from plumbing.web.openapi import describe_operations
from plumbing.web.rates import Kind
from plumbing.web.watchers import Watchers
from verifier import api, door_api
from verifier.openapi import OPERATIONS
from verifier.parts import VerifierParts
from verifier.service.refresh_trust import TRUST_REFRESH_PAUSE_S, refresh_trust
from verifier.statuses import REFRESH_PAUSE_S
from verifier.web import events, gate_pages, visit_pages

_SWEEP_PAUSE_S: Final = 60.0
KINDS: Final = {
    "POST /gates/{gate_id}/visits": Kind.BEGIN,
    "POST /gates/{gate_id}/passes": Kind.TRY,
    "POST /visits/{visit_id}/code": Kind.TRY,
    "GET /codes/{page}": Kind.TRY,
    "GET /return": Kind.TRY,
}
"""Routes of which one bucket of addresses may ask less often than of others."""


def build_verifier_app(parts: VerifierParts, *, observing: Observing | None = None) -> FastAPI:
    """Build the application around its parts."""
    observing = observing or Observing()
    runs = observing.runs

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with (
            sweeping(lambda: _sweep(parts), every_s=_SWEEP_PAUSE_S, part="verifier.sweep", runs=runs),
            repeating(
                lambda: parts.statuses.refresh(now=parts.clock()),
                pause=lambda: REFRESH_PAUSE_S,
                part="verifier.status_lists",
                runs=runs,
            ),
            repeating(
                lambda: _refresh_trust(parts), pause=lambda: TRUST_REFRESH_PAUSE_S, part="verifier.trust", runs=runs
            ),
        ):
            yield
        await parts.close()

    https = parts.party.base_url.startswith("https:")
    policy = WebPolicy(statuses=api.STATUSES, https=https, kinds=KINDS, oauth_paths=("/responses/",))
    app = create_app(title=parts.party.name, policy=policy, pages=parts.pages, lifespan=lifespan, observing=observing)
    app.state.verifier = parts
    app.state.watchers = Watchers(pause_s=events.PAUSE_S)
    include_flat(app, (api.router, gate_pages.router, visit_pages.router, events.router, door_api.router))
    describe_operations(app, OPERATIONS)
    return app


def _sweep(parts: VerifierParts) -> int:
    with parts.work.write() as stores:
        swept = stores.sweep(now=parts.clock())
    parts.work.forget_deleted()
    return swept


async def _refresh_trust(parts: VerifierParts) -> Mapping[str, int]:
    resolver = build_resolver(parts.fetcher, clock=parts.clock)
    done = await refresh_trust(
        parts.work, fetcher=parts.fetcher, resolver=resolver, party=parts.party, clock=parts.clock
    )
    failed = sum(each.error is not None for each in done)
    return {"read": len(done) - failed, "not_read": failed}
