"""What a wallet receives beside single-use instances, and every way in which a co-op could mark it that is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

import schemas
from credentials.encoding.strict_json import Json
from tests.support.linked_issuer import DID, LinkedIssuer, make_linked
from tests.support.outside import Authority, Outside
from wallet import errors
from wallet.linked import LinkedKind
from wallet.ports import Tools
from wallet.service.receive import offered_in_words, read_offer, receive
from wallet.state import Copy


@pytest.fixture
def coop(outside: Outside, authority: Authority) -> LinkedIssuer:
    return LinkedIssuer.open(outside, authority)


async def take(coop: LinkedIssuer, tools: Tools) -> tuple[Copy, ...]:
    return await receive(await read_offer(coop.offer_link(), tools=tools), tools=tools)


async def test_one_offer_brings_a_copy_in_all_its_forms_and_the_countable_ones_are_asked_for_first(
    coop: LinkedIssuer, tools: Tools
) -> None:
    opened = await read_offer(coop.offer_link(), tools=tools)
    assert (offered_in_words(opened), opened.left_out) == ("a release", {})
    told: list[Copy] = []
    (copy,) = await receive(opened, tools=tools, progress=told.append)
    assert coop.asked == ["ep.pseudonym", "ep.bbs", "ep"]
    assert told == [copy]
    assert len(copy.instances) == 4
    assert copy.text("copy") == schemas.NOT_KNOWN
    assert [(each.kind, each.month) for each in copy.linked] == [
        (LinkedKind.PSEUDONYM, "2026-11"),
        (LinkedKind.BASELINE, "2026-11"),
    ]
    assert f"{copy.linked[0].expires_at:%Y-%m-%d}" == "2026-12-11"
    assert coop.violations == []
