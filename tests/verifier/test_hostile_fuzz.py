"""Whatever is posted as an answer: never a surprise, and never an open gate."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from credentials.protocols.openid4vp import AuthorizationResponse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.verifier.conftest import (
        Site,
    )
    from verifier.gates import Gate

pytestmark = pytest.mark.slow


texts = st.text(max_size=60) | st.sampled_from(["{}", '{"release":[""]}', '{"release":["a~b~c"]}', '{"release":"x"}'])
forms = st.lists(st.tuples(st.sampled_from(["vp_token", "state", "error", "response", "x"]), texts), max_size=4)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=forms, junk=st.binary(max_size=60), right_state=st.booleans())
def test_no_body_at_the_response_endpoint_is_ever_a_surprise(
    fuzzed: tuple[asyncio.Runner, Site, Gate], pairs: list[tuple[str, str]], junk: bytes, right_state: bool
) -> None:
    runner, site, gate = fuzzed

    async def send() -> tuple[int, str]:
        visitor = await site.visitor().start(gate)
        request = await visitor.fetch_request()
        body = "&".join(f"{name}={quote(value)}" for name, value in pairs if not (right_state and name == "state"))
        state = f"&state={request.state}" if right_state else ""
        reply = await visitor.send(request, f"{body}{state}".encode() + (b"" if right_state else junk))
        return reply.status_code, reply.text

    status, text = runner.run(send())
    assert status in {200, 400}, text
    assert status == 400 or text == "{}"


@pytest.fixture
def fuzzed(site: Site, gate: Gate) -> Iterator[tuple[asyncio.Runner, Site, Gate]]:
    with asyncio.Runner() as runner:
        yield runner, site, gate


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bent_presentation_opens_the_gate(fuzzed: tuple[asyncio.Runner, Site, Gate], data: st.DataObject) -> None:
    runner, site, gate = fuzzed

    async def send() -> tuple[int, str]:
        visitor = await site.visitor().start(gate)
        request = await visitor.fetch_request()
        good = visitor.present(request)
        place = data.draw(st.integers(0, len(good) - 1))
        letter = data.draw(st.characters(min_codepoint=33, max_codepoint=126).filter(lambda one: one != good[place]))
        bent = good[:place] + letter + good[place + 1 :]
        form = AuthorizationResponse(vp_token={"release": (bent,)}, state=request.state).to_form()
        reply = await visitor.send(request, form)
        return reply.status_code, reply.text

    assert runner.run(send())[0] == 400
