"""`handstamp issuer gift`, `refund`, `takedown`, `code`, `member`, `artist` and `contribution` in a terminal."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog
from sqlalchemy import create_engine, text

from credentials.errors import Malformed
from issuer.codes import UnknownCode
from issuer.counting import NothingToReset
from issuer.registers import NoSuchMember
from issuer.service.losses import CopyOver
from issuer.service.record import NotOffered
from tests.issuer.conftest import RELEASE, TRACKS, URL
from tests.issuer.test_command import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.sqlite  # each test begins with a copy of one folder, database and all


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A co-op with a release and two listeners, made once: every test gets a copy of its folder."""
    folder = tmp_path_factory.mktemp("coop")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        monkeypatch.setenv("HANDSTAMP_DATA_DIR", str(folder / "data"))
        made = Terminal(monkeypatch)
        made.add_release()
        for name in ("Robin", "Mia"):
            made.say("listener", "add", "--name", name)
    return folder / "data"


@pytest.fixture
def terminal(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    shutil.copytree(prepared, tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HANDSTAMP_DATA_DIR", str(tmp_path / "data"))
    yield Terminal(monkeypatch)
    structlog.reset_defaults()


def copy_id(terminal: Terminal, listener: str, subject: str) -> str:
    return str(next(each["id"] for each in terminal.json("copies", listener) if each["subject"] == subject))


def test_a_gift_moves_a_copy_and_a_refund_ends_it(terminal: Terminal) -> None:
    assert "It is theirs now." in terminal.say("gift", "Robin", RELEASE)
    given = copy_id(terminal, "Robin", RELEASE)
    assert "It ended where it was: 4 copies." in terminal.say("gift", "Mia", given)
    assert terminal.json("copies", "Robin") == []
    terminal.say("buy", "Robin", TRACKS[0])
    bought = copy_id(terminal, "Robin", TRACKS[0])
    first = terminal.json("refund", bought)
    assert (first["milli_credits"], first["ended"]) == (1022, [bought])
    assert "1.022 credits to pay back. That was done before" in terminal.say("refund", bought)
    with pytest.raises(CopyOver):
        terminal.say("gift", "Mia", bought)


def test_codes_are_made_and_used_and_printed_for_scripts(terminal: Terminal) -> None:
    code = terminal.say("code", "make", RELEASE, "--label", "tour").strip()
    assert "“Night Bus EP” is theirs." in terminal.say("code", "redeem", "Robin", code.lower())
    two = terminal.json("code", "make", TRACKS[0], "--count", "2")["codes"]
    assert terminal.json("code", "redeem", "Mia", two[1])["id"] == TRACKS[0]
    with pytest.raises(UnknownCode):
        terminal.say("code", "redeem", "Mia", "nonsense")
    with pytest.raises(NotOffered):
        terminal.say("code", "make", "nothing")


def test_a_takedown_takes_it_off_the_offer_and_back(terminal: Terminal) -> None:
    assert "Off the offer: 3 of 3 tracks. Whoever owns them keeps them." in terminal.say("takedown", RELEASE)
    with pytest.raises(NotOffered):
        terminal.say("buy", "Robin", RELEASE)
    assert terminal.json("takedown", TRACKS[0], "--back")["tracks"] == 1
    terminal.say("buy", "Robin", TRACKS[0])


def test_a_purchase_says_how_much_of_it_is_theirs(terminal: Terminal) -> None:
    terminal.say("takedown", TRACKS[1])
    assert "2.044 credits. Theirs of it: 2 of 3 tracks." in terminal.say("buy", "Robin", RELEASE)
    first = terminal.json("buy", "Mia", TRACKS[0], "--key", "order-7")
    terminal.say("refund", copy_id(terminal, "Mia", TRACKS[0]))
    assert terminal.json("buy", "Mia", TRACKS[0], "--key", "order-7") == {**first, "owned": False}


def test_members_come_and_go(terminal: Terminal) -> None:
    assert "Nobody yet" in terminal.say("member", "list")
    said = terminal.say(
        "member", "add", "Robin", "--class", "listener", "--since", "2024-05-01", "--until", "2031-01-01"
    )
    assert "since 2024, share class listener" in said
    assert "2031-01-01" in terminal.say("member", "list")
    assert terminal.json("member", "list")[0]["since"] == "2024"
    assert {each["kind"] for each in terminal.json("copies", "Robin")} == {"membership"}
    terminal.say("member", "end", "Robin")
    with pytest.raises(NoSuchMember):
        terminal.say("member", "end", "Robin")
    with pytest.raises(Malformed):
        terminal.say("member", "add", "Robin", "--since", "yesterday")


def test_artists_are_verified_and_listed_without_the_person(terminal: Terminal) -> None:
    assert "None yet" in terminal.say("artist", "list")
    said = terminal.say("artist", "verify", "Robin", "The Long  Way Home", "--for", RELEASE, "--how", "met in person")
    assert "“The Long Way Home” is verified, and speaks for 1 of the catalogue." in said
    (listed,) = terminal.json("artist", "list")
    assert listed == {"persona": listed["persona"], "name": "The Long Way Home", "kind": "artist", "for": [RELEASE]}
    assert "Robin" not in terminal.say("artist", "list")
    assert "verified no longer" in terminal.say("artist", "end", listed["persona"])
    assert terminal.json("artist", "verify", "Mia", "A Label", "--kind", "label", "--by", URL)["persona"]


def test_contributions_are_written_down(terminal: Terminal) -> None:
    said = terminal.say("contribution", "add", "Robin", "translation", "--role", "translator", "--period", "2026-11")
    assert "Written down: translation, 2026-11." in said
    terminal.say("contribution", "add", "Robin", "translation", "--role", "translator", "--period", "2026-11")
    assert len(terminal.json("copies", "Robin")) == 1


def test_a_lost_wallet_is_replaced_in_a_terminal(terminal: Terminal) -> None:
    terminal.say("gift", "Robin", RELEASE)
    with pytest.raises(NothingToReset):
        terminal.say("reset-commitment", "Robin")
    engine = create_engine(f"sqlite:///{next(Path('data').rglob('issuer.sqlite'))}")
    with engine.begin() as connection:
        listener = connection.execute(text("SELECT id FROM listener WHERE name = 'Robin'")).scalar_one()
        connection.execute(
            text(
                "INSERT INTO counting_scope (label, listener_id, subject, mode, from_month, last_month, commitment, "
                "confirmed) VALUES ('a', :listener, :subject, 'pseudonym', '', '2026-11', 'AAAA', true)"
            ),
            {"listener": listener, "subject": f"release:{RELEASE}"},
        )
    engine.dispose()
    track = copy_id(terminal, "Robin", TRACKS[0])
    said = terminal.json("reset-commitment", "Robin", "--copy", track)
    assert said == {"reset": 1, "too_often": 0, "from_month": "2027-01"}
    with pytest.raises(NothingToReset):
        terminal.say("reset-commitment", "Robin")
