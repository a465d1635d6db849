"""What the tests of the wallet file have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wallet.state import Authority

if TYPE_CHECKING:
    from wallet.vault import Vault

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def authority(name: str) -> Authority:
    return Authority(name=name, certificate="PEM", fingerprint=name, added_at=NOW)


def pin(vault: Vault, name: str) -> None:
    vault.change(lambda wallet: (wallet.with_authority(authority(name)), None))
