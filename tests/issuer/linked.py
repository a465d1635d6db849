"""What the tests of linked credentials at a co-op have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from credentials.sd_jwt import parse_sd_jwt

if TYPE_CHECKING:
    from tests.issuer.conftest import Coop, Wallet


async def opened(coop: Coop, wallet: Wallet, listener: str) -> str:
    return str((await wallet.token(coop.offer(listener))).json()["access_token"])


async def document(wallet: Wallet, token: str, identifier: str) -> dict[str, Any]:
    answer = await wallet.ask(token, identifier)
    assert answer.status_code == 200, answer.text
    [only] = answer.json()["credentials"]
    return dict(only["credential"])


def instance_of(answer: Any) -> Any:
    return parse_sd_jwt(answer.json()["credentials"][0]["credential"]).claims


async def ask_with(wallet: Wallet, token: str, identifier: str, proofs: Any) -> str:
    answer = await wallet.credential(token, {"credential_identifier": identifier, "proofs": proofs})
    assert answer.status_code == 400, answer.text
    return str(answer.json()["error"])
