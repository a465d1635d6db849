"""What services count about themselves, as values; `plumbing.metrics` shows it to Prometheus.

A label tells kinds apart and never people: each has a closed table of values, and what is in none is counted as
"other". So nothing that a caller sends, and no gate, release, offer or listener, can become a label.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from credentials.errors import HandstampError

OTHER: Final = "other"
NO_ROUTE: Final = "none"
"""Of a request that no route takes."""
OVERLOADED: Final = "overloaded"
"""The code of what a worker refuses before any work."""
CLIENT_GONE: Final = "client_gone"
"""The code of a request whose sender left before it was whole."""
INTERNAL_ERROR: Final = "internal_error"
"""The code of what nobody expected, also where an answer that had begun breaks off."""
_EDGE_CODES: Final = (
    "not_found",
    "method_not_allowed",
    "too_large",
    "http_error",
    INTERNAL_ERROR,
    OVERLOADED,
    CLIENT_GONE,
    # Of connections, before there is a request (plumbing/web/slow.py).
    "bad_request",
    "target_too_long",
    "header_too_long",
    "too_many_at_once",
    "too_slow",
    "too_many_connections",
    "too_much_arriving",
)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Something that only grows.

    Attributes:
        name: without our prefix and the ending `_total`.
        help: a sentence for whoever reads the metrics.
        labels: the closed table of values of each label.
    """

    name: str
    help: str
    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(Counted):
    """Something that goes up and down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request that was answered: nothing of who asked, and of the address only the route's template."""

    method: str
    route: str
    status: int
    seconds: float
    sent_bytes: int
    refusal: str | None


class Meter(Protocol):
    """What counts."""

    def add(self, what: Counted, *values: str, amount: float = 1) -> None:
        """Add to a count, under the values of its labels in their order."""
        ...

    def put(self, what: Measured, *values: str, value: float) -> None:
        """Set what was measured."""
        ...

    def watch(self, what: Measured, measure: Callable[[], Mapping[tuple[str, ...], float]]) -> None:
        """Measure something each time that somebody looks; what cannot be measured then is left out."""
        ...

    def begin(self) -> None:
        """Note that a request began."""
        ...

    def end(self, asked: Asked) -> None:
        """Note that it was answered."""
        ...

    def refused(self, code: str) -> None:
        """Count a refusal that was given before any work, and so is in no `Asked`."""
        ...


class _NoMeter:
    """Counts nothing, where metrics are off."""

    def add(self, what: Counted, *values: str, amount: float = 1) -> None:
        """Count nothing."""

    def put(self, what: Measured, *values: str, value: float) -> None:
        """Keep nothing."""

    def watch(self, what: Measured, measure: Callable[[], Mapping[tuple[str, ...], float]]) -> None:
        """Ask nothing."""

    def begin(self) -> None:
        """Note nothing."""

    def end(self, asked: Asked) -> None:
        """Note nothing."""

    def refused(self, code: str) -> None:
        """Count nothing."""


NO_METER: Final[Meter] = _NoMeter()


def error_codes() -> frozenset[str]:
    """Return the code of every refusal that this process can give, and those of the web's own edge."""
    return frozenset({*_EDGE_CODES, *(kind.code for kind in _all_below(HandstampError))})


def _all_below(parent: type[HandstampError]) -> set[type[HandstampError]]:
    return {parent}.union(*map(_all_below, parent.__subclasses__()))
