"""Foreign words on a terminal: they are read, and never obeyed."""

import io

import pytest
from rich.table import Table
from rich.text import Text

from credentials.errors import HandstampError
from handstamp import cli
from handstamp.terminal import Terminal, plain

STEERING = {
    "colour": "\x1b[31mred",
    "window title": "\x1b]0;pwned\x07",
    "8-bit control": "\x9b2J",
    "backspace": "no\x08\x08yes",
    "carriage return": "refused\raccepted",
    "right-to-left override": "\u202egpj.exe",
    "isolate": "\u2066a\u2069",
    "invisible": "a\u200bb\u2060c\U000e0041",
    "line separator": "a\u2028b",
    "half a pair": "\ud800",
}


@pytest.mark.parametrize("text", STEERING.values(), ids=STEERING.keys())
def test_what_could_steer_a_terminal_is_shown_as_a_mark(text: str) -> None:
    written = io.StringIO()
    table = Table(title=Text(text), box=None)
    table.add_row(Text(text))
    terminal = Terminal(file=written, width=60)
    terminal.print(Text(text))
    terminal.print(table)
    terminal.print(text, markup=False, soft_wrap=True)
    assert all(letter == "\n" or letter.isprintable() for letter in written.getvalue())


@pytest.mark.parametrize("text", ["Ännchen · 夜行バス · ليل", "👩\u200d🎤", "क्\u200dष", "two\nlines", "[bold]"])
def test_what_people_write_is_shown_as_it_is(text: str) -> None:
    assert plain(text) == text


def test_its_own_styles_still_steer() -> None:
    written = io.StringIO()
    Terminal(file=written, force_terminal=True, color_system="standard").print(Text("good", style="green"))
    assert written.getvalue() == "\x1b[32mgood\x1b[0m\n"


@pytest.mark.parametrize(
    "words", [r"no \[/]", r"no \[bold]bold", r"\[link=https://evil.example]here[/link]", ":skull:"]
)
def test_the_words_of_a_refusal_are_no_markup(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such as the reason that a site gives: a backslash once turned it into markup, or into a traceback."""

    def refuse() -> None:
        raise HandstampError(words)

    monkeypatch.setattr(cli, "app", refuse)
    with pytest.raises(SystemExit):
        cli.main()
    assert capsys.readouterr().err == f"Not done. {words}\n"
