"""Request, choice, presentation, answer and check, with real keys and credentials, as four parties would do it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from credentials.protocols.dcql import (
    ClaimQuery,
    CredentialQuery,
    Holding,
    Query,
    UnaskedClaim,
    WrongClaimValue,
    check_answer,
    check_shape,
    choose,
)
from credentials.protocols.openid4vp import AuthorizationResponse, build_request_object, parse_response_form
from credentials.refusals import WrongAudience, WrongNonce
from credentials.sd_jwt import parse_sd_jwt

if TYPE_CHECKING:
    from tests.credentials.conftest import World
    from tests.credentials.protocols.openid4vp.conftest import Gate


def ask(gate: Gate, world: World, name: str) -> Gate:
    query = Query(
        credentials=(
            CredentialQuery(
                id="track", vct_values=(world.vct,), claims=(ClaimQuery(path=("name",), values=(name, "another")),)
            ),
        )
    )
    return replace(gate, request=replace(gate.request, dcql=query))


def answer(gate: Gate, world: World, *, more: tuple[str, ...] = ()) -> bytes:
    request = gate.verify(build_request_object(gate.request, signer=gate.signer, x5c=gate.x5c))
    credential = world.issue()
    held = Holding(id="h", format="dc+sd-jwt", vct=world.vct, claims=parse_sd_jwt(credential).claims)
    [selection] = choose(request.dcql, [held]).selections
    shown = world.present(credential, [*selection.disclose, *more], audience=request.client_id, nonce=request.nonce)
    return AuthorizationResponse(vp_token={selection.query_id: (shown,)}, state=request.state).to_form()


def judge(gate: Gate, world: World, body: bytes) -> None:
    response = parse_response_form(body)
    assert isinstance(response, AuthorizationResponse)
    assert response.state == gate.request.state
    shown = check_shape(gate.request.dcql, response.vp_token)
    verified = {
        name: world.verify(text, audience=gate.request.client_id, nonce=gate.request.nonce)
        for name, text in shown.items()
    }
    check_answer(gate.request.dcql, verified)


def test_an_honest_answer_passes(gate: Gate, world: World) -> None:
    asking = ask(gate, world, world.claims["name"])
    judge(asking, world, answer(asking, world))


def test_more_than_asked_is_refused(gate: Gate, world: World) -> None:
    asking = ask(gate, world, world.claims["name"])
    with pytest.raises(UnaskedClaim, match="byArtist"):
        judge(asking, world, answer(asking, world, more=("byArtist",)))


def test_a_wallet_that_ignores_the_values_does_not_get_in(gate: Gate, world: World) -> None:
    body = answer(ask(gate, world, world.claims["name"]), world)
    with pytest.raises(WrongClaimValue):
        judge(ask(gate, world, "Another Song"), world, body)


def test_an_answer_to_another_gate_or_request_is_refused(gate: Gate, world: World) -> None:
    asking = ask(gate, world, world.claims["name"])
    body = answer(asking, world)
    with pytest.raises(WrongNonce):
        judge(replace(asking, request=replace(asking.request, nonce="b" * 43)), world, body)
    with pytest.raises(WrongAudience):
        judge(replace(asking, request=replace(asking.request, client_id="x509_san_dns:shop.localhost")), world, body)
