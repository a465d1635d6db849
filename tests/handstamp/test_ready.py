"""A site says itself that it is not ready, as soon as it would not start again."""

from pathlib import Path

import httpx
import pytest

from credentials.protocols.openid4vp import Prefix
from handstamp.composition.verifier import GRANT_KEY, REQUEST_KEY
from handstamp.composition.verifier_service import build_app
from handstamp.settings import Settings, VerifierSettings


@pytest.mark.parametrize("name", [GRANT_KEY, REQUEST_KEY])
async def test_a_site_without_one_of_its_keys_is_not_ready(tmp_path: Path, name: str) -> None:
    site = VerifierSettings(client_id_prefix=Prefix.DECENTRALIZED_IDENTIFIER)
    app = build_app(Settings(data_dir=tmp_path, verifier=site))
    (tmp_path / "verifier" / "keys" / f"{name}.pem").unlink()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://site") as client:
        ready = await client.get("/health/ready")
    await app.state.verifier.close()
    assert (ready.status_code, ready.json()["checks"]["key"]) == (503, "failed")
