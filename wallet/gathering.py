"""What an errand changes, gathered and written at once: a wallet file is written whole, and that takes its time.

Nothing that cannot be had again waits: a token, a nym that is committed to and the end of an errand are written at
once, with all that was gathered before. What a crash takes is a few forms of copies, which the co-op hands out again.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from credentials.errors import HandstampError
from wallet.ports import Keeper
from wallet.state import Wallet

MOST_WAITING: Final = 8
"""Forms of copies that wait for being written: two copies in four forms each."""

T = TypeVar("T")


class Gathering:
    """A keeper in front of another. Changes are seen here at once, and by others when they are written.

    They are applied anew when they are written, to the state that is the newest then: what other processes changed
    meanwhile stays.
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._waiting: list[Callable[[Wallet], tuple[Wallet, object]]] = []
        self._state: Wallet | None = None

    def load(self) -> Wallet:
        """Return the newest state, with what waits."""
        return self._keeper.load() if self._state is None else self._state

    def change(self, apply: Callable[[Wallet], tuple[Wallet, T]]) -> T:
        """Note a change, to be written with others."""
        self._state, result = apply(self.load())
        self._waiting.append(apply)
        return result

    def check_room(self) -> None:
        """Check that what waits could be written."""
        self._keeper.check_room()

    def write(self) -> None:
        """Write all that waits; when this returns, it is kept."""
        if self._waiting:
            self._keeper.change(self._apply_all)
            self._waiting.clear()
        self._state = None

    def write_if_many(self) -> bool:
        """Write all that waits if it is much, and tell whether nothing waits any more."""
        if len(self._waiting) >= MOST_WAITING:
            self.write()
        return self.is_written

    @property
    def is_written(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    @contextlib.contextmanager
    def to_the_end(self) -> Iterator[None]:
        """Write all that waits at the end, also where the errand is broken off."""
        try:
            yield
        except HandstampError:
            self.write()
            raise
        self.write()

    def _apply_all(self, wallet: Wallet) -> tuple[Wallet, None]:
        for apply in self._waiting:
            wallet, _ = apply(wallet)
        return wallet, None
