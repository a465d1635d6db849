"""What ended is erased though nobody redeems anything any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from tests.support.waiting import until
from trackserver.api import build_trackserver_app

if TYPE_CHECKING:
    import httpx

    from trackserver.parts import TrackserverParts


def rows(parts: TrackserverParts) -> int:
    with parts.database.read() as session:
        counts = (
            session.connection().execute(text(f"SELECT count(*) FROM {name}")).scalar_one()  # noqa: S608
            for name in ("redeemed_grant", "ticket")
        )
        return sum(counts)


async def test_what_ended_is_erased_though_nobody_comes(
    parts: TrackserverParts, client: httpx.AsyncClient, gate: Any, clock: Any
) -> None:
    assert (await client.post("/grants", json={"grant": gate.grant()})).status_code == 201
    assert rows(parts) == 2
    clock.advance(days=9)
    app = build_trackserver_app(parts, sweep_every_s=0.02)
    async with app.router.lifespan_context(app):
        await until(lambda: rows(parts) == 0)
