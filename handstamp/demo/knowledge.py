"""What each party knows after the story, found by reading everything that it wrote: its databases and its log."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from handstamp.demo.stage import DOOR, PARTIES, SHOP, DemoFailed, Stage

COUNTING: Final = (SHOP, DOOR)
"""Who has a gate that counts, and so must be found to know a number by which it counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """One fact, and which parties hold it.

    Attributes:
        fact: in words, as "the listener's name".
        held_by: for each party, whether the fact's bytes lie in any file that it wrote.
    """

    fact: str
    held_by: Mapping[str, bool]


def search(stage: Stage, facts: Mapping[str, Collection[bytes]]) -> list[Knowledge]:
    """Look for each fact in every file of every party: database, write-ahead log, log lines.

    Args:
        stage: the demo whose services ran.
        facts: from what it is, in words, to the bytes any of which give it away.
    """
    written = {party: everything_of(stage, party) for party in PARTIES}
    return [
        Knowledge(fact=fact, held_by={party: _holds(data, needles) for party, data in written.items()})
        for fact, needles in facts.items()
    ]


def everything_of(stage: Stage, party: str) -> bytes:
    """Return every byte that a party wrote, but for the music."""
    files = sorted(
        path
        for path in stage.data_of(party).rglob("*")
        if path.is_file() and path.suffix not in {".flac", ".wav", ".mp3"}
    )
    return b"\n".join(_read(path) for path in [*files, stage.log_of(party)])


def _holds(data: bytes, needles: Iterable[bytes]) -> bool:
    return any(needle in data for needle in needles)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # a journal that its database has just removed, or the log of what is no service
        return b""


def check_personal(personal: Iterable[Knowledge]) -> None:
    """Refuse to call the demo done if a fact about the person lies anywhere but at the co-op."""
    for knowledge in personal:
        if not knowledge.held_by["issuer"]:
            raise DemoFailed("The search", f"it did not even find {knowledge.fact} at the co-op, so it proves nothing")
        _check_only(knowledge, {"issuer"})


def check_numbers(number: Knowledge) -> None:
    """Refuse to call the demo done if a number that comes back lies anywhere but where a gate counts."""
    for party in COUNTING:
        if not number.held_by[party]:
            raise DemoFailed("The search", f"it did not even find {number.fact} at the {party}, so it proves nothing")
    _check_only(number, COUNTING)


def _check_only(knowledge: Knowledge, parties: Collection[str]) -> None:
    for party, held in knowledge.held_by.items():
        if held and party not in parties:
            raise DemoFailed("Privacy", f"{knowledge.fact} was found at the {party}")
