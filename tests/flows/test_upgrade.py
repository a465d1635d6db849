"""Data and keys of an older version start under this one: what listeners held before still opens gates."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from handstamp.composition import issuer_service, trackserver_service, verifier_service
from issuer.app import build_app as build_issuer_app
from issuer.parts import MIGRATIONS as ISSUER
from issuer.service.offers import choose_copies
from issuer.store import Store
from plumbing.clock import system_clock
from plumbing.migrations import downgrade
from tests.support.town import Town, elsewhere, serving, town
from trackserver.api import build_trackserver_app
from verifier.places import MIGRATIONS as VERIFIER
from wallet.service.open_gate import begin_visit, pass_gate

if TYPE_CHECKING:
    from pathlib import Path

    from wallet.ports import Tools

pytestmark = [pytest.mark.flow, pytest.mark.slow]

OLDER = (("issuer", ISSUER, "0005"), ("verifier", VERIFIER, "0006"))
"""Before there were commitments, and before sites kept keys of proofs: the oldest that know all that is held here."""


def receive(built: Town, listener: str) -> Tools:
    wallet = built.wallet()
    with built.issuer.database.write() as session:
        store = Store(session)
        made = built.issuer.desk.make(
            store, choose_copies(store, listener=listener, copy_ids=None), listener=listener, now=system_clock()
        )
    built.receive(wallet, built.issuer.desk.by_reference(made).to_link(), built.issuer.desk.tx_code(made))
    return wallet


def passes(wallet: Tools, gate: str) -> bool:
    async def go() -> bool:
        return bool(await pass_gate(await begin_visit(gate, tools=wallet), tools=wallet))

    return elsewhere(go())


def test_a_holding_of_before_passes_after_the_upgrade_and_a_new_one_is_handed_out(tmp_path: Path) -> None:
    with town(tmp_path) as built:
        listener, gate = built.buyer(), built.gate_url(built.gate())
        wallet = receive(built, listener)
        assert passes(wallet, gate)
    settings = built.settings
    for role, scripts, revision in OLDER:
        downgrade(settings.database_url(role), scripts, revision)  # type: ignore[arg-type]
    with ExitStack() as stack:
        built.issuer = issuer_service.compose_service(settings)
        tracks = trackserver_service.compose_service(settings)
        stack.callback(built.issuer.database.close)
        stack.callback(tracks.database.close)
        stack.enter_context(serving(lambda _: build_issuer_app(built.issuer), settings.issuer.port))
        stack.enter_context(serving(lambda _: build_trackserver_app(tracks), settings.trackserver.port))
        stack.enter_context(serving(lambda _: verifier_service.build_app(settings), settings.verifier.port))
        assert passes(wallet, gate)
        assert passes(receive(built, listener), gate)
