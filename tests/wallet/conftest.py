import secrets
from pathlib import Path

import pytest

from tests.support.hostile_issuer import HostileIssuer
from tests.support.outside import NOW, Authority, Outside
from wallet.ports import Tools
from wallet.sealed import Cost
from wallet.state import Authority as PinnedAuthority
from wallet.vault import Vault

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
