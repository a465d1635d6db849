"""Every service once, as it is composed, with hostile words in each title; and one event loop for all of the table."""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
import structlog
import trustme

from handstamp.composition import trackserver_service, verifier_service
from handstamp.composition import verifier as verifier_composition
from handstamp.conformance.api import build_conformance_app
from handstamp.conformance.service import ConformanceService
from handstamp.settings import Settings, TrackserverSettings, VerifierSettings
from issuer.service.logins import make_login_link
from issuer.store import Store
from plumbing import logs
from tests.handstamp.conformance.conftest import Elsewhere
from tests.hostile.asking import FORM, Scene, call
from tests.issuer import conftest as coops
from tests.support.standing import stop_the_clock
from tests.trackserver import conftest as tracks
from tests.verifier import conftest as sites
from trackserver.ingest.album import draft_album
from trackserver.ingest.folder import read_folder
from trackserver.service.add_release import add_release
from trackserver.store.catalogue import SqlCatalogue
from verifier.proofs import OwnsRelease

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI

MARKUP = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'"
HOSTILE = f"{MARKUP} \u202eevil"  # letters that nobody sees are refused by the co-op as soon as it is told of them


@pytest.fixture(scope="module", autouse=True)
def _standing() -> Iterator[None]:
    """Let nothing that was begun for a table end before its last row is asked, however busy the machine is."""
    with pytest.MonkeyPatch.context() as patch:
        stop_the_clock(patch, sites.NOW)
        yield


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the services log from now on."""
    written, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr(sys, "stderr", written)
    logs.configure()
    yield written
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="module")
def coop(tmp_path_factory: pytest.TempPathFactory, runner: asyncio.Runner) -> Iterator[Scene]:
    with build_coop(tmp_path_factory.mktemp("coop"), runner, coops.URL) as scene:
        yield scene


@contextmanager
def build_coop(folder: Path, runner: asyncio.Runner, url: str) -> Iterator[Scene]:
    """Put a co-op together that has one release and one listener, who has logged in."""
    made = coops.make_coop(folder, url=url)
    made.add_release(coops.description(title=MARKUP, artist=MARKUP))
    listener = made.owner(name="Somebody")
    token = made.login_token(listener)
    cookie, csrf = runner.run(_log_in(made, token))
    offer = made.offer(listener)
    with made.parts.database.write() as session:
        other = make_login_link(Store(session), listener=listener, now=made.now)
    names = {
        "cookie": cookie,
        "csrf": csrf,
        "release": coops.RELEASE,
        "offer": offer.id,
        "code": made.code(offer),
        "tx": made.tx_code(offer),
        "login": other,
        "used": token,
        "copy": made.copies(listener)[0].id,
    }
    yield Scene(made.app, url, names)
    made.parts.database.close()


async def _log_in(coop: coops.Coop, token: str) -> tuple[str, str]:
    form = urlencode({"token": token}).encode()
    headers = [("host", "coop.localhost:8701"), ("content-type", FORM)]
    answer = await call(coop.app, "POST", "/login", headers, form)
    cookie = answer.header("set-cookie").partition(";")[0]
    return cookie, coop.parts.forms.field_value(cookie.partition("=")[2])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, runner: asyncio.Runner) -> Iterator[Scene]:
    with build_site(tmp_path_factory.mktemp("site"), runner, sites.ARTIST) as scene:
        yield scene


@contextmanager
def build_site(folder: Path, runner: asyncio.Runner, url: str) -> Iterator[Scene]:
    """Put a site together that has one gate, which somebody visits."""
    settings = Settings(data_dir=folder, verifier=VerifierSettings(base_url=url))
    tools = verifier_composition.compose_verifier(settings)
    leaf = trustme.CA(key_type=trustme.KeyType.ECDSA).issue_cert("artist.localhost", key_type=trustme.KeyType.ECDSA)
    chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
    tools.keys.install(verifier_composition.REQUEST_KEY, key_pem=leaf.private_key_pem.bytes(), chain_pem=chain)
    app = verifier_service.build_app(settings)
    gate = sites.make_gate(OwnsRelease(release_id=sites.RELEASE), clock=sites.TestClock(), title=HOSTILE)
    with tools.work.write() as stores:
        stores.save_gate(gate, now=sites.NOW)
    visit, cookie, request = runner.run(_visit(app, gate.gate_id))
    parts = app.state.verifier
    csrf = parts.guard.field_value(cookie.partition("=")[2].partition(".")[0])
    names = {"gate": gate.gate_id, "visit": visit, "cookie": cookie, "csrf": csrf, "request": request}
    yield Scene(app, url, names | {"key": parts.door_keys.key_of(gate.gate_id)})
    tools.database.close()


async def _visit(app: FastAPI, gate_id: str) -> tuple[str, str, str]:
    headers = [("host", "artist.localhost:8703"), ("accept", "application/json")]
    answer = await call(app, "POST", f"/gates/{gate_id}/visits", headers, b"")
    cookie = answer.header("set-cookie").partition(";")[0]
    request = answer.body.decode().partition("requests%2F")[2].partition("&")[0].partition('"')[0]
    return cookie.partition("=")[0].rpartition("visit-")[2], cookie, request


@pytest.fixture(scope="module")
def trackserver(tmp_path_factory: pytest.TempPathFactory, runner: asyncio.Runner) -> Iterator[Scene]:
    with build_trackserver(tmp_path_factory.mktemp("tracks"), runner, tracks.BASE_URL) as scene:
        yield scene


@contextmanager
def build_trackserver(folder: Path, runner: asyncio.Runner, url: str) -> Iterator[Scene]:
    """Put a trackserver together whose release has hostile titles, and that one browser downloads from."""
    settings = Settings(data_dir=folder / "data", trackserver=TrackserverSettings(base_url=url))
    parts = trackserver_service.compose_service(settings)
    for number, title in enumerate(("../../etc/passwd", "CON", "\u202egpj.exe\x07", HOSTILE), 1):
        name, about = f"{number}.flac", {"album": HOSTILE, "artist": "/absolute", "title": title}
        tracks.make_audio(folder / "album" / name, tracknumber=str(number), seconds=0.1, **about)
    contents = read_folder(folder / "album", lambda _where, _count: None)
    with parts.database.write() as session:
        album = draft_album(contents, title=None, artist=None)
        added = add_release(
            SqlCatalogue(session), album, folder=contents.folder, cover=None, now=parts.clock(), random=parts.random
        )
    gate = tracks.Gate(parts=parts, release=added.release)
    gate.allow(added.release.id)
    grant = partial(gate.grant, audience=url)
    app = trackserver_service.build_trackserver_app(parts)
    spent = grant()
    ticket, cookie, download = runner.run(_open(app, spent))
    names = {
        "spent": spent,
        "release": added.release.id,
        "grant": grant(),
        "foreign": gate.grant(audience="http://elsewhere.localhost"),
        "old": grant(expires_at=int(parts.clock().timestamp()) - 3600),
        "stranger": grant(signer=tracks.LocalSigner.generate()),
        "ticket": ticket,
        "cookie": cookie,
        "download": download,
        "file": added.release.tracks[0].masters[0].id,
        "tag": added.release.tracks[0].masters[0].file.sha256,
    }
    yield Scene(app, url, names)
    parts.database.close()


async def _open(app: FastAPI, grant: str) -> tuple[str, str, str]:
    body = b'{"grant": "%s"}' % grant.encode()
    made = await call(app, "POST", "/grants", [("content-length", str(len(body)))], body)
    ticket = made.body.decode().partition("ticket=")[2].partition('"')[0]
    opened = await call(app, "GET", f"/open?ticket={ticket}", [], b"")
    return ticket, opened.header("set-cookie").partition(";")[0], opened.header("location").rpartition("/")[2]


@pytest.fixture(scope="module")
def conformance() -> Scene:
    def random(size: int) -> bytes:
        return hashlib.shake_128(b"conformance").digest(size)

    service = ConformanceService.make(base_url="https://localhost:8790", fetcher=Elsewhere(), random=random)
    names = {"name": next(iter(service.instances)), "did": next(iter(service.instances.values())).did}
    return Scene(build_conformance_app(service), "https://localhost:8790", names)
