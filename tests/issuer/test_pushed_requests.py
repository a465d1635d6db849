"""A pushed request that is wrong or bent, by its exact error, and one proof for one request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from issuer.authorization_tables import PushedRequestRow
from tests.issuer.authorizing import asks, push

if TYPE_CHECKING:
    from tests.issuer.conftest import Coop, Wallet


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"scopes": ()}, "invalid_scope"),
        ({"scopes": ("nobody_knows",)}, "invalid_scope"),
        ({"requested_configuration_ids": ("Unheard",)}, "invalid_authorization_details"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"redirect_uri": "javascript:alert(1)"}, "invalid_request"),
        ({"redirect_uri": "http://wallet.example/back"}, "invalid_request"),
        ({"redirect_uri": "https://wallet.example/back#x"}, "invalid_request"),
        ({"redirect_uri": 'com.example.wallet:"onclick'}, "invalid_request"),
        ({"redirect_uri": "wallet-app://back"}, "invalid_request"),
        ({"redirect_uri": "search-ms:query=x"}, "invalid_request"),
        ({"redirect_uri": "intent:x"}, "invalid_request"),
        ({"redirect_uri": "openid-credential-offer://x?credential_offer_uri=https://other.example"}, "invalid_request"),
        ({"redirect_uri": "https://coop.example@other.example/"}, "invalid_request"),
        ({"client_id": "\u202emoc.elpmaxe.tellaw"}, "invalid_request"),
        ({"client_id": "Sound\u200bCommons"}, "invalid_request"),
        ({"client_id": "w" * 513}, "invalid_request"),
        ({"redirect_uri": "nothing"}, "invalid_request"),
        ({"dpop_thumbprint": "A" * 43}, "invalid_request"),
        ({"dpop_thumbprint": "short"}, "invalid_request"),
    ],
)
async def test_a_wrong_pushed_request_has_its_exact_error(
    coop: Coop, wallet: Wallet, changed: dict[str, Any], error: str
) -> None:
    answer = await push(wallet, asks(**changed))
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert coop.rows(PushedRequestRow) == 0


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (b"response_type=code", b"response_type=token", "unsupported_response_type"),
        (b"response_type=code", b"", "invalid_request"),
        (b"code_challenge_method=S256", b"code_challenge_method=plain", "invalid_request"),
        (b"code_challenge_method=S256", b"", "invalid_request"),
        (b"state=", b"request_uri=", "invalid_request"),
        (b"state=", b"client_id=", "invalid_request"),
    ],
)
async def test_a_bent_pushed_request_has_its_exact_error(wallet: Wallet, old: bytes, new: bytes, error: str) -> None:
    answer = await wallet.http.post("/par", content=asks().to_form().replace(old, new))
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_a_dpop_proof_serves_one_pushed_request(wallet: Wallet) -> None:
    headers = {"DPoP": wallet.proof_of_possession("/par")}
    assert (await wallet.http.post("/par", content=asks().to_form(), headers=headers)).status_code == 201
    answer = await wallet.http.post("/par", content=asks().to_form(), headers=headers)
    assert answer.json()["error"] == "invalid_dpop_proof"
