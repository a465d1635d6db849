"""`handstamp issuer`, as typed in a terminal and as scripts use it."""

from __future__ import annotations

import json
import socket
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import structlog
import uvicorn
from typer.testing import CliRunner, Result

from credentials.dids import Relation, fingerprint_keys, parse_did_document
from credentials.encoding import strict_json
from credentials.errors import Malformed
from credentials.protocols.openid4vci import AttestationRules, CredentialOffer, parse_offer_link
from handstamp.commands import issuer
from handstamp.composition import serving
from handstamp.composition.issuer import compose_issuer
from handstamp.composition.issuer_service import build_app, compose_service
from handstamp.composition.serving import CannotListen
from handstamp.settings import UnusableSettings, load_settings
from issuer.identity import NoCertificate
from issuer.ledger import KeyReused
from issuer.listeners import UnknownListener
from issuer.service.losses import NoSuchCopy
from issuer.service.offers import NothingToOffer
from issuer.service.record import NotOffered
from plumbing.fetch import HttpFetcher, Reach
from tests.issuer.conftest import RELEASE, SOURCE, TRACKS, certified_key
from tests.issuer.test_catalogue import description, trackserver
from tests.support.attesting import make_provider
from tests.support.recording import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.database


class Terminal:
    """Types commands."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def run(self, *arguments: str) -> Result:
        result = CliRunner().invoke(issuer.app, list(arguments), env={"COLUMNS": "200", "NO_COLOR": "1"})
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def say(self, *arguments: str) -> str:
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.output

    def json(self, *arguments: str) -> Any:
        return json.loads(self.say(*arguments, "--json"))

    def add_release(self, *options: str, **changed: Any) -> str:
        def fetcher(reach: Reach) -> HttpFetcher:
            assert reach is Reach.LOOPBACK
            return trackserver(description(**changed))

        self._monkeypatch.setattr(issuer, "HttpFetcher", fetcher)
        return self.say("release", "add", SOURCE, *options)


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HANDSTAMP_DATA_DIR", str(tmp_path / "data"))
    yield Terminal(monkeypatch)
    structlog.reset_defaults()


def test_the_story_in_a_terminal(terminal: Terminal) -> None:
    listener = terminal.json("listener", "add", "--name", "Robin", "--email", "robin@listeners.example")["id"]
    assert "“Night Bus EP” by The Long Way Home is in the catalogue: 3 tracks." in terminal.add_release()
    assert "1.022 credits. It is theirs." in terminal.say("buy", "Robin", TRACKS[0])
    assert "1.022 credits. It is theirs." in terminal.say("buy", listener, TRACKS[2])
    assert "0.002 credits. 1 of 9 plays, 1.020 credits to go." in terminal.say("play", "Robin", TRACKS[1])
    for _ in range(7):
        terminal.say("play", "robin@listeners.example", TRACKS[1])
    assert terminal.json("play", listener, TRACKS[1]) | {"key": ""} == {"key": "", "milli_credits": 512, "owned": True}
    assert "0.000 credits. The track is theirs." in terminal.say("play", listener, TRACKS[1])
    copies = terminal.json("copies", listener)
    assert {copy["subject"] for copy in copies} == {RELEASE, *TRACKS}
    assert "Night Bus EP" in terminal.say("copies", listener)
    offer = terminal.json("offer", listener)
    assert len(offer["code"]) == 6
    by_value = parse_offer_link(offer["by_value"])
    assert isinstance(by_value, CredentialOffer)
    one = terminal.say("offer", listener, "--copy", copies[0]["id"])
    assert "one copy." in one
    assert "openid-credential-offer://?credential_offer_uri=" in one
    assert "█" in one
    link = terminal.json("login-link", listener)["link"]
    assert link.startswith("http://coop.localhost:8701/login?token=")
    assert "within 30 minutes" in terminal.say("login-link", listener)


def test_lists_teach_the_first_step_when_they_are_empty(terminal: Terminal) -> None:
    assert "Add the first" in terminal.say("listener", "list")
    assert "Add a release" in terminal.say("release", "list")
    assert "Their id is" in terminal.say("listener", "add")
    listener = terminal.json("listener", "list")[0]["id"]
    assert "Nothing yet" in terminal.say("copies", listener)


def test_lists_show_ids(terminal: Terminal) -> None:
    listener = terminal.json("listener", "add", "--name", "[bold]Robin")["id"]
    terminal.add_release("--free", "2")
    shown = terminal.say("listener", "list")
    assert listener in shown
    assert "[bold]Robin" in shown
    shown = terminal.say("release", "list")
    assert all(each in shown for each in (RELEASE, *TRACKS))
    assert terminal.json("release", "list")[0]["tracks"] == list(TRACKS)
    assert terminal.json("play", listener, TRACKS[1])["milli_credits"] == 0
    assert terminal.json("buy", listener, RELEASE)["milli_credits"] == 2 * 1022


def test_the_same_key_can_be_sent_twice(terminal: Terminal) -> None:
    listener = terminal.json("listener", "add")["id"]
    terminal.add_release()
    first = terminal.json("buy", listener, TRACKS[0], "--key", "order-7")
    assert terminal.json("buy", listener, TRACKS[0], "--key", "order-7") == first
    with pytest.raises(KeyReused):
        terminal.say("buy", listener, TRACKS[1], "--key", "order-7")


def test_what_goes_wrong_is_one_sentence(terminal: Terminal) -> None:
    listener = terminal.json("listener", "add")["id"]
    for expected, arguments in (
        (UnknownListener, ("login-link", "Nobody")),
        (NotOffered, ("play", listener, TRACKS[0])),
        (NotOffered, ("buy", listener, RELEASE)),
        (NothingToOffer, ("offer", listener)),
        (Malformed, ("listener", "add", "--birth-date", "yesterday")),
    ):
        with pytest.raises(expected) as refused:
            terminal.run(*arguments)
        assert "\n" not in str(refused.value)


def import_keys(terminal: Terminal, folder: Path) -> str:
    key, chain = certified_key()
    (folder / "key.pem").write_bytes(key)
    (folder / "chain.pem").write_bytes(chain)
    return terminal.say("keys", "import", "--key", str(folder / "key.pem"), "--chain", str(folder / "chain.pem"))


def test_who_owns_nothing_yet_is_told_how_to_begin(terminal: Terminal) -> None:
    listener = terminal.json("listener", "add")["id"]
    with pytest.raises(NothingToOffer, match="Nothing is owned here yet"):
        terminal.run("offer", listener)


def test_keys_are_imported_with_their_certificate_and_sign_from_then_on(terminal: Terminal, tmp_path: Path) -> None:
    assert "coop.localhost" in import_keys(terminal, tmp_path)
    parts = compose_issuer(load_settings())
    assert len(parts.identity.x5c) == 1
    assert terminal.say("keys", "show").strip() == parts.identity.signer.public_key.thumbprint
    published = parse_did_document(strict_json.dump(parts.identity.did_document()), did=parts.identity.did)
    making_statements = [*published.keys_for(Relation.ASSERTION).values(), *published.bbs_keys.values()]
    assert terminal.say("keys", "show", "--linked").strip() == fingerprint_keys(making_statements)
    parts.database.close()


def test_a_coop_without_a_certificate_for_its_host_does_not_serve(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NoCertificate, match=r"no certificate for coop\.localhost"):
        terminal.run("serve")
    import_keys(terminal, tmp_path)
    monkeypatch.setenv("HANDSTAMP_ISSUER__BASE_URL", "https://coop.example")
    with pytest.raises(NoCertificate, match=r"no certificate for coop\.example"):
        terminal.run("serve")


async def test_the_service_is_composed_from_settings(terminal: Terminal, tmp_path: Path) -> None:
    import httpx  # noqa: PLC0415

    import_keys(terminal, tmp_path)
    app = build_app(load_settings())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://coop.localhost:8701") as browser:
        assert (await browser.get("/health")).json() == {"status": "ok"}


def test_serve_listens_where_the_settings_say(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_keys(terminal, tmp_path)
    asked: list[tuple[str, int]] = []
    monkeypatch.setattr(uvicorn.Server, "run", lambda _, sockets: asked.append(sockets[0].getsockname()))
    port = free_port()
    monkeypatch.setenv("HANDSTAMP_ISSUER__PORT", str(port))
    assert terminal.say("serve") == ""  # a journal is no terminal: only the log writes there
    assert asked == [("127.0.0.1", port)]
    monkeypatch.setattr(serving, "sys", SimpleNamespace(stdout=SimpleNamespace(isatty=lambda: True)))
    assert f"listens on 127.0.0.1:{port} for http://coop.localhost:8701" in terminal.say("serve")


def test_a_port_that_is_taken_is_said_in_a_sentence(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_keys(terminal, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("HANDSTAMP_ISSUER__PORT", str(taken.getsockname()[1]))
        with pytest.raises(CannotListen, match="already in use"):
            terminal.run("serve")


def test_a_copy_is_held_back_and_let_go_by_its_number(terminal: Terminal) -> None:
    terminal.json("listener", "add", "--name", "Robin")
    terminal.add_release()
    terminal.say("buy", "Robin", TRACKS[0])
    [copy] = [each["id"] for each in terminal.json("copies", "Robin")]
    assert "until you lift it" in terminal.say("hold", copy)
    assert terminal.json("hold", copy) == {"copy": copy, "held": True}
    assert "when they come next" in terminal.say("hold", copy, "--lift")
    assert "not held back" in terminal.say("hold", copy, "--lift")
    with pytest.raises(NoSuchCopy):
        terminal.run("hold", "nothing")


def test_a_file_that_names_no_authority_is_refused(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert terminal
    (tmp_path / "empty.pem").write_text("nothing")
    for file in ("empty.pem", "missing.pem"):
        monkeypatch.setenv("HANDSTAMP_ISSUER__WALLET_PROVIDERS", json.dumps([str(tmp_path / file)]))
        with pytest.raises(UnusableSettings, match="no certificates in PEM"):
            compose_service(load_settings())
    (tmp_path / "authority.pem").write_bytes(make_provider().anchor)
    monkeypatch.setenv("HANDSTAMP_ISSUER__WALLET_PROVIDERS", json.dumps([str(tmp_path / "authority.pem")]))
    monkeypatch.setenv("HANDSTAMP_ISSUER__HAIP", "true")
    parts = compose_service(load_settings())
    assert parts.policy.keys == AttestationRules(anchors=(make_provider().anchor,), required=True)
    parts.database.close()
