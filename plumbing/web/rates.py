"""Who asks too often is told when to come back.

A moving window of a minute for each bucket of addresses, in the memory of this worker: with several, each has its part
of what all may let through (`workers` in the settings). What must be exact (wrong codes of an offer or a visit, grants,
resets) is counted in the database by the use cases; here only load is turned away.

A bucket is an IPv4 /24 or an IPv6 /56. Nothing but a MAC of it (keyed BLAKE2) is kept, under a secret that dies with
the process, until the first request a minute or two later; no address is ever written. Why there is no library for it:
docs/decisions/0030.
"""

import hashlib
import math
import re
import secrets
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from plumbing.web.exempt import ALWAYS_ANSWERED

WINDOW_S: Final = 60.0
MOST_BUCKETS: Final = 20_000
"""Who comes from yet another neighbourhood within a minute shares one bucket with all such: whoever owns an IPv6 /32
has sixteen million of them, and each takes a kilobyte."""
_MAX_HOPS: Final = 16
_MAX_ADDRESS_CHARS: Final = 45  # the longest IPv6 address with an IPv4 one in it
_WITH_PORT: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([0-9.]{7,15}))(?::[0-9]{1,5})?")
_UNREADABLE: Final = b"?"
_MAPPED: Final = bytes(10) + b"\xff\xff"
_LOCALHOST_6: Final = bytes(15) + b"\x01"
_IPV4_BYTES: Final = 4
_IPV4_KEPT: Final = 3  # bytes of /24
_IPV6_KEPT: Final = 7  # bytes of /56
_HERE: Final = b"\x7f"
_KEY_BYTES: Final = 16
_REST: Final = b""
_FORWARDED: Final = b"x-forwarded-for"
_VARIABLE: Final = re.compile(r"\\\{[^}]+\\\}")

Network = IPv4Network | IPv6Network


class Kind(Enum):
    """What a request may be counted as, beside being a request."""

    TRY = "try"
    """It brings a secret that could be guessed: a log-in, a PIN, a code, a door's key."""
    BEGIN = "begin"
    """It begins something for a stranger: a visit, an issuance with its nonce, a pushed request."""


