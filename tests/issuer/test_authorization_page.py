"""The steps on the page about issuing by an authorization code happen in their order."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from credentials.protocols.openid4vci import TokenResponse
from tests.flows.following import following, steps_of
from tests.issuer.test_authorize import code_of, redeem

if TYPE_CHECKING:
    import httpx

    from tests.issuer.conftest import Coop, Wallet

pytestmark = pytest.mark.slow


async def test_an_authorization_takes_the_steps_of_its_page_and_no_other_order(
    coop: Coop, wallet: Wallet, browser: httpx.AsyncClient
) -> None:
    steps = steps_of("issue-by-authorization-code")
    with following(steps) as followed:
        token = TokenResponse.parse((await redeem(wallet, await code_of(coop, wallet, browser))).content)
        [detail] = token.authorization_details
        assert (await wallet.ask(token.access_token, detail.credential_identifiers[0])).status_code == 200
    assert followed.out_of_order(steps) == []
    for at, (one, another) in enumerate(pairwise(steps)):
        assert followed.out_of_order([*steps[:at], another, one, *steps[at + 2 :]]) != [], f"step {one.number}"
