"""What an import did, line by line, without naming anybody."""

from collections import Counter
from dataclasses import dataclass, field

from credentials.errors import OperatorError
from issuer.connectors.rows import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the report."""

    place: Place
    why: str


@dataclass(slots=True, kw_only=True)
class Report:
    """Filled while an import runs.

    Attributes:
        taken: how many of what were taken.
        skipped: what was left out, and why; none of it stops an import.
        problems: what could not be read; one is enough that nothing is taken.
        unread: files, and members of files, of a kind that no import reads.
    """

    taken: Counter[str] = field(default_factory=Counter)
    skipped: list[Line] = field(default_factory=list)
    problems: list[Line] = field(default_factory=list)
    unread: tuple[str, ...] = ()

    def take(self, what: str) -> None:
        """Count something that was taken."""
        self.taken[what] += 1

    def skip(self, place: Place, why: str) -> None:
        """Note something that was left out."""
        self.skipped.append(Line(place=place, why=why))

    def refuse(self, place: Place, why: str) -> None:
        """Note something that could not be read."""
        self.problems.append(Line(place=place, why=why))


class ImportRefused(OperatorError):
    """Some rows could not be read, so nothing was taken."""

    code = "import_refused"

    def __init__(self, report: Report) -> None:
        self.report = report
        first, count = report.problems[0], len(report.problems)
        rows = "1 row cannot be read:" if count == 1 else f"{count} rows cannot be read. The first is"
        super().__init__(f"Nothing was taken: {rows} {first.place}: {first.why}.")
