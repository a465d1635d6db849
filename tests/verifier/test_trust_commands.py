"""The commands by which a site trusts a DID or follows a list, and the service that reads its lists anew."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from starlette.responses import Response

from credentials.keys.signer import LocalSigner
from credentials.trust import CoopList, TrustedIssuer, build_coop_list
from handstamp.commands import verifier_trust
from plumbing.clock import system_clock
from tests.support.waiting import until
from tests.verifier.conftest import Coop, Site
from tests.verifier.trusting import (
    LABEL,
    LABEL_DID,
    LIST,
    PUBLISHER,
    TYPES,
    Web,
    a_list,
    follow,
    run,
)

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import FastAPI

pytestmark = pytest.mark.database


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
def label(site: Site) -> Coop:
    signer, chain = site.authority.certify("label.localhost")
    return Coop(signer=signer, x5c=chain.x5c(), clock=site.clock, url=LABEL)


@pytest.fixture
def home(tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HANDSTAMP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(verifier_trust, "HttpFetcher", lambda _: web.fetcher())
    return tmp_path


def test_the_command_trusts_a_did_after_its_fingerprint_was_shown(home: Path, web: Web) -> None:
    signer = LocalSigner.generate()
    web.publish_did(signer)
    declined = run("trust", LABEL_DID, answer="n\n")
    assert (declined.exit_code, home.is_dir()) == (1, True)
    assert signer.public_key.thumbprint in declined.output
    assert "label.localhost is trusted" in run("trust", LABEL_DID, answer="y\n").output
    assert f"known by {LABEL_DID}" in run("trusted").output
    assert f"{LABEL_DID}: read" in run("refresh").output
    web.pages = {}
    failed = run("refresh")
    assert failed.exit_code == 1
    assert "not read: The DID document" in failed.output
    assert "not trusted any more" in run("distrust", LABEL_DID).output
    assert "Nothing to read" in run("refresh").output


def test_the_command_follows_a_list_after_its_publisher_was_shown(home: Path, web: Web) -> None:
    now = system_clock().replace(microsecond=0)
    member = TrustedIssuer(issuer=LABEL, name="Label", public_keys={"1": PUBLISHER.public_key}, types=TYPES, until=now)
    made = CoopList(
        url=LIST,
        name="Federation",
        version=3,
        issued_at=now,
        expires_at=now + timedelta(days=30),
        members=(member,),
        publisher=PUBLISHER.public_key,
    )
    web.publish_list(made)
    declined = run("trust", "--list", LIST, answer="n\n")
    assert (declined.exit_code, home.is_dir()) == (1, True)
    for words in ("Federation, version 3", f"Label {LABEL}", PUBLISHER.public_key.thumbprint):
        assert words in declined.output
    assert "Federation is followed" in run("trust", "--list", LIST, "--yes").output
    assert f"Label {LABEL}" in run("trusted").output
    assert "not trusted any more" in run("distrust", LABEL).output
    shown = run("trusted").output
    assert "struck out here" in shown
    assert "what this site says itself counts instead" in shown
    assert "is not followed any more" in run("distrust", "--list", LIST).output


@pytest.mark.parametrize("command", ["trust", "distrust"])
@pytest.mark.parametrize("arguments", [[], [LABEL, "--list", LIST]])
def test_a_command_that_names_nobody_or_both_is_not_understood_and_makes_nothing(
    home: Path, command: str, arguments: list[str]
) -> None:
    assert run(command, *arguments).exit_code == 2
    assert not (home / "data").exists()


async def test_a_running_service_reads_its_lists_anew_by_itself(
    site: Site, web: Web, trackserver: FastAPI, label: Coop
) -> None:
    web.publish_list(a_list(site, label))
    await follow(site, web)
    text = build_coop_list(a_list(site, label, version=2), PUBLISHER)

    @trackserver.get("/coops")
    async def coops() -> Response:
        return Response(text, media_type="application/jwt")

    def version() -> int:
        with site.parts.work.read() as stores:
            (kept,) = stores.load_subscriptions("main")
        return kept.coop_list.version

    async with site.app.router.lifespan_context(site.app):
        await until(lambda: version() == 2)
