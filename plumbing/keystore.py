"""A service's own keys, encrypted at rest.

`folder/key-encryption-key` (mode 0600) is made at first start and encrypts every `NAME.pem` beside it, and every
`NAME.bbs`: a BBS key has no PEM form. A certificate chain, where one was installed, lies in `NAME.chain.pem`, leaf
first. Once a key was exchanged for another, `rings.json` says which files are in use (`plumbing/key_rings.py`). The
key-encryption file protects a backup of the other files, not a machine that is read as a whole; keep it apart from the
backup.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from filelock import FileLock, Timeout

from credentials.bbs import BbsSecretKey
from credentials.errors import HandstampError, Malformed, OperatorError
from credentials.keys.certificates import CertificateChain, load_chain_pem
from credentials.keys.encryption import DecryptionKey
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from plumbing.clock import Clock, epoch_s, system_clock
from plumbing.key_rings import Ring, RingKey, parse_rings, write_rings
from plumbing.private import make_private_folder

_KEK_FILE: Final = "key-encryption-key"
_RINGS_FILE: Final = "rings.json"
_LOCK_WAIT_S: Final = 10.0
_NONCE_BYTES: Final = 12
_OWNER_ONLY: Final = 0o600
_OTHERS: Final = 0o077
_PRIVATE: Final = ("pem", "bbs", "secret")


class UnusableKey(OperatorError):
    """A key or certificate file of this service cannot be used."""

    code = "unusable_key"

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"The key file {path} cannot be used: {reason}.")


class KeyRefused(OperatorError):
    """A key or certificate that somebody gave cannot be taken over."""

    code = "key_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Nothing was installed. {reason}")


class KeyStore:
    """The signing keys of one service, in one folder of mode 0700.

    A name stands for the key that is in use at the moment `at`; without one, now.
    """

    def __init__(self, folder: Path, *, clock: Clock = system_clock) -> None:
        self._folder = folder
        self._clock = clock
        self._rings = str(folder / _RINGS_FILE)

    def signer(self, name: str, *, kind: KeyKind = KeyKind.P256, at: datetime | None = None) -> LocalSigner:
        """Return the key called `name`; it is made and written encrypted at first use, and stays of its first kind.

        Raises:
            UnusableKey: the file is damaged, or others may read it.
        """
        path = self._path(name, "pem", at)
        if not _is_there(path):
            self._write_once(path, LocalSigner.generate(kind).to_pem(self._key_encryption_key()))
        return self._load(path)

    def decryption_key(self, name: str) -> DecryptionKey:
        """Return the key called `name` that opens what others encrypt for us; made and kept as `signer` does.

        Raises:
            UnusableKey: the file is damaged, or others may read it.
        """
        path = self._folder / f"{name}.pem"
        if not _is_there(path):
            self._write_once(path, DecryptionKey.generate().to_pem(self._key_encryption_key()))
        try:
            return DecryptionKey.from_pem(self._read_private(path), self._key_encryption_key())
        except HandstampError as error:
            raise UnusableKey(path, error.detail.removesuffix(".")) from error

    def bbs_key(self, name: str, *, at: datetime | None = None) -> BbsSecretKey:
        """Return the BBS key called `name`; made and kept encrypted as `signer` does.

        Raises:
            UnusableKey: the file is damaged, or others may read it.
        """
        path = self._path(name, "bbs", at)
        if not _is_there(path):
            self._write_bbs(path, BbsSecretKey.generate())
        kept = self._read_private(path)
        try:
            opened = self._sealing(path.stem).decrypt(kept[:_NONCE_BYTES], kept[_NONCE_BYTES:], path.stem.encode())
            return BbsSecretKey.from_bytes(opened)
        except (InvalidTag, ValueError, HandstampError) as error:
            raise UnusableKey(path, "it is damaged, or was encrypted with another key-encryption key") from error

    def secret(self, name: str) -> bytes:
        """Return 32 random bytes called `name`, made at first use: for keyed hashes that never leave this service."""
        return self._secret(self._path(name, "secret", None))

    def secrets(self, name: str, *, at: datetime | None = None) -> tuple[bytes, ...]:
        """Return the secret in use, and after it those that are still taken from others because they were handed out.

        One that comes is among them already: another worker may have turned a moment earlier.
        """
        ring = self.rings().get(name)
        if ring is None:
            return (self.secret(name),)
        files = [each.file for each in ring.published(epoch_s(at or self._clock()))]
        return tuple(self._secret(self._folder / f"{each}.secret") for each in files)

    def chain(self, name: str, *, at: datetime | None = None) -> CertificateChain | None:
        """Return the certificate chain installed for `name`, or None."""
        path = self._path(name, "chain.pem", at)
        return load_chain_pem(path.read_bytes()) if _is_there(path) else None

    def install(
        self, name: str, *, key_pem: bytes, chain_pem: bytes, password: bytes | None = None
    ) -> CertificateChain:
        """Write a private key and its certificate chain (PEM, leaf first) to the files that are called `name`.

        Raises:
            KeyRefused: the key cannot be read, is of no kind that signs, or does not belong to the leaf certificate.
            UnusableKey: they cannot be written.
        """
        try:
            signer = LocalSigner.from_pem(key_pem, password)
            chain = load_chain_pem(chain_pem)
        except HandstampError as error:
            raise KeyRefused(error.detail) from error
        if chain.leaf_key.thumbprint != signer.public_key.thumbprint:
            raise KeyRefused("The first certificate belongs to another key: give the key that it was made for.")
        self._write(self._folder / f"{name}.pem", signer.to_pem(self._key_encryption_key()))
        self._write(self._folder / f"{name}.chain.pem", chain_pem)
        return chain

    def rings(self) -> Mapping[str, Ring]:
        """Return the rings of all names that ever turned.

        Raises:
            UnusableKey: the file of rings is damaged.
        """
        path = self._folder / _RINGS_FILE
        if not _is_there(path):
            return MappingProxyType({})
        try:
            return parse_rings(self._read_private(path))
        except Malformed as error:
            raise UnusableKey(path, error.detail.removesuffix(".")) from error

    def lone(self, name: str) -> RingKey | None:
        """Return the key of a name that never turned; None if there is none yet, and it is never made here.

        Raises:
            UnusableKey: the file is damaged, or others may read it.
        """
        match next((each for each in _PRIVATE if _is_there(self._folder / f"{name}.{each}")), None):
            case None:
                return None
            case "pem":
                public = self.signer(name).public_key.multikey
            case "bbs":
                public = self.bbs_key(name).public_key.multikey
            case _:
                public = ""
        return RingKey(file=name, public=public, starts_s=0)

    @property
    def mark(self) -> tuple[int, int] | None:
        """What changes whenever a ring does: one look at the disk, so that a service may ask it for every request."""
        try:
            found = os.stat(self._rings)  # noqa: PTH116  # a path object takes longer than the look itself
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def save_ring(self, name: str, ring: Ring) -> None:
        """Replace one ring; whoever changes it holds `changing`."""
        self._write(self._folder / _RINGS_FILE, write_rings({**self.rings(), name: ring}))

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Let one command at a time change the rings.

        Raises:
            UnusableKey: another command has been changing them for a while.
        """
        make_private_folder(self._folder)
        try:
            with FileLock(self._folder / ".rings.lock", timeout=_LOCK_WAIT_S, mode=_OWNER_ONLY):
                yield
        except Timeout as error:
            raise UnusableKey(self._folder / _RINGS_FILE, "another command is changing the keys just now") from error
        except OSError as error:
            raise UnusableKey(self._folder, error.strerror or "it cannot be written") from error

    def check_readable(self, name: str) -> None:
        """Check that the private key called `name` could be read if the service began now; it is never made here.

        Raises:
            UnusableKey: it is gone, or cannot be read.
        """
        self._read_private(self._path(name, "pem", None))

    def forget(self, file: str) -> None:
        """Remove the private key, or the secret, that lies in the files that are called so; certificates stay."""
        for ending in _PRIVATE:
            (self._folder / f"{file}.{ending}").unlink(missing_ok=True)

    def _path(self, name: str, ending: str, at: datetime | None) -> Path:
        ring = self.rings().get(name)
        if ring is None:
            return self._folder / f"{name}.{ending}"
        path = self._folder / f"{ring.current(epoch_s(at or self._clock())).file}.{ending}"
        if ending in _PRIVATE and not _is_there(path):
            # Made anew it would be a key that nobody was told of.
            raise UnusableKey(path, "it is gone; bring it back from the backup, or exchange the key once more")
        return path

    def _secret(self, path: Path) -> bytes:
        if not _is_there(path):
            self._write_once(path, secrets.token_bytes(32))
        return self._read_private(path)

    def _write_bbs(self, path: Path, key: BbsSecretKey) -> None:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._sealing(path.stem).encrypt(nonce, key.to_bytes(), path.stem.encode())
        self._write_once(path, nonce + sealed)

    def _sealing(self, name: str) -> AESGCM:
        # A key of its own for each file, so that the one nonce that is drawn for it is never met again.
        material = self._key_encryption_key()
        info = b"handstamp key file " + name.encode()
        return AESGCM(HKDF(SHA256(), length=32, salt=None, info=info).derive(material))

    def _load(self, path: Path) -> LocalSigner:
        try:
            return LocalSigner.from_pem(self._read_private(path), self._key_encryption_key())
        except (ValueError, HandstampError) as error:
            raise UnusableKey(path, f"{error}") from error

    def _key_encryption_key(self) -> bytes:
        path = self._folder / _KEK_FILE
        if not _is_there(path):
            self._write_once(path, secrets.token_hex(32).encode())
        return self._read_private(path)

    def _read_private(self, path: Path) -> bytes:
        try:
            if os.name == "posix" and path.stat().st_mode & _OTHERS:
                raise UnusableKey(path, f"others on this machine may read it; run: chmod 600 '{path}'")
            return path.read_bytes()
        except OSError as error:
            raise UnusableKey(path, error.strerror or "it cannot be read") from error

    def _write(self, path: Path, data: bytes) -> None:
        self._write_temporary(path, data).replace(path)

    def _write_once(self, path: Path, data: bytes) -> None:
        """Write unless another process, starting at the same moment, was first; then its file stands."""
        temporary = self._write_temporary(path, data)
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
        temporary.unlink()

    def _write_temporary(self, path: Path, data: bytes) -> Path:
        """Write beside `path`, so that a crash leaves the old file or the new one, never half of one."""
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            make_private_folder(self._folder)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):  # half a key is none, and takes room where there is none
                temporary.unlink(missing_ok=True)
            raise UnusableKey(path, error.strerror or "it cannot be written") from error
        return temporary


def _is_there(path: Path) -> bool:
    """Tell whether there is such a file.

    Raises:
        UnusableKey: this user may not even look.
    """
    try:
        return path.exists()
    except OSError as error:
        raise UnusableKey(path, error.strerror or "it cannot be looked at") from error
