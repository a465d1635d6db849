"""`handstamp doctor`: look for what is set up wrongly, and say what to do."""

import asyncio
import os
from collections.abc import Sequence
from enum import Enum
from itertools import groupby
from typing import Annotated, Final

import typer
from rich.padding import Padding
from rich.text import Text

from credentials.encoding import strict_json
from credentials.errors import HandstampError
from handstamp.doctor.examining import Found, Question, Report, default_roles, examine
from handstamp.doctor.kinds import Severity
from handstamp.doctor.machine import Machine
from handstamp.doctor.table import KINDS
from handstamp.doctor.web import Web
from handstamp.settings import Settings, load_settings
from handstamp.terminal import Terminal
from plumbing.clock import system_clock
from plumbing.logs import configure

app = typer.Typer(add_completion=False, rich_markup_mode="rich")

_COLOURS: Final = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
_ORDER: Final = tuple(Severity)


class Part(Enum):
    """What can be looked at."""

    ISSUER = "issuer"
    VERIFIER = "verifier"
    TRACKS = "tracks"
    WALLET = "wallet"


_ROLES: Final = {Part.ISSUER: "issuer", Part.VERIFIER: "verifier", Part.TRACKS: "trackserver", Part.WALLET: "wallet"}


@app.command()
def doctor(
    parts: Annotated[list[Part] | None, typer.Argument(help="What to look at; without it, all that is in use.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask nobody, not even the own public address.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Look for what is set up wrongly, and say what to do. Nothing is changed, whether services run or not.

    The command ends with 0 if nothing is broken, with 1 if something is, with 2 if the settings cannot be used.
    """
    configure("error")
    settings = _load()
    roles = [_ROLES[part] for part in dict.fromkeys(parts or ())]
    question = Question(
        settings=settings,
        roles=roles or (default_roles(settings) if settings else []),
        now=system_clock(),
        machine=Machine(),
        web=None if offline else Web(system_clock),
        environment=os.environ,
    )
    report = asyncio.run(examine(question, KINDS))
    if as_json:
        typer.echo(strict_json.dump(_as_json(report)).decode())
    else:
        _print(report)
    raise typer.Exit(report.exit_code)


def _load() -> Settings | None:
    try:
        return load_settings()
    except HandstampError:
        return None  # kinds of their own say why


def _as_json(report: Report) -> dict[str, strict_json.Json]:
    return {
        "looked_at": list(report.roles),
        "checks": report.checks,
        "left_out": report.left_out,
        "findings": [
            {
                "kind": each.kind.id,
                "role": each.role,
                "severity": each.finding.severity.value,
                "wrong": each.finding.wrong,
                "where": each.finding.where,
                "do": each.finding.do,
            }
            for each in _sorted(report)
        ],
    }


def _sorted(report: Report) -> Sequence[Found]:
    return sorted(
        report.found,
        key=lambda each: (report.roles.index(each.role), _ORDER.index(each.finding.severity), each.kind.id),
    )


def _print(report: Report) -> None:
    out = Terminal(highlight=False)
    for role, found in groupby(_sorted(report), key=lambda each: each.role):
        out.print(Text(f"\n{role}", "bold"))
        for each in found:
            # A person reads indented words; a program that reads the pipe gets one finding a line.
            out.print(
                Padding(_line(each), (0, 0, 0, 2)) if out.is_terminal else _line(each), soft_wrap=not out.is_terminal
            )
    words = f"{report.checks} checks of {', '.join(report.roles)}: {_counts(report)}."
    if report.left_out:
        words += f" {report.left_out} that ask the network were left out."
    out.print(Text(f"\n{words}" if report.found else words), soft_wrap=True)


def _line(each: Found) -> Text:
    finding = each.finding
    return Text.assemble(
        (finding.severity.value, _COLOURS[finding.severity]),
        f" [{each.kind.id}] {finding.wrong} ",
        (f"({finding.where}) ", "dim"),
        finding.do,
    )


def _counts(report: Report) -> str:
    severities = [each.finding.severity for each in report.found]
    counted = [(severities.count(severity), severity.value) for severity in Severity]
    said = [f"{count} {word}{'' if count == 1 else 's'}" for count, word in counted if count]
    return ", ".join(said) or "nothing found"
