from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from credentials.keys.signer import LocalSigner
from handstamp.commands import wallet as commands
from handstamp.composition import wallet as composition
from tests.issuer.conftest import RELEASE, TRACKS, description, make_coop
from tests.support.hostile_issuer import HostileIssuer, fill_wallet
from tests.support.hostile_site import TRACKS as TRACKSERVER
from tests.support.hostile_site import HostileSite
from tests.support.hostile_tracks import HostileTracks
from tests.support.moving import Clock
from tests.support.other_issuer import OtherIssuer
from tests.support.outside import NOW, Authority, Memory, Outside
from tests.support.street import Shop, Street
from wallet.ports import Tools
from wallet.sealed import Cost
from wallet.state import Authority as PinnedAuthority
from wallet.state import Delivery, Wallet
from wallet.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from tests.wallet.terminal import Run

PASSPHRASE = "four words are easy"
CHEAP = Cost(memory_kib=64, iterations=1, lanes=1)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.create(tmp_path / "home" / "wallet.handstamp", PASSPHRASE, cost=CHEAP)


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
def tools(vault: Vault, outside: Outside, authority: Authority) -> Tools:
    """A wallet that trusts the authority, in a world where only the parties of a test exist."""
    pinned = PinnedAuthority(name="Test", certificate=authority.pem.decode(), fingerprint="AB:CD", added_at=NOW)
    vault.change(lambda wallet: (wallet.with_authority(pinned), None))
    return Tools(keeper=vault, web=outside.web, clock=lambda: NOW, random=secrets.token_bytes)


@pytest.fixture
def issuer(outside: Outside, authority: Authority) -> HostileIssuer:
    return HostileIssuer.open(outside, authority)


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Street, Wallet]]:
    """A co-op and a shop, and a wallet that received a release and a track of it in every form."""
    folder = tmp_path_factory.mktemp("street")
    coop = make_coop(folder)
    coop.add_release(description(track_ids=TRACKS[:1]))
    street = Street(coop=coop, folder=folder)

    async def furnish() -> None:
        await street.open_shop("artist", 8703)
        await street.receive(RELEASE)

    asyncio.run(furnish())
    yield street, street.wallet
    coop.parts.database.close()


@pytest.fixture
def street(town: tuple[Street, Wallet]) -> Iterator[Street]:
    """The same each time, with the wallet as it was after it received."""
    street, wallet = town
    before = street.coop.now
    street.memory = Memory()
    street.memory.change(lambda _: (wallet, None))
    street.sent.clear()
    yield street
    street.coop.now = before


@pytest.fixture
def shop(street: Street) -> Shop:
    return street.shops["artist.localhost:8703"]


@pytest.fixture(scope="module")
def filled(authority: Authority) -> Wallet:
    """What a wallet holds that received one EP and one track."""
    return fill_wallet(authority, "copy-1", "copy-2")


@pytest.fixture
def stocked(tools: Tools, filled: Wallet) -> Tools:
    """A wallet with one EP and one track."""
    tools.keeper.change(lambda _: (filled, None))
    return tools


@pytest.fixture
def site(outside: Outside, authority: Authority) -> HostileSite:
    return HostileSite.open(outside, authority)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def other(outside: Outside, authority: Authority, clock: Clock) -> OtherIssuer:
    return OtherIssuer.open(outside, authority, clock=clock)


@pytest.fixture
def mine(tools: Tools, clock: Clock) -> Tools:
    return replace(tools, clock=clock)


@pytest.fixture
def run(outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Type a command; the world outside is the test's, and opening the wallet is cheap."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HANDSTAMP_WALLET__FILE", str(tmp_path / "w" / "wallet.handstamp"))
    monkeypatch.setattr(composition, "open_web", outside.web)
    monkeypatch.setattr(composition, "system_clock", lambda: NOW)
    monkeypatch.setattr(commands, "create_wallet", partial(composition.create_wallet, cost=CHEAP))
    secret = tmp_path / "passphrase"
    secret.touch(mode=0o600)
    secret.write_text(PASSPHRASE + "\n")

    def type_command(*arguments: str, passphrase: bool = True, answer: str = "") -> Result:
        given = ("--passphrase-file", str(secret)) if passphrase else ()
        return CliRunner().invoke(commands.app, [*arguments, *given], input=answer, terminal_width=200)

    return type_command


@pytest.fixture
def ready(run: Run, authority: Authority, issuer: HostileIssuer, outside: Outside, tmp_path: Path) -> Run:
    """A wallet that trusts the authority, in a world with a co-op, a site and a trackserver."""
    HostileSite.open(outside, authority)
    HostileTracks.open(outside)
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    assert run("create").exit_code == 0
    assert run("trust", "add", "ca.pem", "--name", "The union").exit_code == 0
    assert issuer.tokens == 0
    return run


@pytest.fixture
def tracks(outside: Outside) -> HostileTracks:
    return HostileTracks.open(outside)


@pytest.fixture
def delivery(tools: Tools) -> Delivery:
    made = Delivery(
        id="d",
        site="artist.localhost",
        title="“Night Bus EP” by The Long Way Home",
        received_at=NOW,
        trackserver=TRACKSERVER,
        grant="a.grant.jws",
        key=LocalSigner.generate().to_pem(None).decode(),
        expires_at=NOW + timedelta(minutes=10),
    )
    tools.keeper.change(lambda wallet: (wallet.with_delivery(made), None))
    return made
