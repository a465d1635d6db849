"""Exchange a key for another while services run: told to others first, used later, and believed for a while after.

Nothing here needs a restart. Commands change the file of rings; a service looks at it for every request (one look at
the disk, `Turning`), and all workers turn at once.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from credentials.errors import HandstampError
from credentials.keys.kinds import KeyKind
from plumbing.clock import epoch_s
from plumbing.key_rings import Ring, RingKey
from plumbing.keystore import KeyStore, UnusableKey
from plumbing.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from credentials.keys.certificates import CertificateChain

LEAD: Final = timedelta(hours=2)
"""So long a key is told before it is used: sites read a DID document each hour, and caches keep one for minutes."""
SAME_KEY_KEPT: Final = timedelta(days=1)
"""So long the certificate before is still told when a key only got a new one."""
_STRAGGLERS: Final = timedelta(hours=1)
"""A private key goes so long after its last use, so that no worker whose clock is late misses it."""

T = TypeVar("T")


class NothingToStart(HandstampError):
    """No key waits for being used."""

    code = "no_key_waits"

    def __init__(self) -> None:
        super().__init__("No new key is waiting to be used. Make one first, and let others read it before it is used.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """How one key takes the place of another.

    Attributes:
        starts: when the new one is used; None when somebody says so (`start`).
        kept: for how long after that the old one is still told to others; None: until it is retired.
        stolen: whether the old ones are good for nothing any more: they go at once.
    """

    starts: datetime | None
    kept: timedelta | None = None
    stolen: bool = False


class KeyTurner:
    """Changes the rings of one key folder, one command at a time."""

    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys

    def install(
        self, name: str, exchange: Exchange, *, key_pem: bytes, chain_pem: bytes, password: bytes | None = None
    ) -> CertificateChain:
        """Take over a key and its certificates; without certificates so far, they are used at once.

        Raises:
            KeyRefused: they cannot be read or do not belong together; nothing was installed.
            UnusableKey: they cannot be written, or the key before cannot be read.
        """
        with self._keys.changing():
            before = self._keys.chain(name)
            if before is None and name not in self._keys.rings():
                return self._keys.install(name, key_pem=key_pem, chain_pem=chain_pem, password=password)
            ring = self._ring_of_signer(name)
            file = _new_file(name)
            chain = self._keys.install(file, key_pem=key_pem, chain_pem=chain_pem, password=password)
            public = chain.leaf_key.multikey
            if any(each.public == public for each in ring.keys) and not exchange.stolen:
                exchange = replace(exchange, kept=SAME_KEY_KEPT)
            self._add(name, ring, RingKey(file=file, public=public, x5c=tuple(chain.x5c()), starts_s=None), exchange)
            return chain

    def make_signer(self, name: str, exchange: Exchange, *, kind: KeyKind = KeyKind.P256) -> RingKey:
        """Make a new signing key without certificates."""
        with self._keys.changing():
            ring, file = self._ring_of_signer(name, kind=kind), _new_file(name)
            public = self._keys.signer(file, kind=kind).public_key.multikey
            return self._add(name, ring, RingKey(file=file, public=public, starts_s=None), exchange)

    def make_bbs_key(self, name: str, exchange: Exchange) -> RingKey:
        """Make a new BBS key."""
        with self._keys.changing():
            before = self._keys.rings().get(name)
            ring = before or Ring((_first(name, self._keys.bbs_key(name).public_key.multikey),))
            file = _new_file(name)
            public = self._keys.bbs_key(file).public_key.multikey
            return self._add(name, ring, RingKey(file=file, public=public, starts_s=None), exchange)

    def make_secret(self, name: str, exchange: Exchange) -> RingKey:
        """Make a new secret that nobody else ever sees."""
        with self._keys.changing():
            self._keys.secret(name)
            ring, file = self._keys.rings().get(name) or Ring((_first(name, ""),)), _new_file(name)
            self._keys.secret(file)
            return self._add(name, ring, RingKey(file=file, public="", starts_s=None), exchange)

    def start(self, name: str, *, at: datetime, kept: timedelta) -> RingKey:
        """Use the key that waits, from now on.

        Raises:
            NothingToStart: none waits.
        """
        with self._keys.changing():
            ring = self._keys.rings().get(name)
            waiting = [each for each in ring.keys if each.starts_s is None] if ring else []
            if ring is None or not waiting:
                raise NothingToStart
            rest = Ring(tuple(each for each in ring.keys if each is not waiting[-1]))
            return self._add(name, rest, waiting[-1], Exchange(starts=at, kept=kept))

    def is_turning(self, name: str, at: datetime) -> bool:
        """Whether a key of this name is already told to others and not used yet."""
        ring = self._keys.rings().get(name)
        return ring is not None and any(not each.has_started(epoch_s(at)) for each in ring.keys)

    def tidy(self, *, at: datetime) -> None:
        """Remove the private half of each key that is out of use, and what nobody is told of any more.

        Whatever changes a key does this, and every service when it starts.
        """
        if self._keys.mark is None:  # nothing was ever exchanged
            return
        with self._keys.changing():
            now_s = epoch_s(at)
            for name, ring in self._keys.rings().items():
                late_s = now_s - int(_STRAGGLERS.total_seconds())
                used = {ring.current(now_s).file, ring.current(late_s).file}
                for each in ring.keys:
                    if each.public and each.has_started(late_s) and each.file not in used:
                        self._keys.forget(each.file)
                stay = tuple(each for each in ring.keys if each.file in used or not each.has_ended(late_s))
                for each in ring.keys:
                    if each not in stay:
                        self._keys.forget(each.file)
                if stay != ring.keys:
                    self._keys.save_ring(name, Ring(stay))

    def _add(self, name: str, ring: Ring, new: RingKey, exchange: Exchange) -> RingKey:
        starts_s = None if exchange.starts is None else epoch_s(exchange.starts)
        added = replace(new, starts_s=starts_s)
        if exchange.stolen:
            self._keys.save_ring(name, Ring((added,)))
            for each in ring.keys:
                self._keys.forget(each.file)
            return added
        ends_s = None if exchange.kept is None or starts_s is None else starts_s + int(exchange.kept.total_seconds())
        before = tuple(replace(each, ends_s=_sooner(each.ends_s, ends_s)) for each in ring.keys)
        self._keys.save_ring(name, Ring((*before, added)))
        return added

    def _ring_of_signer(self, name: str, *, kind: KeyKind = KeyKind.P256) -> Ring:
        before = self._keys.rings().get(name)
        if before is not None:
            return before
        chain = self._keys.chain(name)
        x5c = tuple(chain.x5c()) if chain else ()
        return Ring((_first(name, self._keys.signer(name, kind=kind).public_key.multikey, x5c),))


class Turning(Generic[T]):
    """Makes something of the keys anew when they have turned, and only then.

    Args:
        keys: the key folder.
        build: makes it, of the keys of a moment.
    """

    def __init__(self, keys: KeyStore, build: Callable[[datetime], T]) -> None:
        self._keys = keys
        self._build = build
        self._made: _Made[T] | None = None

    def __call__(self, now: datetime) -> T:
        """Return it as it is now. While the new keys cannot be read, what was made before goes on.

        Raises:
            HandstampError: the keys cannot be read, and never could.
        """
        made, mark = self._made, self._keys.mark
        if made is not None and made.mark == mark and made.since_s <= now.timestamp() < made.until_s:
            return made.value
        try:
            made = self._make(now, mark)
        except (HandstampError, OSError) as error:
            if made is None:
                raise
            get_logger("keys").warning("keys_not_read", error=type(error).__name__)
            # Looked at again with the next change, or after a minute.
            made = replace(made, mark=mark, since_s=0, until_s=epoch_s(now) + 60)
        self._made = made
        return made.value

    def _make(self, now: datetime, mark: tuple[int, int] | None) -> _Made[T]:
        turns = [ring.turns_between(epoch_s(now)) for ring in self._keys.rings().values()]
        since_s = max((past for past, _ in turns), default=0)
        until_s = min((later for _, later in turns if later is not None), default=_NEVER_S)
        return _Made(mark=mark, since_s=since_s, until_s=until_s, value=self._build(now))


_NEVER_S: Final = 1 << 53


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made(Generic[T]):
    mark: tuple[int, int] | None
    since_s: int
    until_s: int
    value: T


def _first(name: str, public: str, x5c: tuple[str, ...] = ()) -> RingKey:
    return RingKey(file=name, public=public, x5c=x5c, starts_s=0)


def _new_file(name: str) -> str:
    return f"{name}-{secrets.token_hex(4)}"


def _sooner(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)


__all__ = ["LEAD", "Exchange", "KeyTurner", "NothingToStart", "Turning", "UnusableKey"]
