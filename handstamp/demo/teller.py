"""Tells a story in a terminal: numbered steps, short lines, and what commands printed."""

from collections.abc import Callable
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from credentials.encoding.strict_json import Json
from handstamp.demo.stage import DemoFailed, Stage

INDENT: Final = 3


class Teller:
    """Says what happens, and does it with the `handstamp` command.

    Args:
        stage: where the services run.
        console: where the story is told.
    """

    def __init__(self, stage: Stage, console: Console) -> None:
        self.stage = stage
        self.console = console
        self._step = 0

    def tell(self, words: str, step: Callable[[], None]) -> None:
        """Say what comes next, and let it happen."""
        self._step += 1
        self.console.print(f"[bold]{self._step}. {words}[/]")
        with self.console.status("working ..."):
            step()

    def say(self, words: str, style: str = "") -> None:
        """Tell one sentence or more; titles and file names in it are never taken for markup."""
        self.console.print(Padding(Text(words, style), (0, 0, 0, INDENT), expand=False))

    def show(self, printed: str, style: str = "") -> None:
        """Show what a command printed, line by line as it did."""
        for line in printed.splitlines():
            self.console.print(Text(f"{' ' * INDENT}{line}", style), soft_wrap=True)

    def json(self, *arguments: str, at: str = "") -> dict[str, Json]:
        """Run a command of one party with `--json`, and return the object that it printed.

        Raises:
            DemoFailed: it did not work, or printed something else.
        """
        answer = self.stage.at(at).run_json(*arguments)
        if not isinstance(answer, dict):
            raise DemoFailed(f"handstamp {' '.join(arguments[:2])}", "it printed something else than one object")
        return answer
