"""Gates that count: the short code, receipts, closing, and trust that ends meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from credentials.keys.jws import parse_jws
from plumbing.web.csrf import FormGuard
from tests.verifier.conftest import (
    COOP,
    FORM,
    JSON,
    PAGE,
    Site,
)
from tests.verifier.counting import begun, came_back, limited, short_code, state_of, typed
from verifier.limits import OnceEver
from verifier.service.close_gate import close_gate
from verifier.service.distrust_issuer import distrust_issuer
from verifier.visits import Accepted, Refused

if TYPE_CHECKING:
    from verifier.gates import Gate


@pytest.fixture
def once(site: Site) -> Gate:
    return limited(site, OnceEver())


# The short code.


async def test_an_answer_from_afar_opens_only_when_its_code_is_typed(site: Site, once: Gate) -> None:
    visitor, reply = await begun(site, once, "cross_device")
    page = await visitor.http.get(visitor.visit, headers=PAGE)
    assert "Type the code from your wallet" in page.text
    # The phone has no cookie of this visit.
    phone = await site.visitor().http.get(reply.json()["redirect_uri"], headers=PAGE)
    code = await short_code(site.visitor(), reply)
    assert " ".join(code) in phone.text
    done = await typed(site, visitor, f"{code[:3]} {code[3:]}")
    assert done.headers["location"] == visitor.visit
    assert isinstance(state_of(site, visitor), Accepted)
    gone = await visitor.http.get(reply.json()["redirect_uri"], headers=JSON)
    assert (gone.status_code, gone.json()["code"]) == (404, "no_such_code")
    used = await typed(site, visitor, code)
    assert used.status_code == 409


async def test_an_answer_lured_out_of_somebody_uses_nothing_up(site: Site, once: Gate) -> None:
    thief, _ = await begun(site, once, "cross_device")  # it is the thief's page that waits, and no code comes
    for _ in range(4):
        await typed(site, thief, "abcdef")
    page = await thief.http.get(thief.visit, headers=PAGE)
    assert "1 more time" in page.text
    await typed(site, thief, "abcdef")
    assert state_of(site, thief) == Refused(facts=state_of(site, thief).facts, last_failure="too_many_wrong_codes")  # type: ignore[attr-defined]
    page = await thief.http.get(thief.visit, headers=PAGE)
    assert "wrong too often" in page.text
    assert await came_back(site, once) == "open"


async def test_another_browser_or_a_forged_form_types_no_code(site: Site, once: Gate) -> None:
    visitor, reply = await begun(site, once, "cross_device")
    code = await short_code(visitor, reply)
    assert (await typed(site, visitor, code, csrf="x")).status_code == 403
    stranger = site.visitor()
    forged = FormGuard(b"f" * 32).field_value("")
    sent = await stranger.http.post(f"{visitor.visit}/code", headers=FORM | PAGE, content=f"csrf={forged}&code={code}")
    assert sent.status_code == 403
    assert "another browser" in sent.text


async def test_a_code_ends_with_its_visit(site: Site, once: Gate) -> None:
    visitor, reply = await begun(site, once, "cross_device")
    code = await short_code(visitor, reply)
    site.clock.pass_time(minutes=5)
    assert (await visitor.http.get(reply.json()["redirect_uri"], headers=PAGE)).status_code == 404
    late = await typed(site, visitor, code)
    assert "Time is up" in late.text


async def test_the_stream_says_when_the_code_is_awaited(site: Site, once: Gate) -> None:
    visitor, _ = await begun(site, once, "cross_device")
    page = await visitor.http.get(visitor.visit, headers=PAGE)
    assert "seen=waiting-code-0" in page.text


# Receipts and closing.


async def test_a_receipt_proves_the_terms_and_is_erased_after_a_year(site: Site, once: Gate) -> None:
    assert await came_back(site, once) == "open"
    with site.parts.work.read() as stores:
        (receipt,) = stores.load_receipts(once.gate_id)
    assert receipt.terms == once.terms.text
    binding = parse_jws(receipt.signed.binding, what="key binding", typ="kb+jwt")
    assert binding.claims()["nonce"] == once.terms.shake(receipt.signed.salt).nonce
    with site.parts.work.write() as stores:
        stores.sweep(now=site.clock().replace(year=site.clock().year + 1))
        assert len(stores.load_receipts(once.gate_id)) == 1
        stores.sweep(now=receipt.erase_at)
        assert stores.load_receipts(once.gate_id) == ()


async def test_an_unlimited_gate_keeps_no_receipt_and_no_mark(site: Site, gate: Gate) -> None:
    await site.visitor().pass_gate(gate)
    with site.parts.work.read() as stores:
        assert stores.load_receipts(gate.gate_id) == ()
    with site.database.read() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM marks").scalar() == 0


async def test_a_closed_gate_lets_nobody_in_and_forgets_whom_it_counted(site: Site, once: Gate) -> None:
    assert await came_back(site, once) == "open"
    waiting = await site.visitor().start(once)
    asked = await waiting.fetch_request("same_device")
    answered, reply = await begun(site, once, copy="d83vEjRWeJCrze8SNFZ4kA")
    assert close_gate(site.parts.work, once, now=site.clock())
    assert not close_gate(site.parts.work, once, now=site.clock())
    http = site.visitor().http
    page = await http.get(f"/gates/{once.gate_id}", headers=PAGE)
    assert (page.status_code, "This gate is closed" in page.text) == (410, True)
    started = await http.post(f"/gates/{once.gate_id}/visits", headers=JSON)
    assert (started.status_code, started.json()["code"]) == (410, "gate_closed")
    assert (await http.post(f"/gates/{once.gate_id}/visits", headers=FORM | PAGE, content="a=b")).status_code == 410
    late = await waiting.send(asked, waiting.answer(asked))
    assert late.json()["code"] == "gate_closed"
    back = await answered.http.get(reply.json()["redirect_uri"], headers=JSON)
    assert back.json()["code"] == "gate_closed"
    with site.database.read() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM marks").scalar() == 0


async def test_distrust_shuts_the_doors_that_stand_open_on_that_co_ops_word(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().pass_gate(gate)
    distrust_issuer(site.parts.work, COOP, party=site.parts.party, now=site.clock())
    shut = state_of(site, visitor)
    assert isinstance(shut, Refused)
    assert shut.last_failure == "no_longer_trusted"
    page = await visitor.http.get(urlsplit(visitor.visit).path, headers=PAGE)
    assert "does not trust" in page.text


async def test_who_returns_after_the_trust_ended_hears_that_and_no_other_reason(site: Site, gate: Gate) -> None:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("same_device")
    reply = await visitor.send(request, visitor.answer(request))
    with site.parts.work.write() as stores:  # as when a list of co-ops that was read anew names it no more
        assert stores.remove_issuer("main", COOP)
    back = await visitor.http.get(reply.json()["redirect_uri"], headers=JSON)
    assert (back.status_code, back.json()["code"]) == (409, "no_longer_trusted")
