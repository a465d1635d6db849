"""The wallet file: encrypted (`wallet.sealed`), never half written, never written by two processes at once.

A change is: take the lock, read the file, apply a pure function to its state, write a new file beside it, flush it to
the disk, rename it over the old one, flush the folder. Whoever dies on the way leaves the old state or the new one.
The lock is held for the change only, never while waiting for a person or the network, so a long download keeps no
other command waiting.
"""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from filelock import FileLock, Timeout

from plumbing.private import make_private_folder
from wallet import sealed
from wallet.errors import (
    LOCK_WAIT_S,
    DamagedVault,
    ExposedVault,
    NoWallet,
    UnwritableVault,
    VaultInUse,
    WalletExists,
    WeakPassphrase,
)
from wallet.formats import build_state, parse_state
from wallet.state import Wallet

LEAST_PASSPHRASE: Final = 8
_OWNER_ONLY: Final = 0o600
_OTHERS: Final = 0o077
_MAX_FILE_BYTES: Final = 512 * 1024 * 1024

T = TypeVar("T")


class Vault:
    """One wallet file that has been opened with its passphrase.

    Keeps the derived key, not the passphrase. `load` gives the newest state; `change` is the only way to write.
    """

    def __init__(self, path: Path, key: sealed.Key) -> None:
        self._path = path
        self._key = key
        self._latest: tuple[bytes, Wallet] | None = None

    @classmethod
    def create(cls, path: Path, passphrase: str, *, cost: sealed.Cost | None = None) -> "Vault":
        """Make an empty wallet at `path` (mode 0600; missing folders get 0700).

        Raises:
            WalletExists: something is already there; it is not touched.
            WeakPassphrase: fewer than `LEAST_PASSPHRASE` characters.
        """
        check_passphrase(passphrase)
        path = path.resolve()
        vault = cls(path, sealed.new_key(passphrase, cost=cost or sealed.Cost(), random=secrets.token_bytes))
        _make_folder(path)
        with vault._locked():
            if path.exists():
                raise WalletExists(path)
            vault._write(Wallet())
        return vault

    @classmethod
    def open(cls, path: Path, passphrase: str) -> "Vault":
        """Open the wallet at `path`.

        Raises:
            NoWallet, ExposedVault: no file, or one that others may read.
            WrongPassphrase, DamagedVault, NewerFormat: told apart as far as that can be done.
        """
        path = path.resolve()
        with _told(path):
            _, key = sealed.unseal(_read_private(path), passphrase=passphrase)
        vault = cls(path, key)
        vault.load()
        return vault

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self._path

    def load(self) -> Wallet:
        """Return the state that was written last, by whichever process."""
        with _told(self._path):
            plain, self._key = sealed.unseal(_read_private(self._path), key=self._key)
            # Each step of an errand looks at the newest state, and most find the one before: only what differs is
            # read anew, which takes far longer than decrypting it.
            if self._latest is None or self._latest[0] != plain:
                self._latest = plain, parse_state(plain)
            return self._latest[1]

    def change(self, apply: Callable[[Wallet], tuple[Wallet, T]]) -> T:
        """Replace the state by what `apply` makes of the newest one, and return what it returns beside it.

        `apply` must be pure; when it raises, nothing is written. When this returns, the new state is on the disk.

        Raises:
            VaultInUse: another process kept the lock for `LOCK_WAIT_S`.
            UnwritableVault: the disk is full or read-only; the old state stands.
        """
        with self._locked():
            before = self.load()
            after, result = apply(before)
            if after != before:
                self._write(after)
        return result

    def check_room(self) -> None:
        """Write the state once more as it is, so that whoever needs it to be kept afterwards knows that it can be.

        Raises:
            VaultInUse, UnwritableVault: as `change`.
        """
        with self._locked():
            self._write(self.load())

    def change_passphrase(self, passphrase: str, *, cost: sealed.Cost | None = None) -> None:
        """Encrypt the wallet anew under another passphrase, with a salt of its own; the old one opens it no longer.

        Copies of the file that were made before still open with the old one.

        Raises:
            WeakPassphrase: fewer than `LEAST_PASSPHRASE` characters.
            VaultInUse, UnwritableVault: nothing was changed.
        """
        check_passphrase(passphrase)
        new = sealed.new_key(passphrase, cost=cost or self._key.cost, random=secrets.token_bytes)
        with self._locked():
            state, old = self.load(), self._key
            self._key = new
            try:
                self._write(state)
            except UnwritableVault:
                self._key = old
                raise

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        lock = FileLock(self._path.with_name(f".{self._path.name}.lock"), timeout=LOCK_WAIT_S, mode=_OWNER_ONLY)
        try:
            lock.acquire()
        except Timeout as error:
            raise VaultInUse from error
        except OSError as error:
            raise UnwritableVault(self._path, error.strerror or "it cannot be locked") from error
        try:
            yield
        finally:
            lock.release()

    def _write(self, state: Wallet) -> None:
        plain = sealed.pad(build_state(state))
        data = sealed.seal(plain, key=self._key, random=secrets.token_bytes)
        # One name for the unfinished file: only the holder of the lock writes it, so a crash leaves one at most, and
        # the next write takes its place.
        unfinished = self._path.with_name(f".{self._path.name}.new")
        try:
            unfinished.unlink(missing_ok=True)
            _write_through(unfinished, data)
            unfinished.replace(self._path)
            _flush_folder(self._path.parent)
        except OSError as error:
            with contextlib.suppress(OSError):  # half a file helps nobody, and takes room where there is none
                unfinished.unlink(missing_ok=True)
            raise UnwritableVault(self._path, error.strerror or type(error).__name__) from error
        self._latest = plain, state


def check_passphrase(passphrase: str) -> None:
    """Check that a passphrase is not too short to keep anything.

    Raises:
        WeakPassphrase: fewer than `LEAST_PASSPHRASE` characters.
    """
    if len(passphrase) < LEAST_PASSPHRASE:
        raise WeakPassphrase(LEAST_PASSPHRASE)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Name the file in what went wrong with it."""
    try:
        yield
    except sealed.Damaged as error:
        raise DamagedVault(path, error.detail) from error


def _make_folder(path: Path) -> None:
    try:
        make_private_folder(path.parent)
    except OSError as error:
        raise UnwritableVault(path, error.strerror or "its folder cannot be made") from error


def _read_private(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            if os.name == "posix" and about.st_mode & _OTHERS:
                raise ExposedVault(path)
            if about.st_size > _MAX_FILE_BYTES:
                raise DamagedVault(path, "it is far larger than any wallet")
            return file.read()
    except FileNotFoundError as error:
        raise NoWallet(path) from error
    except OSError as error:
        raise DamagedVault(path, f"it cannot be read ({error.strerror})") from error


def _write_through(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # Windows has no handle on a folder to flush; the rename itself is durable there.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
