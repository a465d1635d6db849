"""A grant and a link are good once, whoever else comes at the same moment, on either database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.rush import CROWD, rush, rush_web, two_workers
from tests.trackserver.conftest import BASE_URL
from trackserver.api import build_trackserver_app
from trackserver.grants import Scope, Ticket
from trackserver.store.passes import SqlPasses
from trackserver.tables import ReleaseRow

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from trackserver.parts import TrackserverParts

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def test_of_two_hundred_one_redeems_a_grant(new_database: Callable[[str], str]) -> None:
    with two_workers(new_database("trackserver")) as workers:

        def redeem(number: int) -> bool:
            with workers[number % 2].write(turn="grant:A") as session:
                return SqlPasses(session).claim_grant("http://shop.example", "A" * 22, expires_at=LATER)

        assert rush(redeem) == {"True": 1, "False": CROWD - 1}


@pytest.mark.slow
@pytest.mark.exact
def test_of_two_hundred_requests_over_http_one_gets_a_download_for_a_grant(parts: TrackserverParts, gate: Any) -> None:
    grant = gate.grant(bound=True)
    proofs = [gate.proof("POST", f"{BASE_URL}/grants") for _ in range(CROWD)]
    with two_workers(parts.database.url.render_as_string(hide_password=False)) as workers:
        apps = [build_trackserver_app(replace(parts, database=each)) for each in workers]

        async def redeem(number: int, web: httpx.AsyncClient) -> str:
            answer = await web.post("/grants", json={"grant": grant}, headers={"DPoP": proofs[number]})
            return f"{answer.status_code} {answer.json().get('code', '')}".strip()

        assert rush_web(apps, BASE_URL, redeem) == {"201": 1, "409 grant_used": CROWD - 1}


def test_of_two_hundred_one_opens_a_link(new_database: Callable[[str], str]) -> None:
    with two_workers(new_database("trackserver")) as workers:
        with workers[0].write() as session:
            session.add(
                ReleaseRow(
                    id="r", folder="f", content_digest="d", title="t", artist="a", release_type="EPRelease", added_at=0
                )
            )
            session.flush()
            scope = Scope(release_id="r", tracks=(), formats=("flac",))
            SqlPasses(session).add_ticket(Ticket(secret_hash="h", scope=scope, expires_at=LATER))

        def open_it(number: int) -> bool:
            with workers[number % 2].write(turn="ticket:h") as session:
                return SqlPasses(session).claim_ticket("h")

        assert rush(open_it) == {"True": 1, "False": CROWD - 1}
