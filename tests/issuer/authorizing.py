"""What the tests of the authorization code flow have in common."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from credentials.protocols.openid4vci import (
    PushedRequest,
    make_code_challenge,
)

if TYPE_CHECKING:
    import httpx

    from tests.issuer.conftest import Wallet

BACK = "https://wallet.example/back?from=coop"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
FORM = {"Sec-Fetch-Site": "same-origin"}


def asks(**changed: Any) -> PushedRequest:
    asked: dict[str, Any] = {
        "client_id": "wallet.example",
        "redirect_uri": BACK,
        "code_challenge": make_code_challenge(VERIFIER),
        "scopes": ("release_ownership", "nobody_knows"),
        "state": "a state",
    }
    return PushedRequest(**{**asked, **changed})


async def push(wallet: Wallet, asked: PushedRequest, *, dpop: bool = True) -> httpx.Response:
    headers = {"DPoP": wallet.proof_of_possession("/par")} if dpop else {}
    return await wallet.http.post("/par", content=asked.to_form(), headers=headers)


def fields(shown: httpx.Response) -> dict[str, Any]:
    assert shown.status_code == 200, shown.text
    named = dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', shown.text))
    return {**named, "copy": re.findall(r'name="copy" value="([^"]+)"', shown.text)}


async def say(browser: httpx.AsyncClient, form: dict[str, Any]) -> httpx.Response:
    return await browser.post("/authorize", data=form, headers=FORM)
