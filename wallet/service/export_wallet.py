"""Export a wallet into one encrypted file with a passphrase of its own, and import such a file.

An export is a copy of everything: also of each single-use instance and of the right to come back. Two wallets that both
use them would show one instance twice, which sites could notice, and would replace each other's tokens. So who exports
is told that only one of them may be used; an import never doubles anything, and what was shown here never comes back.
"""

import contextlib
import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from credentials.errors import HolderError
from wallet import sealed
from wallet.errors import UnreadableFile
from wallet.formats import build_state, parse_state
from wallet.merging import Merged, merge, strangers
from wallet.ports import Tools
from wallet.state import Authority, Wallet
from wallet.vault import check_passphrase

ONE_OF_THEM: Final = (
    "Use only one of the two from now on: this wallet, or one that this file is imported into. Both hold the same "
    "stamps, and each stamp is good once."
)
_MAX_BYTES: Final = 512 * 1024 * 1024
_OWNER_ONLY: Final = 0o600
_NO_EXPORT: Final = "it is no export of a wallet, or was changed since"


class ExportExists(HolderError):
    """Something already has the name of the file that is to be written."""

    code = "export_exists"

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is already there. It was not touched; choose another name.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What an export holds, opened; nothing was imported yet."""

    at: datetime
    wallet: Wallet = field(repr=False)


def export_wallet(path: Path, passphrase: str, *, tools: Tools, cost: sealed.Cost | None = None) -> Exported:
    """Write everything that the wallet holds to a new file that only its owner may read.

    Args:
        path: where; nothing may be there yet.
        passphrase: of the file; not the wallet's, so that either can be told to somebody alone.
        tools: the wallet and the world.
        cost: of one guess of the passphrase.

    Raises:
        WeakPassphrase, ExportExists, UnreadableFile: nothing was written.
    """
    check_passphrase(passphrase)
    now = tools.clock()
    exported = Exported(at=now, wallet=tools.keeper.load().pruned(now))
    plain = now.isoformat().encode() + b"\n" + build_state(exported.wallet)
    key = sealed.new_key(passphrase, cost=cost or sealed.Cost(), random=tools.random)
    _write_new(path, sealed.seal(plain, key=key, random=tools.random, magic=sealed.EXPORT))
    return exported


def read_export(path: Path, passphrase: str) -> Exported:
    """Open an export; nothing is imported yet, so that the listener can be asked about it.

    Raises:
        UnreadableFile: it is not there, or is no export, or was changed.
        WrongPassphrase: the passphrase is another.
        NewerFormat: a later version wrote it.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise UnreadableFile(path, error.strerror or "it cannot be read") from error
    try:
        plain, _ = sealed.unseal(data, passphrase=passphrase, magic=sealed.EXPORT)
        moment, _, state = plain.partition(b"\n")
        return Exported(at=datetime.fromisoformat(moment.decode()), wallet=parse_state(state))
    except sealed.Damaged as error:
        raise UnreadableFile(path, error.detail) from error
    except ValueError as error:
        raise UnreadableFile(path, _NO_EXPORT) from error


def list_strangers(exported: Exported, *, tools: Tools) -> tuple[Authority, ...]:
    """Return the authorities that the exported wallet trusted and this one does not, to ask the listener about."""
    return strangers(tools.keeper.load(), exported.wallet)


def import_export(exported: Exported, *, used_since: bool, trust: bool, tools: Tools) -> Merged:
    """Add to this wallet what an export holds, in one write; what is here already stays.

    Args:
        exported: from `read_export`.
        used_since: whether the exported wallet may have shown something after the export: then its instances are left
            out, because one of them could be shown a second time, and a top-up brings fresh ones.
        trust: whether the authorities of `list_strangers` are to be trusted here, too.
        tools: the wallet and the world.
    """
    now = tools.clock()

    def apply(wallet: Wallet) -> tuple[Wallet, Merged]:
        theirs = exported.wallet.pruned(now)
        return merge(wallet.pruned(now), theirs, with_instances=not used_since, with_authorities=trust)

    return tools.keeper.change(apply)


def _write_new(path: Path, data: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    except FileExistsError as error:
        raise ExportExists(path) from error
    except OSError as error:
        raise UnreadableFile(path, error.strerror or "it cannot be written") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink()
        raise UnreadableFile(path, error.strerror or "it cannot be written") from error
