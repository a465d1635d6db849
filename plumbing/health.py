"""Whether a service lives, and whether it is ready: what systemd, a proxy or a monitor asks.

`/health/live` answers while the process does, with no look at anything else. `/health/ready` looks at what the service
needs, at most once a second however often it is asked, and in one thread at a time, so that a database that hangs does
not hang the service. Its answer names checks and says nothing of why: that stands in the log. `/health/events` sends
what a waiting page is sent, so that somebody can see whether a proxy holds it back.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

from fastapi import FastAPI
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from credentials.encoding import strict_json
from credentials.errors import HandstampError, OperatorError
from plumbing.logs import get_logger
from plumbing.runs import NO_RUNS, Runs

LIVE: Final = "/health/live"
READY: Final = "/health/ready"
EVENTS: Final = "/health/events"
EVENTS_APART_S: Final = 1.0
"""So long after the first event the second is sent, which is the last."""
_FRESH_S: Final = 1.0
_PATIENCE_S: Final = 3.0
_NO_STORE: Final = {"Cache-Control": "no-store"}
_JSON: Final = "application/json"
Check = Callable[[], None]
"""Returns if all is well, and raises whatever if not. It runs in a thread, and may read a database."""


class WorkStuck(OperatorError):
    """Background work has not gone well for long."""

    code = "work_stuck"

    def __init__(self, parts: tuple[str, ...]) -> None:
        super().__init__(
            f"Background work has not gone well for long: {', '.join(parts)}. Its lines in the log say why."
        )


class Health:
    """Answers for one service.

    Args:
        checks: what must be well, by the name under which the answer shows it.
        runs: the background work, which must not be stuck for long.
        setup: what workers of one version and the same settings have in common; empty for not saying it.
    """

    def __init__(self, checks: Mapping[str, Check], *, runs: Runs = NO_RUNS, setup: str = "") -> None:
        self._setup = setup
        self._checks = {**checks, "background": lambda: _check_runs(runs)}
        self._log = get_logger("health")
        self._looking: asyncio.Task[dict[str, bool]] | None = None
        self._until = 0.0
        self._was: dict[str, bool] = {}

    def add_to(self, app: FastAPI) -> None:
        """Add the routes to an application."""
        for path, answer in ((LIVE, self.live), (READY, self.ready), (EVENTS, self.events)):
            app.add_api_route(path, answer, methods=["GET"], include_in_schema=False)

    async def live(self) -> Response:
        """Say that the process answers."""
        return Response(b'{"status":"live"}', media_type=_JSON, headers=_NO_STORE)

    async def ready(self) -> Response:
        """Say whether everything is there that the service needs."""
        found = await self._found()
        well = all(found.values())
        body: dict[str, strict_json.Json] = {
            "status": "ready" if well else "not ready",
            "checks": {name: "ok" if passed else "failed" for name, passed in found.items()},
            **({"setup": self._setup} if self._setup else {}),
        }
        return Response(strict_json.dump(body), status_code=200 if well else 503, media_type=_JSON, headers=_NO_STORE)

    async def events(self) -> Response:
        """Send one event now and one a moment later, in the way of the pages that wait for news."""
        return EventSourceResponse(_two_events(), headers=_NO_STORE)

    async def _found(self) -> dict[str, bool]:
        """Look, or wait for who looks already; what takes too long has failed."""
        now = asyncio.get_running_loop().time()
        if self._looking is None or (self._looking.done() and now >= self._until):
            self._looking = asyncio.create_task(asyncio.to_thread(self._look))
            self._until = now + _FRESH_S
        try:
            return await asyncio.wait_for(asyncio.shield(self._looking), _PATIENCE_S)
        except TimeoutError:
            self._log.warning("not ready", check="any", reason="no answer in time")
            return dict.fromkeys(self._checks, False)

    def _look(self) -> dict[str, bool]:
        found = {name: self._passes(name, check) for name, check in self._checks.items()}
        if found != self._was and self._was and all(found.values()):
            self._log.info("ready again")
        self._was = found
        return found

    def _passes(self, name: str, check: Check) -> bool:
        try:
            check()
        except HandstampError as error:
            self._log.warning("not ready", check=name, code=error.code)
            return False
        except Exception as error:  # noqa: BLE001  # whatever it is, the service is not ready
            self._log.warning("not ready", check=name, error=type(error).__name__)
            return False
        return True


async def _two_events() -> AsyncIterator[ServerSentEvent]:
    yield ServerSentEvent(event="state", data="first")
    await asyncio.sleep(EVENTS_APART_S)
    yield ServerSentEvent(event="state", data="last")


def _check_runs(runs: Runs) -> None:
    stuck = runs.stuck()
    if stuck:
        raise WorkStuck(stuck)
