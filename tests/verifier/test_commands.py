"""The command line of a site: trust a co-op, import keys, make gates."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
import trustme
import uvicorn
from fastapi import FastAPI
from typer.testing import CliRunner, Result

from credentials.errors import HandstampError, Malformed
from credentials.keys.signer import LocalSigner
from credentials.trust import TrustedIssuer, TrustPolicy
from handstamp.commands import gate, verifier
from handstamp.commands.gate_wishes import Wishes
from handstamp.composition.verifier import compose_verifier
from handstamp.composition.verifier_service import build_app
from handstamp.settings import load_settings
from plumbing.clock import system_clock
from tests.support.waiting import PATIENCE_S
from tests.verifier.conftest import RELEASE, TRACK
from verifier.proofs import MemberOf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.database


EXTRA = "00000000-0000-4000-8000-000000000001"
KEY = LocalSigner.generate().public_key
OTHER = TrustedIssuer(
    issuer="http://other.localhost:8701", name="Other", anchors=(b"pem",), types=frozenset({"urn:type"})
)
DESCRIPTION = {
    "id": RELEASE,
    "title": "Low [bold]Tide",
    "artist": "Marrow & Vale",
    "release_type": "EPRelease",
    "tracks": [{"id": TRACK, "number": 1, "title": "A", "artist": "M", "files": [{"format": "flac", "bytes": 1000}]}],
    "packages": [{"format": "original", "bytes": 1000}],
}


def neighbours() -> FastAPI:
    """One application that answers as a trackserver and as a co-op."""
    app = FastAPI()

    @app.get("/releases/{release}")
    async def release(release: str) -> dict[str, Any]:
        return DESCRIPTION | {"id": release}

    @app.get("/.well-known/jwt-vc-issuer")
    async def keys() -> dict[str, Any]:
        return {"issuer": f"http://neighbour.localhost:{app.state.port}", "jwks": {"keys": [KEY.jwk]}}

    return app


@pytest.fixture(scope="module")
def neighbour() -> Iterator[str]:
    """Serve the neighbours on a free port of this machine."""
    app = neighbours()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
    app.state.port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://neighbour.localhost:{app.state.port}"
    server.should_exit = True
    thread.join(PATIENCE_S)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HANDSTAMP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(app: Any, *arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=answer)


def made(neighbour: str, *more: str) -> dict[str, Any]:
    return made_for("--release", f"{neighbour}/releases/{RELEASE}", *more)


def made_for(*what: str) -> dict[str, Any]:
    done = run(gate.app, "add", *what, "--json")
    assert done.exit_code == 0, done.output or repr(done.exception)  # who refuses is told by the command around it
    described: dict[str, Any] = json.loads(done.stdout)
    return described


def test_a_gate_is_made_with_link_button_and_poster(neighbour: str, home: Path) -> None:
    described = made(neighbour, "--poster", "poster.svg", "--title", "The door", "--terms", "Be kind.")
    assert described["link"].startswith("http://artist.localhost:8703/gates/")
    assert described["link"] in described["button"]
    assert (described["title"], described["terms"], described["bytes"]) == ("The door", "Be kind.", 1000)
    assert (home / "poster.svg").read_text("utf-8").startswith("<?xml")


def test_words_for_people_show_the_title_as_it_is(neighbour: str) -> None:
    done = run(gate.app, "add", "--release", f"{neighbour}/releases/{RELEASE}")
    assert done.exit_code == 0
    assert "Low [bold]Tide" in done.output
    assert '<a href="http://artist.localhost:8703/gates/' in done.output
    assert ".svg" in done.output


def test_terms_may_lie_in_a_file(neighbour: str, home: Path) -> None:
    (home / "terms.txt").write_text("Play it loud.\n", "utf-8")
    assert made(neighbour, "--terms", "terms.txt")["terms"] == "Play it loud."
    assert made(neighbour, "--terms", "long " * 200)["terms"] == ("long " * 200).strip()


def test_gates_are_listed_and_shown(neighbour: str) -> None:
    assert "No gate yet" in run(gate.app, "list").output
    first = made(neighbour)
    second = made_for("--track", f"{neighbour}/releases/{RELEASE}#1")
    assert second["tracks"] == [TRACK]
    assert first["link"] in run(gate.app, "list").output
    assert [entry["id"] for entry in json.loads(run(gate.app, "list", "--json").stdout)] == [first["id"], second["id"]]
    shown = run(gate.app, "show", first["link"]).output
    assert "opens 1 track, 1,000 bytes" in shown
    assert f"handstamp door {first['id']}" in shown
    assert json.loads(run(gate.app, "show", first["id"], "--json").stdout)["link"] == first["link"]
    poster = run(gate.app, "poster", first["id"], "--to", "again.svg", "--sentence", "Scan me.")
    assert poster.output.strip() == "again.svg"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--track", f"http://t.localhost/releases/{RELEASE}"],
        ["--release", f"http://t.localhost/releases/{RELEASE}#1"],
        ["--release", f"http://t.localhost/releases/{RELEASE}", "--track", f"http://t.localhost/releases/{RELEASE}#1"],
        ["--member", "https://coop.example"],
        ["--opens", f"http://t.localhost/releases/{RELEASE}", "--over-16"],
    ],
)
def test_a_gate_for_which_it_is_not_clear_what_opens_is_not_understood(arguments: list[str]) -> None:
    done = run(gate.app, "add", *arguments)
    assert done.exit_code == 2


def test_a_membership_opens_an_extra_once(neighbour: str) -> None:
    extra = f"{neighbour}/releases/{EXTRA}"
    done = run(
        *(gate.app, "add", "--member", neighbour, "--over-16", "--share-class", "listener", "--opens", extra),
        *("--once", "--json"),
    )
    assert done.exit_code == 0, done.output
    described = json.loads(done.stdout)
    assert described["release"] == EXTRA
    assert "this gate stays open" not in described["terms"]
    assert described["limit"] == {"times": 1, "per": "ever", "other_wallets": False}
    assert described["proofs"] == [
        {
            "kind": "member",
            "coop": neighbour,
            "name": "neighbour.localhost",
            "over16": True,
            "share_class": "listener",
        }
    ]
    listed = run(gate.app, "list").output
    assert "for who is a member of neighbour.localhost (listener), at least 16, once" in listed


def test_a_gate_may_ask_for_several_things_and_each_keeps_its_name(neighbour: str) -> None:
    done = run(
        *(gate.app, "add", "--release", f"{neighbour}/releases/{RELEASE}", "--opens", f"{neighbour}/releases/{EXTRA}"),
        *("--track", f"{neighbour}/releases/{RELEASE}#1", "--artist", f"{EXTRA} The Long Way Home", "--all"),
        *("--contribution", f"{neighbour} translation", "--per-month", "3", "--other-wallets", "--json"),
    )
    assert done.exit_code == 0, done.output
    described = json.loads(done.stdout)
    assert described["limit"] == {"times": 3, "per": "month", "other_wallets": True}
    assert described["all"] is True
    assert [proof["kind"] for proof in described["proofs"]] == ["release", "track", "artist", "contribution"]
    shown = run(gate.app, "show", described["id"]).output
    assert "handstamp door" not in shown
    assert "owns “Low [bold]Tide” and owns “A” and is verified as The Long Way Home" in shown
    assert "contributed translation to neighbour.localhost, 3 times a month" in shown


@pytest.mark.parametrize(
    "wishes",
    [
        {"once": True, "per_month": 3},
        {"per_month": 0},
        {"artists": ("nobody",)},
        {"members": ("ftp://coop.example",)},
        {"contributions": ("https://coop.example",)},
        {"members": ("https://coop.example",), "share_class": "a\nb"},
        {"terms": " "},
    ],
)
def test_what_no_gate_can_ask_is_malformed(wishes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        Wishes(opens=f"https://tracks.example/releases/{RELEASE}", **wishes).read(TrustPolicy(()))


def test_a_trusted_co_op_goes_by_its_name() -> None:
    policy = TrustPolicy((TrustedIssuer(issuer="https://coop.example", name="Sound Commons"),))
    new = Wishes(members=("https://coop.example",), opens=f"https://tracks.example/releases/{RELEASE}").read(policy)
    assert new.others == (MemberOf(coop="https://coop.example", name="Sound Commons"),)


def test_a_gate_is_closed_after_a_question_and_once(neighbour: str) -> None:
    link = made(neighbour, "--once")["link"]
    assert run(gate.app, "close", link, answer="n\n").exit_code == 1
    assert "Closed." in run(gate.app, "close", link, answer="y\n").output
    assert "already" in run(gate.app, "close", link, "--yes").output
    assert "closed" in run(gate.app, "list").output
    assert "closed on" in run(gate.app, "show", link).output


@pytest.mark.parametrize("prefix", ["redirect_uri", "decentralized_identifier"])
def test_a_site_without_a_certificate_may_be_known_otherwise(monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    monkeypatch.setenv("HANDSTAMP_VERIFIER__CLIENT_ID_PREFIX", prefix)
    monkeypatch.setenv("HANDSTAMP_VERIFIER__ENCRYPTED_ANSWERS", "true")
    parts = build_app(load_settings()).state.verifier
    assert parts.party.client_id("r").startswith(f"{prefix}:")
    assert parts.answer_keys is not None


def test_a_public_site_must_prove_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDSTAMP_VERIFIER__CLIENT_ID_PREFIX", "redirect_uri")
    monkeypatch.setenv("HANDSTAMP_VERIFIER__BASE_URL", "https://artist.example")
    with pytest.raises(HandstampError) as refused:
        build_app(load_settings())
    assert refused.value.code == "unusable_settings"


def test_a_gate_that_is_not_there_is_refused_in_words() -> None:
    done = run(gate.app, "show", "nothing")
    assert isinstance(done.exception, HandstampError)
    assert done.exception.code == "no_such_gate"


def test_a_co_op_is_trusted_after_its_fingerprint_was_shown(neighbour: str) -> None:
    assert "No co-op yet" in run(verifier.app, "trusted").output
    declined = run(verifier.app, "trust", neighbour, answer="n\n")
    assert declined.exit_code == 1
    assert KEY.thumbprint in declined.output
    accepted = run(verifier.app, "trust", neighbour, "--name", "Our co-op", answer="y\n")
    assert accepted.exit_code == 0
    assert "Our co-op is trusted" in accepted.output
    listed = run(verifier.app, "trusted").output
    assert f"Our co-op {neighbour}" in listed
    assert f"key {KEY.thumbprint}" in listed
    assert run(verifier.app, "trust", neighbour, "--yes").exit_code == 0


def test_a_co_op_is_distrusted_and_the_gates_that_stay_shut_are_named(neighbour: str) -> None:
    other = OTHER.issuer
    with compose_verifier(load_settings()).work.write() as stores:
        stores.save_issuer("main", OTHER, now=system_clock())
    run(verifier.app, "trust", neighbour, "--yes")
    link = made(neighbour)["link"]
    first = run(verifier.app, "distrust", other)
    assert "not trusted any more" in first.output
    assert link not in first.output
    last = run(verifier.app, "distrust", neighbour)
    assert last.exit_code == 0, last.output
    assert "No co-op is left" in last.output
    assert link in last.output
    assert "No co-op yet" in run(verifier.app, "trusted").output
    again = run(verifier.app, "distrust", neighbour)
    assert isinstance(again.exception, HandstampError)
    assert again.exception.code == "issuer_not_trusted"


def test_keys_are_imported_and_let_the_service_be_built(home: Path) -> None:
    with pytest.raises(HandstampError) as refused:
        build_app(load_settings())
    assert refused.value.code == "no_certificate"
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    issued = authority.issue_cert("artist.localhost", key_type=trustme.KeyType.ECDSA)
    issued.private_key_pem.write_to_path(str(home / "key.pem"))
    for blob in issued.cert_chain_pems:
        blob.write_to_path(str(home / "chain.pem"), append=True)
    done = run(verifier.app, "keys", "import", "--key", "key.pem", "--chain", "chain.pem")
    assert "artist.localhost" in done.output
    assert build_app(load_settings()).state.verifier.party.client_id("") == "x509_san_dns:artist.localhost"
    assert len(run(verifier.app, "keys", "show").output.strip()) == 43
    authority.cert_pem.write_to_path(str(home / "ca.pem"))
    done = run(verifier.app, "trust", "http://coop.localhost:8701", "--anchor", "ca.pem")
    assert "coop.localhost is trusted" in done.output
    assert "any key that its authority certifies" in run(verifier.app, "trusted").output
