"""A co-op that is down, slow or answers rubbish while a wallet receives: clear words, and the same offer afterwards.

Elsewhere: renewals (`test_renew`), status lists and trust at a site (`test_statuses`, `test_trust`), a trackserver that
is away (`test_flow`, `test_download`), a database's server (`test_server_away.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.wallet.conftest import authority, issuer, outside, ready, run
from tests.wallet.terminal import done, refused

if TYPE_CHECKING:
    from tests.support.hostile_issuer import HostileIssuer
    from tests.support.outside import Handler
    from tests.wallet.terminal import Run

__all__ = ["authority", "issuer", "outside", "ready", "run"]


def down(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def slow(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("too slow", request=request)


def busy(_: httpx.Request) -> httpx.Response:
    return httpx.Response(503, json={"error": "temporarily_unavailable"}, headers={"Retry-After": "5"})


def rubbish(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=b"<html>\x00 It works!", headers={"Content-Type": "text/html"})


@pytest.mark.parametrize("fault", [down, slow, busy, rubbish], ids=lambda each: each.__name__)
@pytest.mark.parametrize(
    "where",
    [
        "GET /offers/1",
        "GET /.well-known/openid-credential-issuer",
        "GET /.well-known/oauth-authorization-server",
        "GET /.well-known/jwt-vc-issuer",
        "POST /nonce",
        "POST /credential",
    ],
)
def test_whatever_a_co_op_fails_at_the_same_offer_brings_everything_when_it_is_back(
    ready: Run, issuer: HostileIssuer, where: str, fault: Handler
) -> None:
    whole = issuer.routes.answers[where]
    issuer.routes.answers[where] = fault
    refusal = refused(ready("receive", issuer.link(), "--code", "123456"))
    assert "coop.localhost" in refusal.detail or "cannot be read" in refusal.detail
    assert refusal.detail.endswith(".")
    issuer.routes.answers[where] = whole
    assert "Night Bus" in done(ready("receive", issuer.link(), "--code", "123456"))
    assert issuer.tokens == 1, "the code was used once, whenever that was"


def test_a_co_op_that_is_busy_at_the_token_uses_up_nothing(ready: Run, issuer: HostileIssuer) -> None:
    whole = issuer.routes.answers["POST /token"]
    issuer.routes.answers["POST /token"] = busy
    assert "coop.localhost" in refused(ready("receive", issuer.link(), "--code", "123456")).detail
    issuer.routes.answers["POST /token"] = whole
    assert "Night Bus" in done(ready("receive", issuer.link(), "--code", "123456"))
