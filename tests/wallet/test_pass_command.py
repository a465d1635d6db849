"""`handstamp wallet pass`: the code in the terminal and in pictures, which our door reads back."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from credentials.door_pass import Limit
from handstamp.commands import wallet_pass
from handstamp.commands.wallet import app
from handstamp.commands.wallet_views import print_receipts
from plumbing.qr import qr_png
from schemas import RELEASE_OWNERSHIP
from tests.issuer.conftest import RELEASE
from tests.support.street import Shop, Street
from verifier.doors import Admitted
from verifier.gates import Gate
from verifier.limits import OnceEver
from wallet.doors import KnownDoor
from wallet.pictures import read_codes


@pytest.fixture
def run(street: Street, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(wallet_pass, "open_wallet", lambda _: street.tools)
    return lambda *typed, answer="": CliRunner().invoke(app, ["pass", *typed], input=answer, terminal_width=200)


@pytest.fixture
def known(street: Street, shop: Shop) -> tuple[Gate, KnownDoor]:
    """A door that the wallet learned before: the commands run without a network."""
    gate = shop.gate(limit=OnceEver(), title="The Cellar")
    signer = shop.parts.request_signer
    assert signer
    door = KnownDoor(
        gate=shop.url(gate),
        name="The Cellar",
        accepts=((RELEASE_OWNERSHIP.vct, (RELEASE,)),),
        limit=Limit.EVER,
        site_key=signer.signer.public_key.multikey,
        learned_at=street.now(),
    )
    street.memory.change(lambda wallet: (wallet.with_door(door), None))
    street.sent.clear()
    return gate, door


def test_a_pass_is_drawn_as_a_picture_and_read_back_from_it(
    run: Callable[..., Result], street: Street, shop: Shop, known: tuple[Gate, KnownDoor], tmp_path: Path
) -> None:
    gate, door = known
    result = run(door.gate, "--png", "pass.png", "--svg", "pass.svg", answer="y\n")
    assert result.exit_code == 0, result.output
    (text,) = read_codes(tmp_path / "pass.png")
    assert shop.judge(gate, text) == Admitted()
    assert (tmp_path / "pass.svg").read_bytes().startswith(b"<?xml")
    assert "A number that is only ever used at this gate" in result.output
    assert street.sent == []


def test_a_pass_is_drawn_in_the_terminal_and_stands_in_the_history(
    run: Callable[..., Result],
    street: Street,
    known: tuple[Gate, KnownDoor],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = run(known[1].gate, "--yes")
    assert result.exit_code == 0, result.output
    assert "█" in result.output
    assert "columns wide" not in result.output
    monkeypatch.setenv("COLUMNS", "60")
    assert "make the window" in run(known[1].gate, "--yes").output
    print_receipts(street.wallet.receipts)
    said = capsys.readouterr().out
    assert "for “The Cellar” of artist.localhost; only the door knows if one was used" in said.replace("\n", " ")


def test_the_code_in_a_terminal_is_drawn_anew_until_somebody_stops_it(
    run: Callable[..., Result], street: Street, known: tuple[Gate, KnownDoor], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            raise KeyboardInterrupt
        street.coop.wait(seconds=seconds)

    monkeypatch.setattr(wallet_pass, "_sleep", wait)
    monkeypatch.setattr(wallet_pass, "is_watched", lambda: True)
    result = run(known[1].gate, "--yes")
    assert result.exit_code == 0, result.output
    assert len(waits) == 2
    assert all(0 < each <= 30 for each in waits)


def test_a_photographed_poster_is_enough(
    run: Callable[..., Result], street: Street, shop: Shop, known: tuple[Gate, KnownDoor], tmp_path: Path
) -> None:
    gate, _ = known
    (tmp_path / "photo.png").write_bytes(qr_png(shop.poster_of(gate), module_px=4))
    result = run("--poster", "photo.png", "--yes", "--png", "pass.png")
    assert result.exit_code == 0, result.output
    assert shop.judge(gate, read_codes(tmp_path / "pass.png")[0]) == Admitted()
    assert street.sent == []


@pytest.mark.parametrize("typed", [[], ["http://artist.localhost:8703/gates/1", "--poster", "photo.png"]])
def test_a_door_is_named_in_one_way(run: Callable[..., Result], typed: list[str]) -> None:
    assert run(*typed).exit_code == 2


def test_a_picture_that_cannot_be_written_is_said(run: Callable[..., Result], known: tuple[Gate, KnownDoor]) -> None:
    result = run(known[1].gate, "--yes", "--png", "no/such/folder.png")
    assert "cannot be written" in str(result.exception)
