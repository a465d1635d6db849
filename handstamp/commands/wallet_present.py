"""`handstamp wallet open`, `answer`, `download`, `history`: show a record, have what it opens, see who saw it."""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from handstamp.commands import wallet_views as views
from handstamp.commands.wallet_opening import AsJson, PassphraseFile, Yes, agrees, open_wallet
from wallet import words
from wallet.consent import Consent
from wallet.errors import ConsentDeclined, NoSuchThing
from wallet.pictures import is_picture, read_link
from wallet.ports import Tools
from wallet.service.answer_request import Answered, read_request
from wallet.service.answer_request import answer as answer_request
from wallet.service.download import Listing, fetch_files, find_delivery, list_files, open_download
from wallet.service.open_gate import begin_visit, pass_gate
from wallet.service.show_code import awaits_code, fetch_code
from wallet.state import Delivery
from wallet.transfer import RemoteFile

app = typer.Typer(add_completion=False)

REQUEST_SCHEMES: Final = ("openid4vp://", "haip-vp://", "haip://")

To = Annotated[Path | None, typer.Option("--to", help="Folder for the files; else one named after the record, here.")]
AsZip = Annotated[bool, typer.Option("--zip", help="One zip instead of the single files.")]
Uncertified = Annotated[
    bool,
    typer.Option(
        "--uncertified",
        help="Answer also a site that no authority vouches for. Say it only if you know its web address.",
    ),
]


@app.command(name="open")
def open_gate(
    gate: Annotated[str, typer.Argument(help="The link of the gate, from the artist's, label's or shop's page.")],
    fetch: Annotated[bool, typer.Option("--download", help="Fetch the files at once.")] = False,
    to: To = None,
    as_zip: AsZip = False,
    uncertified: Uncertified = False,
    yes: Yes = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Open a gate: see who asks and what they learn, say yes, and have what it opens."""
    tools = open_wallet(passphrase_file)
    visit = asyncio.run(begin_visit(gate, tools=tools, uncertified=uncertified))
    _ask(visit.consent, yes=yes)
    delivery = asyncio.run(pass_gate(visit, tools=tools))
    views.say(f"{delivery.site} let you in with {delivery.title}.", "green")
    if fetch or to or as_zip:
        asyncio.run(_download(delivery, to, as_zip, tools))
    else:
        views.say("Fetch the files with: handstamp wallet download")


@app.command()
def answer(
    request: Annotated[str, typer.Argument(help="The link, or a picture (PNG, JPEG) of the QR code on the page.")],
    uncertified: Uncertified = False,
    yes: Yes = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Answer the page on another screen: its QR code, photographed or as a screenshot, or its link."""
    tools = open_wallet(passphrase_file)
    link = read_link(Path(request), schemes=REQUEST_SCHEMES) if is_picture(request) else request
    asked = asyncio.run(read_request(link, tools=tools, uncertified=uncertified))
    _ask(asked.consent, yes=yes)
    _go_on(asyncio.run(answer_request(asked, tools=tools)), tools)


@app.command()
def download(
    name: Annotated[str | None, typer.Argument(help="The gate's host or the title; else what opened last.")] = None,
    to: To = None,
    as_zip: AsZip = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Fetch the files that a gate opened. Run it again after a break: it goes on where it stopped."""
    tools = open_wallet(passphrase_file)
    asyncio.run(_download(find_delivery(name, tools=tools), to, as_zip, tools))


@app.command()
def history(
    site: Annotated[str | None, typer.Argument(help="Only what was shown at this host.")] = None,
    as_json: AsJson = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """List whom you showed what, under which terms, for twelve months; with --json also what proves the terms."""
    tools = open_wallet(passphrase_file)
    receipts = tools.keeper.load().pruned(tools.clock()).receipts
    found = [each for each in receipts if site is None or each.site == site.casefold()]
    if as_json:
        views.print_json([views.receipt_json(each) for each in found])
    elif found:
        views.print_receipts(found)
    else:
        views.say(f"You have shown nothing to {site or 'anybody'}.")


def _ask(consent: Consent, *, yes: bool) -> None:
    views.print_consent(consent)
    if not yes and not agrees():
        raise ConsentDeclined


def _go_on(answered: Answered, tools: Tools) -> None:
    if awaits_code(answered):
        code = asyncio.run(fetch_code(answered, tools=tools))
        views.say("They took it. Now type this code into the page that showed you the QR code:", "green")
        views.say(f"  {code[:3]} {code[3:]}", "bold")
        views.say("Type it only into a page that you opened yourself: whoever gets the code gets what it opens.")
    elif answered.redirect_uri:
        views.say("They took it. Go on in the browser in which you began:", "green")
        views.say(f"  {answered.redirect_uri}")
    else:
        views.say("They took it. The page that showed the code goes on by itself.", "green")


async def _download(delivery: Delivery, to: Path | None, as_zip: bool, tools: Tools) -> None:
    opened = await open_download(delivery, tools=tools)
    listing = await list_files(opened, tools=tools)
    files = _wanted(listing, as_zip=as_zip)
    if not as_zip:
        views.print_listing(listing)
    folder = to or Path(listing.title)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=views.console()) as bars:
        tasks: dict[str, TaskID] = {}

        def arrived(file: RemoteFile, count: int) -> None:
            if file.name not in tasks:
                tasks[file.name] = bars.add_task(file.name, total=file.bytes)
            bars.update(tasks[file.name], completed=count)

        paths = await fetch_files(opened, files, folder, tools=tools, progress=arrived)
    views.say(f"{words.count(len(paths), 'file is', 'files are')} in {folder}, whole and unchanged.", "green")


def _wanted(listing: Listing, *, as_zip: bool) -> tuple[RemoteFile, ...]:
    if not as_zip:
        return listing.files
    if listing.zip is None:
        raise NoSuchThing("This download has no zip; fetch the single files instead")
    return (listing.zip,)
