from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from trackserver.parts import TrackserverParts
from trackserver.service.disallow_verifier import disallow_verifier
from trackserver.store.catalogue import SqlCatalogue
from trackserver.store.passes import SqlPins

VERIFIER = "http://artist.localhost:8703"


def disallow(parts: TrackserverParts, release_id: str | None) -> list[str]:
    with parts.database.write() as session:
        return [*disallow_verifier(SqlCatalogue(session), SqlPins(session), issuer=VERIFIER, release_id=release_id)]


@pytest.mark.parametrize("everywhere", [True, False])
async def test_a_grant_signed_before_the_verifier_was_disallowed_is_refused(
    client: httpx.AsyncClient, gate: Any, parts: TrackserverParts, everywhere: bool
) -> None:
    grant = gate.grant()
    assert disallow(parts, None if everywhere else gate.release.id) == [gate.release.id]
    answer = await client.post("/grants", json={"grant": grant})
    assert answer.status_code == 403
    assert "link" not in answer.json()


async def test_disallowed_for_one_release_it_still_opens_the_other(
    client: httpx.AsyncClient,
    gate: Any,
    parts: TrackserverParts,
    add: Callable[..., Any],
    audio: Callable[..., Path],
    tmp_path: Path,
) -> None:
    audio(tmp_path / "other" / "a.flac", album="Other", artist="B", title="C")
    other = add(tmp_path / "other").release
    gate.allow(other.id)
    gate.allow(gate.release.id, issuer="http://shop.localhost:8703")
    disallow(parts, gate.release.id)
    refused = await client.post("/grants", json={"grant": gate.grant()})
    assert (refused.status_code, refused.json()["code"]) == (403, "verifier_not_allowed")
    assert (await client.post("/grants", json={"grant": gate.grant(release=other.id)})).status_code == 201
    with parts.database.read() as session:
        left = SqlPins(session).load_pins_of_release(gate.release.id)
    assert [pin.issuer for pin in left] == ["http://shop.localhost:8703"]
