"""What each party knows after the story, found by reading everything that it wrote: its databases and its log."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from handstamp.demo.stage import ROLES, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """One fact, and which parties hold it.

    Attributes:
        fact: in words, as "the listener's name".
        held_by: for each role, whether the fact's bytes lie in any file that the role wrote.
    """

    fact: str
    held_by: Mapping[str, bool]


def search(stage: Stage, facts: Mapping[str, str]) -> list[Knowledge]:
    """Look for the text of each fact in every file of every service: database, write-ahead log, log lines.

    Args:
        stage: the demo whose services ran.
        facts: from what it is, in words, to the text that gives it away.
    """
    written = {role: _everything(stage, role) for role in ROLES}
    return [
        Knowledge(fact=fact, held_by={role: text.encode() in written[role] for role in ROLES})
        for fact, text in facts.items()
    ]


def _everything(stage: Stage, role: str) -> bytes:
    folder = stage.folder / "data" / role
    files = sorted(
        path for path in folder.rglob("*") if path.is_file() and path.suffix not in {".flac", ".wav", ".mp3"}
    )
    return b"\n".join(_read(path) for path in [*files, stage.log_of(role)])


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # a journal that its database has just removed
        return b""
