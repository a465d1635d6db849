"""`handstamp wallet`: receive records, look at them, open gates with them, bring the files home."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from credentials.errors import HolderError
from handstamp.commands import wallet_views as views
from handstamp.composition.wallet import compose_wallet, create_wallet
from handstamp.settings import Settings, load_settings
from handstamp.terminal import plain
from wallet import words
from wallet.errors import CodeNeeded, ConsentDeclined, NoSuchThing, UnreadableFile, WrongCode
from wallet.pictures import is_picture, read_link
from wallet.ports import Tools
from wallet.service.answer_request import answer as answer_request
from wallet.service.answer_request import read_request
from wallet.service.download import Listing, fetch_files, find_delivery, list_files, open_download
from wallet.service.open_gate import begin_visit, pass_gate
from wallet.service.pin_authority import pin_authority, read_authority
from wallet.service.receive import OpenedOffer, offered_in_words, read_offer, receive
from wallet.service.unpin_authority import find_authority, unpin_authority
from wallet.state import Copy, Delivery
from wallet.transfer import RemoteFile

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode="rich")
trust = typer.Typer(no_args_is_help=True, help="Whose word about who runs a co-op or a site your wallet takes.")
app.add_typer(trust, name="trust")

OFFER_SCHEMES: Final = ("openid-credential-offer://", "haip-vci://", "https://", "http://")
REQUEST_SCHEMES: Final = ("openid4vp://", "haip-vp://", "haip://")
_TRIES: Final = 3

PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", help="File (mode 0600) with the passphrase; else you are asked.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Say yes to what would be asked.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
To = Annotated[Path | None, typer.Option("--to", help="Folder for the files; else one named after the record, here.")]
AsZip = Annotated[bool, typer.Option("--zip", help="One zip instead of the single files.")]


class PassphraseNeeded(HolderError):
    """No passphrase was given, and there is nobody to ask."""

    code = "passphrase_needed"

    def __init__(self) -> None:
        super().__init__("The wallet needs its passphrase. Run this in a terminal, or give --passphrase-file FILE.")


@app.command()
def create(passphrase_file: PassphraseFile = None) -> None:
    """Make a new, empty wallet: one encrypted file on this computer."""
    settings = load_settings()
    create_wallet(settings, _passphrase(settings, passphrase_file, new=True))
    views.say(f"Your wallet is {settings.wallet_file()}. Only its passphrase opens it, and nobody can reset that.")
    views.say("If you lose it, no music is lost: your co-op knows what you own and hands it out again.")


@app.command(name="receive")
def receive_offer(
    offer: Annotated[str, typer.Argument(help="The offer's link, or a picture (PNG, JPEG) of its QR code.")],
    code: Annotated[
        str | None,
        typer.Option(
            "--code",
            help="The code that the co-op shows after the offer. Without it you are asked: better where others use "
            "this computer, for they can see what a command was given.",
        ),
    ] = None,
    code_file: Annotated[Path | None, typer.Option("--code-file", help="A file that holds that code.")] = None,
    yes: Yes = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Receive what your co-op offers. The same offer may be read again: it goes on where it stopped."""
    tools = _open(passphrase_file)
    link = read_link(Path(offer), schemes=OFFER_SCHEMES) if is_picture(offer) else offer
    opened = asyncio.run(read_offer(link, tools=tools))
    views.say(f"{opened.host} offers you {offered_in_words(opened)}.")
    given = _read_text(code_file) if code_file else code
    if not (yes or given or opened.code):
        _confirm("Receive it?")
    received = _receive(opened, given, tools)
    views.say(f"{len(received)} received. See them with: handstamp wallet list", "green")


@app.command(name="list")
def list_copies(as_json: AsJson = False, passphrase_file: PassphraseFile = None) -> None:
    """List your records: title, how and when each became yours, how many uses are left."""
    copies = _open(passphrase_file).keeper.load().copies
    if as_json:
        views.print_json([views.copy_json(copy) for copy in copies])
    else:
        views.print_copies(copies)


