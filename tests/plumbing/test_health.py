"""Health: it lives while it answers, and is ready while all is there that it needs."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest
import trustme

from credentials.keys.signer import LocalSigner
from handstamp.composition.observing import CertificateNotValid, check_certificate, compose_observing
from handstamp.settings import Settings
from issuer.parts import MIGRATIONS
from plumbing import health
from plumbing.database import Database
from plumbing.keystore import KeyStore, UnusableKey
from plumbing.observing import Observing
from plumbing.runs import Runs
from plumbing.web.app import WebPolicy, create_app
from plumbing.web.pages import Pages
from tests.support.databases import fresh_sqlite
from tests.support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def client(tmp_path: Path, observing: Observing) -> httpx.AsyncClient:
    pages = Pages(tmp_path, site_name="x")
    app = create_app(title="x", policy=WebPolicy(statuses={}), pages=pages, observing=observing)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


@pytest.fixture(autouse=True)
def _look_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_FRESH_S", 0.0)


async def test_a_broken_database_turns_ready_red_and_live_stays_green_and_it_recovers(tmp_path: Path) -> None:
    url = fresh_sqlite("issuer", tmp_path)
    database = Database(url)
    file = tmp_path / "issuer.sqlite"
    observing = compose_observing("issuer", Settings(), database=database, scripts=MIGRATIONS, checks={})
    async with client(tmp_path, observing) as http:
        well = await http.get("/health/ready")
        assert (well.status_code, well.json()) == (
            200,
            {"status": "ready", "checks": {"database": "ok", "background": "ok"}},
        )
        database.close()
        kept = file.read_bytes()
        file.write_bytes(b"no database at all" * 100)
        broken = await http.get("/health/ready")
        assert (broken.status_code, broken.json()["checks"]["database"]) == (503, "failed")
        assert broken.headers["retry-after"] == "5"
        assert set(broken.json()) == {"status", "checks"}
        assert (await http.get("/health/live")).json() == {"status": "live"}
        database.close()
        file.write_bytes(kept)
        assert (await http.get("/health/ready")).status_code == 200
    database.close()


async def test_a_database_of_another_version_is_not_ready(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    observing = compose_observing("issuer", Settings(), database=database, scripts=MIGRATIONS, checks={})
    async with client(tmp_path, observing) as http:
        assert (await http.get("/health/ready")).json()["checks"] == {"database": "failed", "background": "ok"}
    database.close()


async def test_a_check_that_hangs_is_red_in_time_and_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, asked = threading.Event(), []

    def hangs() -> None:
        asked.append(None)
        free.wait(PATIENCE_S)

    async with client(tmp_path, Observing(checks={"database": hangs})) as http:
        with monkeypatch.context() as hasty:
            hasty.setattr(health, "_PATIENCE_S", 0.05)
            first, second = await asyncio.gather(http.get("/health/ready"), http.get("/health/ready"))
        assert (first.status_code, second.status_code) == (503, 503)
        assert (await http.get("/health/live")).status_code == 200
        assert len(asked) == 1  # one look at a time, in one thread
        free.set()
        assert (await http.get("/health/ready")).status_code == 200


async def test_an_error_that_nobody_expected_is_red_and_says_nothing_of_itself(tmp_path: Path) -> None:
    def fails() -> None:
        raise ZeroDivisionError("canary")

    async with client(tmp_path, Observing(checks={"key": fails})) as http:
        answer = await http.get("/health/ready")
    assert answer.json()["checks"]["key"] == "failed"
    assert "canary" not in answer.text


async def test_what_workers_have_in_common_is_said_where_somebody_made_a_mark_of_it(tmp_path: Path) -> None:
    async with client(tmp_path, Observing(setup="3f2a")) as http:
        assert (await http.get("/health/ready")).json() == {
            "status": "ready",
            "checks": {"background": "ok"},
            "setup": "3f2a",
        }


async def test_two_events_come_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "EVENTS_APART_S", 0.0)
    async with client(tmp_path, Observing()) as http:
        answer = await http.get("/health/events")
    assert [line for line in answer.text.split() if line in {"first", "last"}] == ["first", "last"]
    assert (answer.headers["X-Accel-Buffering"], answer.headers["Cache-Control"]) == ("no", "no-store")


async def test_background_work_that_is_stuck_for_long_is_not_ready_until_it_goes_well(tmp_path: Path) -> None:
    now = [0.0]
    runs = Runs(monotonic=lambda: now[0])
    runs.expect("issuer.publish")
    runs.wait("issuer.publish", 600)
    async with client(tmp_path, Observing(runs=runs)) as http:
        now[0] += 39 * 60
        runs.failed("issuer.publish")
        assert (await http.get("/health/ready")).status_code == 200
        now[0] += 2 * 60
        assert (await http.get("/health/ready")).json()["checks"] == {"background": "failed"}
        runs.done("issuer.publish", {})
        assert (await http.get("/health/ready")).status_code == 200


def test_a_certificate_must_be_there_and_valid_at_this_moment(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path / "keys")
    now = [NOW]
    check = check_certificate(keys, "issuer", clock=lambda: now[0])
    with pytest.raises(CertificateNotValid):
        check()
    issued = trustme.CA().issue_cert("coop.example", key_type=trustme.KeyType.ECDSA)
    chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
    keys.install("issuer", key_pem=issued.private_key_pem.bytes(), chain_pem=chain)
    check()
    for moved in (timedelta(days=400_000), timedelta(days=-40_000)):
        now[0] += moved
        with pytest.raises(CertificateNotValid):
            check()
        now[0] -= moved


def test_a_key_that_is_gone_or_open_to_others_is_not_ready_and_never_made_anew(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path / "keys")
    with pytest.raises(UnusableKey):
        keys.check_readable("issuer")
    assert not (tmp_path / "keys" / "issuer.pem").exists()
    assert isinstance(keys.signer("issuer"), LocalSigner)
    keys.check_readable("issuer")
    (tmp_path / "keys" / "issuer.pem").chmod(0o644)
    with pytest.raises(UnusableKey):
        keys.check_readable("issuer")
