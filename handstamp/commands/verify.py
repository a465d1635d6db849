"""`handstamp verify FILE`: check any credential, presentation or statement, and say in words what was checked."""

import asyncio
import sys
from pathlib import Path
from typing import Final

import typer
from rich.markup import escape
from rich.table import Table

from credentials.dids.did import is_did, parse_did
from credentials.dids.did_web import build_did_web_address
from credentials.encoding.strict_json import Json, dump
from credentials.errors import HandstampError
from handstamp.commands.verify_options import (
    AsJsonOption,
    AudienceOption,
    CoopsOption,
    DidDocumentOption,
    DomainOption,
    FileArgument,
    NonceOption,
    OfflineOption,
    PublisherOption,
    ResponseUriOption,
)
from handstamp.terminal import Terminal
from handstamp.verifying.checking import Asked
from handstamp.verifying.gathering import Sources, read_coops, read_documents, verify_file
from handstamp.verifying.reading import MAX_FILE_BYTES, Readable, read_file
from handstamp.verifying.report import Outcome, Report
from plumbing.clock import system_clock
from plumbing.dids import build_resolver
from plumbing.fetch import HttpFetcher, Reach
from wallet.errors import UnreadableFile

app = typer.Typer(add_completion=False, rich_markup_mode="rich")

_SIGNS: Final = {
    Outcome.PASSED: "[green]✓[/]",
    Outcome.FAILED: "[bold red]✗[/]",
    Outcome.NOT_COMPARED: "[yellow]?[/]",
    Outcome.NOT_REACHED: "[dim]-[/]",
}
_STDIN: Final = "-"


@app.command()
def verify(  # noqa: PLR0913, PLR0917 - an option each
    file: FileArgument,
    coops: CoopsOption = None,
    publisher: PublisherOption = None,
    did_document: DidDocumentOption = None,
    audience: AudienceOption = None,
    nonce: NonceOption = None,
    response_uri: ResponseUriOption = None,
    domain: DomainOption = None,
    offline: OfflineOption = False,
    as_json: AsJsonOption = False,
) -> None:
    """Check any credential, presentation or statement, and explain each step in words.

    Keys are asked of the issuers themselves, unless --did-document gives them or --offline forbids it.

    Asking an issuer tells it that somebody looks at what it issued.

    Whether you believe an issuer is yours to say: with --coops only the co-ops on a list count.

    The command ends with 0 if no step failed, with 1 if one did.
    """
    if (coops is None) != (publisher is None):
        raise typer.BadParameter("a list needs the fingerprint of who signed it: give --coops and --publisher")
    now = system_clock()
    asked = Asked(audience=audience, nonce=nonce, response_uri=response_uri, nym_domain=domain)
    sources = Sources(
        trusted=None if coops is None else read_coops(coops, publisher=str(publisher), at=now),
        documents=read_documents(did_document or ()),
    )
    report = asyncio.run(_verify(read_file(_read(file)), sources, asked, offline=offline))
    _print_json(report) if as_json else _print(report)
    if not report.good:
        raise typer.Exit(1)


async def _verify(file: Readable, sources: Sources, asked: Asked, *, offline: bool) -> Report:
    now = system_clock()
    if offline:
        return await verify_file(file, sources=sources, asked=asked, at=now)
    async with HttpFetcher(_reach_of(file)) as fetcher:
        online = Sources(
            trusted=sources.trusted,
            documents=sources.documents,
            fetcher=fetcher,
            resolver=build_resolver(fetcher, clock=system_clock),
        )
        return await verify_file(file, sources=online, asked=asked, at=now)


def _reach_of(file: Readable) -> Reach:
    """What is of this machine stays here; anything else never comes here."""
    for issuer in file.issuers:
        try:
            return Reach.of(build_did_web_address(parse_did(issuer, what="issuer")) if is_did(issuer) else issuer)
        except (HandstampError, ValueError):
            continue
    return Reach.PUBLIC


def _read(name: str) -> bytes:
    if name == _STDIN:
        return sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    path = Path(name)
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise UnreadableFile(path, "there is no such file") from error
    except OSError as error:
        raise UnreadableFile(path, "it cannot be read") from error


def _print_json(report: Report) -> None:
    typer.echo(dump(report.to_json()).decode())


def _print(report: Report) -> None:
    out = Terminal(highlight=False)
    out.print(f"This is {report.pipeline.what}.")
    table = Table(box=None, padding=(0, 1), show_header=False)
    for each in report.steps:
        words = f"[bold]{escape(each.step.title)}[/]. [dim]{escape(each.step.why)}[/]"
        note = f"\n{escape(each.note)}" if each.note else ""
        table.add_row(_SIGNS[each.outcome], str(each.step.number), words + note)
    out.print(table)
    for name, value in report.says.items():
        out.print(f"  [bold]{escape(name)}[/]: {escape(_in_words(value))}", soft_wrap=True)
    open_steps = [each for each in report.steps if each.outcome is Outcome.NOT_COMPARED]
    if report.error is not None:
        out.print(f"[bold red]It does not hold.[/] {escape(report.error.detail)}", soft_wrap=True)
    elif open_steps:
        out.print("[yellow]It holds, but for what could not be compared (marked with ?).[/]", soft_wrap=True)
    else:
        out.print("[green]It holds.[/]")


def _in_words(value: Json) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_in_words(each)}" for name, each in value.items()) or "nothing"
    if isinstance(value, list):
        return "; ".join(_in_words(each) for each in value) or "nothing"
    return "not said" if value is None else str(value)