@app.command()
def show(
    name: Annotated[str | None, typer.Argument(help="A title, a part of one, or the number in the list.")] = None,
    as_json: AsJson = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Show one record and where you showed it; without a name, everything you ever showed (for twelve months)."""
    tools = _open(passphrase_file)
    wallet = tools.keeper.load().pruned(tools.clock())
    if name is None:
        if as_json:
            views.print_json([views.receipt_json(each) for each in wallet.receipts])
        elif wallet.receipts:
            views.print_receipts(wallet.receipts)
        else:
            views.say("You have shown nothing to anybody.")
        return
    copy = _find_copy(name, wallet.copies)
    if as_json:
        views.print_json(views.copy_json(copy))
    else:
        views.print_copy(copy, wallet.receipts)


@app.command(name="open")
def open_gate(
    gate: Annotated[str, typer.Argument(help="The link of the gate, from the artist's, label's or shop's page.")],
    fetch: Annotated[bool, typer.Option("--download", help="Fetch the files at once.")] = False,
    to: To = None,
    as_zip: AsZip = False,
    yes: Yes = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Open a gate: see who asks and what they learn, say yes, and have what it opens."""
    tools = _open(passphrase_file)
    visit = asyncio.run(begin_visit(gate, tools=tools))
    views.print_consent(visit.consent)
    if not yes and not _agrees():
        raise ConsentDeclined
    delivery = asyncio.run(pass_gate(visit, tools=tools))
    views.say(f"{delivery.site} has opened {delivery.title}.", "green")
    if fetch or to or as_zip:
        asyncio.run(_download(delivery, to, as_zip, tools))
    else:
        views.say("Fetch the files with: handstamp wallet download")


@app.command()
def answer(
    request: Annotated[str, typer.Argument(help="The link, or a picture (PNG, JPEG) of the QR code on the page.")],
    yes: Yes = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Answer the page on another screen: its QR code, photographed or as a screenshot, or its link."""
    tools = _open(passphrase_file)
    link = read_link(Path(request), schemes=REQUEST_SCHEMES) if is_picture(request) else request
    asked = asyncio.run(read_request(link, tools=tools))
    views.print_consent(asked.consent)
    if not yes and not _agrees():
        raise ConsentDeclined
    answered = asyncio.run(answer_request(asked, tools=tools))
    if answered.redirect_uri:
        views.say("They took it. Go on in the browser in which you began:", "green")
        views.say(f"  {answered.redirect_uri}")
    else:
        views.say("They took it. The page that showed the code goes on by itself.", "green")


@app.command()
def download(
    name: Annotated[str | None, typer.Argument(help="The gate's host or the title; else what opened last.")] = None,
    to: To = None,
    as_zip: AsZip = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Fetch the files that a gate opened. Run it again after a break: it goes on where it stopped."""
    tools = _open(passphrase_file)
    asyncio.run(_download(find_delivery(name, tools=tools), to, as_zip, tools))


@trust.command(name="add")
def trust_add(
    certificate: Annotated[Path, typer.Argument(help="The authority's certificate, a PEM file.")],
    name: Annotated[str, typer.Option("--name", help="What you call this authority.")],
    yes: Yes = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Trust an authority: from now on you believe whom it names as a co-op or a site."""
    tools = _open(passphrase_file)
    authority = read_authority(certificate, name=name, tools=tools)
    views.print_authorities([authority])
    if not yes and _is_terminal():
        _confirm("Compare this fingerprint with what the authority says of itself. Trust it?")
    pin_authority(authority, tools=tools)
    views.say(f"Your wallet trusts {name}.")


@trust.command(name="list")
def trust_list(as_json: AsJson = False, passphrase_file: PassphraseFile = None) -> None:
    """List the authorities that you trust."""
    authorities = _open(passphrase_file).keeper.load().authorities
    if as_json:
        views.print_json([{"name": each.name, "fingerprint": each.fingerprint} for each in authorities])
    else:
        views.print_authorities(authorities)


@trust.command(name="remove")
def trust_remove(
    which: Annotated[str, typer.Argument(metavar="NAME_OR_FINGERPRINT", help="As `trust list` shows it.")],
    yes: Yes = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Trust an authority no longer: nothing new is received or shown on its word; the records you hold stay."""
    tools = _open(passphrase_file)
    authority = find_authority(which, tools=tools)
    views.print_authorities([authority])
    views.say("Without it, nothing new is received or shown on its word. The records that you hold stay.")
    if not yes:
        _confirm("Remove it?")
    unpin_authority(authority, tools=tools)
    views.say(f"Your wallet no longer trusts {authority.name}.")


def _open(passphrase_file: Path | None) -> Tools:
    settings = load_settings()
    return compose_wallet(settings, _passphrase(settings, passphrase_file, new=False))


def _passphrase(settings: Settings, given: Path | None, *, new: bool) -> str:
    file = given or settings.wallet.passphrase_file
    if file is not None:
        return _read_text(file, private=True)
    if not _is_terminal():
        raise PassphraseNeeded
    words_ = "A passphrase for the new wallet" if new else "Passphrase of your wallet"
    return str(typer.prompt(words_, hide_input=True, confirmation_prompt=new))


def _is_terminal() -> bool:
    """Tell whether there is somebody to ask."""
    return sys.stdin.isatty()


def _read_text(path: Path, *, private: bool = False) -> str:
    try:
        if private and os.name == "posix" and path.stat().st_mode & 0o077:
            raise UnreadableFile(path, f"others on this computer may read it; run: chmod 600 '{path}'")
        return path.read_text("utf-8").strip("\r\n")
    except FileNotFoundError as error:
        raise UnreadableFile(path, "there is no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(path, "it is not a text file that can be read") from error


def _confirm(question: str) -> None:
    if not typer.confirm(question):
        raise ConsentDeclined


def _agrees() -> bool:
    return typer.confirm("Show it?")


def _receive(opened: OpenedOffer, code: str | None, tools: Tools) -> tuple[Copy, ...]:
    """Receive, asking for the code, and again when it was mistyped, if there is somebody to ask."""
    asks = code is None and opened.code is not None and _is_terminal()
    for tries_left in reversed(range(_TRIES)):
        tried = _ask_code(opened) if asks else code
        try:
            return asyncio.run(receive(opened, tools=tools, tx_code=tried, progress=_say_received))
        except WrongCode as error:
            if not (asks and tries_left):
                raise
            views.say(error.detail, "yellow")
    raise CodeNeeded("it was not given")


def _ask_code(opened: OpenedOffer) -> str:
    description = (opened.code and opened.code.description) or "The code that the co-op shows after the offer"
    return str(typer.prompt(plain(description).rstrip(".:"))).strip()


def _say_received(copy: Copy) -> None:
    views.say(f"  received {words.described(copy)}: {words.how_acquired(copy)}, {words.uses_left(copy)}")


def _find_copy(name: str, copies: tuple[Copy, ...]) -> Copy:
    if name.isdecimal() and 0 < int(name) <= len(copies):
        return copies[int(name) - 1]
    found = [copy for copy in copies if name.casefold() in words.short_title(copy)[0].casefold()]
    exact = [copy for copy in found if name.casefold() == words.short_title(copy)[0].casefold()]
    match exact or found:
        case [copy]:
            return copy
        case []:
            raise NoSuchThing(f"You have no record called “{name}” here")
        case several:
            raise NoSuchThing(f"{len(several)} of your records match “{name}”; take the number in the list")


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