class Windows:
    """Moving windows of one size, one for each key. For one thread."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken: dict[bytes, deque[float]] = {}
        self._next_sweep = 0.0

    def take(self, key: bytes, *, now: float) -> float:
        """Take one place in the window of `key`; return 0.0, or after how many seconds there is one again."""
        over = now - WINDOW_S
        if now >= self._next_sweep:
            self._sweep(over, now)
        taken = self._taken.get(key)
        if taken is None:
            if len(self._taken) >= MOST_BUCKETS:
                key = _REST
            taken = self._taken.setdefault(key, deque())
        while taken and taken[0] <= over:
            taken.popleft()
        if len(taken) >= self._limit:
            return taken[0] - over
        taken.append(now)
        return 0.0

    def _sweep(self, over: float, now: float) -> None:
        self._next_sweep = now + WINDOW_S
        self._taken = {key: taken for key, taken in self._taken.items() if taken and taken[-1] > over}

    def __len__(self) -> int:
        return len(self._taken)


class Addresses:
    """Says from which bucket of addresses a request comes.

    Args:
        trusted_proxies: who may say, in `X-Forwarded-For`, from whom a request came. Nobody else is believed.
        secret: what buckets are hidden under.
    """

    def __init__(self, *, trusted_proxies: Sequence[Network] = (), secret: bytes | None = None) -> None:
        self._trusted = tuple(
            (net.max_prefixlen // 8, int(net.network_address), int(net.netmask)) for net in trusted_proxies
        )
        self._proxy: bytes | None = None
        self._secret = secret or secrets.token_bytes(32)

    def bucket(self, scope: Scope) -> bytes | None:
        """Return the bucket; None for this very machine, which nobody limits.

        Behind a trusted proxy it is the last hop that is none of ours. All whose hop cannot be read share one bucket:
        taken for the proxy, they would be limited by nothing where it stands on this machine. A peer on this machine
        that was not named as a proxy could be one all the same: then all listeners would share one bucket, and would be
        shut out together.
        """
        client = scope.get("client")
        packed = _pack(client[0]) if client else _LOCALHOST_6  # without one it came over a unix socket
        if self._trusted and packed is not None and (packed == self._proxy or self._is_trusted(packed)):
            self._proxy = packed  # the same one speaks nearly always
            packed = self._last_hop(scope, packed)
        if packed is None or packed[:1] == _HERE or packed == _LOCALHOST_6:
            return None
        prefix = packed[: _IPV4_KEPT if len(packed) == _IPV4_BYTES else _IPV6_KEPT]
        return hashlib.blake2b(prefix, key=self._secret, digest_size=_KEY_BYTES).digest()

    def _last_hop(self, scope: Scope, peer: bytes) -> bytes:
        said = b""
        for name, value in scope["headers"]:
            if name == _FORWARDED:
                said = said + b"," + value if said else value
        last = peer
        for hop in reversed(said.rsplit(b",", _MAX_HOPS)[-_MAX_HOPS:]):
            packed = _pack_hop(hop.strip().decode("latin-1"))
            if packed is None:
                return _UNREADABLE if said.strip() else last
            last = packed
            if not self._is_trusted(packed):
                return packed
        return last

    def _is_trusted(self, packed: bytes) -> bool:
        number = int.from_bytes(packed)
        for size, network, mask in self._trusted:  # noqa: SIM110 - for each request, and `any` takes twice as long
            if size == len(packed) and number & mask == network:
                return True
        return False


def _pack(host: str) -> bytes | None:
    """Return the bytes of an address, those of IPv4 where IPv6 only carries it; None if it is none."""
    if len(host) > _MAX_ADDRESS_CHARS:
        return None
    try:
        if ":" not in host:
            return socket.inet_pton(socket.AF_INET, host)
        packed = socket.inet_pton(socket.AF_INET6, host)
    except (OSError, ValueError):  # ValueError: a NUL in it
        return None
    return packed[12:] if packed.startswith(_MAPPED) else packed


def _pack_hop(said: str) -> bytes | None:
    """Return the bytes of an address to which a proxy may have put the port, and the brackets that this takes."""
    packed = _pack(said)
    if packed is not None:
        return packed
    found = _WITH_PORT.fullmatch(said)
    return None if found is None else _pack(found[1] or found[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How often one bucket of addresses may ask within a minute; 0 is as often as it likes.

    Attributes:
        requests: of all kinds together.
        tries: with a secret that could be guessed.
        begins: that make the service keep something.
        addresses: tells the buckets.
        monotonic: gives seconds that only go forward.
    """

    requests: int
    tries: int = 0
    begins: int = 0
    addresses: Addresses = field(default_factory=Addresses)
    monotonic: Callable[[], float] = time.monotonic
    _windows: dict[Kind | None, Windows] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        limits: dict[Kind | None, int] = {None: self.requests, Kind.TRY: self.tries, Kind.BEGIN: self.begins}
        self._windows.update({kind: Windows(limit) for kind, limit in limits.items() if limit})

    def take(self, scope: Scope, kind: Kind | None) -> float:
        """Count a request; return 0.0, or after how many seconds it may come again."""
        bucket = self.addresses.bucket(scope)
        if bucket is None:
            return 0.0
        now = self.monotonic()
        for each in (None,) if kind is None else (kind, None):
            windows = self._windows.get(each)
            if windows is not None and (wait_s := windows.take(bucket, now=now)):
                return wait_s
        return 0.0


class RateLimit:
    """Refuses with 429 and `Retry-After`, before the body is read, in the format of whoever asks.

    The rates are looked up at the application (`app.state.rates`), where the composition puts them; without them
    nothing is refused.

    Args:
        app: what comes next.
        kinds: which routes are tries or begin something, as `METHOD /path/{variable}`.
        refuse: answers, given after how many seconds to come again.
    """

    def __init__(self, app: ASGIApp, *, kinds: Mapping[str, Kind], refuse: Callable[[Request, int], Response]) -> None:
        self._app = app
        self._refuse = refuse
        self._patterns = [
            (re.compile("|".join(_pattern(route) for route, each in kinds.items() if each is kind)), kind)
            for kind in Kind
            if kind in kinds.values()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless its bucket has asked too often."""
        if scope["type"] == "http":
            rates: Rates | None = getattr(scope["app"].state, "rates", None)
            if rates is not None and scope["path"] not in ALWAYS_ANSWERED:
                wait_s = rates.take(scope, self._kind(f"{scope['method']} {scope['path']}"))
                if wait_s:
                    await self._refuse(Request(scope), max(1, math.ceil(wait_s)))(scope, receive, send)
                    return
        await self._app(scope, receive, send)

    def _kind(self, asked: str) -> Kind | None:
        for pattern, kind in self._patterns:
            if pattern.fullmatch(asked):
                return kind
        return None


def _pattern(route: str) -> str:
    return _VARIABLE.sub("[^/]+", re.escape(route))
