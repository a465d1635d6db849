"""What a kind of misconfiguration is, and what is said of one that was found."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from handstamp.doctor.case import Case

MACHINE: Final = "machine"
SETTINGS: Final = "settings"
WALLET: Final = "wallet"
ISSUER: Final = ("issuer",)
VERIFIER: Final = ("verifier",)
TRACKSERVER: Final = ("trackserver",)
SERVICES: Final = ("issuer", "verifier", "trackserver")


class Severity(Enum):
    """How bad it is."""

    ERROR = "error"
    """Something does not work, or is open to whom it should not be."""
    WARNING = "warning"
    """It works today; it will not, or less well than it could."""
    NOTE = "note"
    """Good to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found.

    Attributes:
        wrong: what is wrong, in one sentence.
        where: the setting, file, address or table.
        do: what to do, in one sentence.
        severity: how bad it is.
    """

    wrong: str
    where: str
    do: str
    severity: Severity = Severity.ERROR


Look = Callable[[Case], Iterable[Finding]]
"""Looks at files, settings and rows; runs in a thread."""
Ask = Callable[[Case], Awaitable[Iterable[Finding]]]
"""Asks the network; left out with `--offline`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of misconfiguration.

    Attributes:
        id: stable, for programs.
        title: what it is, in a few words.
        roles: whose it can be: services, the wallet, `settings`, or the `machine`, which is looked at without settings.
        look: how it is found on this machine.
        ask: how it is found by asking.
    """

    id: str
    title: str
    roles: tuple[str, ...]
    look: Look | None = None
    ask: Ask | None = None


def error(wrong: str, *, where: object, do: str) -> Finding:
    """Say what does not work."""
    return Finding(wrong=wrong, where=str(where), do=do)


def warning(wrong: str, *, where: object, do: str) -> Finding:
    """Say what will not work for long, or could be better."""
    return Finding(wrong=wrong, where=str(where), do=do, severity=Severity.WARNING)


def note(wrong: str, *, where: object, do: str) -> Finding:
    """Say what is good to know."""
    return Finding(wrong=wrong, where=str(where), do=do, severity=Severity.NOTE)


def by_id(kinds: Iterable[Kind]) -> Mapping[str, Kind]:
    """Put kinds under their ids, each once."""
    table = {}
    for kind in kinds:
        if kind.id in table:
            raise ValueError(kind.id)
        table[kind.id] = kind
    return table
