"""`handstamp issuer import`: the co-op's own data, as CSV or as its APIs answer."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from handstamp.commands.issuer_shared import AsJson, composed, console, print_json
from issuer.connectors.rows import read_source
from issuer.service.import_ledger import import_source
from issuer.service.import_report import ImportRefused, Line, Report
from issuer.store import Store

_SHOWN = 20


def add_to(app: typer.Typer) -> None:
    """Add the command to `handstamp issuer`."""
    app.command("import")(import_data)


def import_data(
    source: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", exists=True, help="CSV or JSON, or a folder of it.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be taken.")] = False,
    *,
    as_json: AsJson = False,
) -> None:
    """Take plays, purchases and members from the co-op's own data: all or nothing, and twice is as good as once."""
    rows = read_source(source)
    with composed() as (parts, now):
        try:
            with parts.database.rehearse() if dry_run else parts.database.write() as session:
                report = import_source(Store(session), rows, now=now)
        except ImportRefused as refusal:
            _show(refusal.report, dry_run=dry_run, as_json=as_json, refused=True)
            raise
    _show(report, dry_run=dry_run, as_json=as_json)


def _show(report: Report, *, dry_run: bool, as_json: bool, refused: bool = False) -> None:
    if as_json:
        print_json(
            {
                "taken": {} if refused else dict(sorted(report.taken.items())),
                "skipped": [{"where": str(line.place), "why": line.why} for line in report.skipped],
                "problems": [{"where": str(line.place), "why": line.why} for line in report.problems],
                "not_read": [*report.unread],
            }
        )
        return
    out = console()
    if not refused:
        taken = ", ".join(f"{count} {what}" for what, count in sorted(report.taken.items())) or "nothing new"
        out.print(f"{'Would take' if dry_run else 'Taken'}: {taken}.", soft_wrap=True)
        _show_lines("Skipped", report.skipped)
    _show_lines("[bold red]Cannot be read[/]", report.problems)
    for name in report.unread:
        out.print(f"Not read: {escape(name)} (no import knows it)", soft_wrap=True)


def _show_lines(title: str, lines: list[Line]) -> None:
    """Reasons with how often, then the first places of each."""
    out = console()
    for why, count in Counter(line.why for line in lines).most_common():
        places = [str(line.place) for line in lines if line.why == why][:_SHOWN]
        more = f" and {count - len(places)} more" if count > len(places) else ""
        out.print(f"{title} {count}, {escape(why)}: {escape(', '.join(places))}{more}", soft_wrap=True)
