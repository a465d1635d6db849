"""What the wallet's use cases need of the world: a place to keep things, the network, the clock."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from plumbing.clock import Clock
from plumbing.fetch import Fetcher
from wallet.state import Wallet

T = TypeVar("T")


class Keeper(Protocol):
    """Where the wallet's state lies; `wallet.vault.Vault` is the one that lasts."""

    def load(self) -> Wallet:
        """Return the newest state."""
        ...

    def change(self, apply: Callable[[Wallet], tuple[Wallet, T]]) -> T:
        """Replace the state by what the pure function `apply` makes of it; when this returns, it is kept."""
        ...

    def check_room(self) -> None:
        """Check that a change could be kept now: asked before what a co-op gives only once is asked for."""
        ...


class Stream(Protocol):
    """An answer that is read piece by piece."""

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The header fields, found whatever their letter case."""
        ...

    def aiter_bytes(self) -> AsyncIterator[bytes]:
        """Give the body as it comes."""
        ...

    async def aread(self) -> bytes:
        """Read the rest of the body."""
        ...


class Web(Fetcher, Protocol):
    """The network: whole answers (`request`) and long ones (`stream`). It keeps no cookies and follows no redirect."""

    def stream(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Stream]:
        """Open one answer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What every use case is handed.

    Attributes:
        keeper: the opened wallet.
        web: opens the network for an errand that begins at a URL; that first party decides how far it may reach.
        clock: gives the present moment.
        random: gives so many secret random bytes.
    """

    keeper: Keeper
    web: Callable[[str], AbstractAsyncContextManager[Web]]
    clock: Clock
    random: Callable[[int], bytes]
