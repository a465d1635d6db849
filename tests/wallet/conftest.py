from pathlib import Path

import pytest

from wallet.sealed import Cost
from wallet.vault import Vault

PASSPHRASE = "four words are easy"
CHEAP = Cost(memory_kib=64, iterations=1, lanes=1)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.create(tmp_path / "home" / "wallet.handstamp", PASSPHRASE, cost=CHEAP)
