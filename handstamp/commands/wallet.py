"""`handstamp wallet`: receive records, look at them, open gates with them, bring the files home."""

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from handstamp.commands import wallet_keeping, wallet_pass, wallet_present, wallet_renewing, wallet_signing
from handstamp.commands import wallet_opening as opening
from handstamp.commands import wallet_views as views
from handstamp.commands.wallet_keeping import find_copy, say_received
from handstamp.commands.wallet_opening import (
    AsJson,
    PassphraseFile,
    Yes,
    confirm,
    read_passphrase,
    read_text,
)
from handstamp.commands.wallet_renewing import open_and_renew
from handstamp.composition.wallet import create_wallet
from handstamp.settings import load_settings
from handstamp.terminal import plain
from wallet.errors import CodeNeeded, WrongCode
from wallet.kinds import FOREIGN_WARNING, ForeignKind
from wallet.pictures import is_picture, read_link
from wallet.ports import Tools
from wallet.service.pin_authority import pin_authority, read_authority
from wallet.service.receive import OpenedOffer, offered_in_words, read_offer, receive
from wallet.service.unpin_authority import find_authority, unpin_authority
from wallet.state import EVERY_PURPOSE, Copy, Purpose

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode="rich")
trust = typer.Typer(no_args_is_help=True, help="Whose word about who runs a co-op or a site your wallet takes.")
app.add_typer(trust, name="trust")
app.add_typer(wallet_present.app)
app.add_typer(wallet_pass.app)
app.add_typer(wallet_keeping.app)
app.add_typer(wallet_signing.app)
app.add_typer(wallet_renewing.app)

OFFER_SCHEMES: Final = ("openid-credential-offer://", "haip-vci://", "https://", "http://")
_TRIES: Final = 3


class ForWhom(StrEnum):
    """What an authority is trusted for, as the command says it."""

    SITES = "sites"
    CO_OPS = "co-ops"
    BOTH = "both"


_PURPOSES: Final = {
    ForWhom.SITES: frozenset({Purpose.SITES}),
    ForWhom.CO_OPS: frozenset({Purpose.CO_OPS}),
    ForWhom.BOTH: EVERY_PURPOSE,
}


@app.command()
def create(passphrase_file: PassphraseFile = None) -> None:
    """Make a new, empty wallet: one encrypted file on this computer."""
    settings = load_settings()
    create_wallet(settings, read_passphrase(settings, passphrase_file, new=True))
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
    tools = open_and_renew(passphrase_file)
    link = read_link(Path(offer), schemes=OFFER_SCHEMES) if is_picture(offer) else offer
    opened = asyncio.run(read_offer(link, tools=tools))
    _print_offer(opened)
    given = read_text(code_file) if code_file else code
    if not (yes or given or opened.code):
        confirm("Receive it?")
    received = _receive(opened, given, tools)
    if later := [each for each in tools.keeper.load().supplies if each.issuer == opened.desk.issuer and each.deferred]:
        put_off = sum(len(each.deferred) for each in later)
        views.say(f"{opened.host} hands out {put_off} more later. Then run: handstamp wallet top-up", "yellow")
    for reason in dict.fromkeys(each.not_renewed for each in received if each.not_renewed):
        views.say(f"  not in every form: {plain(reason)}", "yellow")
    views.say(f"{len(received)} received. See them with: handstamp wallet list", "green")


@app.command(name="list")
def list_copies(as_json: AsJson = False, passphrase_file: PassphraseFile = None) -> None:
    """List your records: title, how and when each became yours, how many uses are left."""
    tools = open_and_renew(passphrase_file)
    copies = tools.keeper.load().pruned(tools.clock()).copies
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
    tools = open_and_renew(passphrase_file)
    wallet = tools.keeper.load().pruned(tools.clock())
    if name is None:
        if as_json:
            views.print_json([views.receipt_json(each) for each in wallet.receipts])
        elif wallet.receipts:
            views.print_receipts(wallet.receipts)
        else:
            views.say("You have shown nothing to anybody.")
        return
    copy = find_copy(name, wallet.copies)
    if as_json:
        views.print_json(views.copy_json(copy))
    else:
        views.print_copy(copy, wallet.receipts)


@trust.command(name="add")
def trust_add(
    certificate: Annotated[Path, typer.Argument(help="The authority's certificate, a PEM file.")],
    name: Annotated[str, typer.Option("--name", help="What you call this authority.")],
    for_whom: Annotated[
        ForWhom, typer.Option("--for", help="Whose names you take its word for: sites, co-ops, or both.")
    ] = ForWhom.BOTH,
    yes: Yes = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Trust an authority: from now on you believe whom it names as a co-op or a site."""
    tools = open_and_renew(passphrase_file)
    authority = read_authority(certificate, name=name, tools=tools, purposes=_PURPOSES[for_whom])
    views.print_authorities([authority])
    if not yes and opening.is_terminal():
        confirm("Compare this fingerprint with what the authority says of itself. Trust it?")
    pin_authority(authority, tools=tools)
    views.say(f"Your wallet trusts {name}.")


@trust.command(name="list")
def trust_list(as_json: AsJson = False, passphrase_file: PassphraseFile = None) -> None:
    """List the authorities that you trust."""
    authorities = open_and_renew(passphrase_file).keeper.load().authorities
    if as_json:
        views.print_json([views.authority_json(each) for each in authorities])
    else:
        views.print_authorities(authorities)


@trust.command(name="remove")
def trust_remove(
    which: Annotated[str, typer.Argument(metavar="NAME_OR_FINGERPRINT", help="As `trust list` shows it.")],
    yes: Yes = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Trust an authority no longer: nothing new is received or shown on its word; the records you hold stay."""
    tools = open_and_renew(passphrase_file)
    authority = find_authority(which, tools=tools)
    views.print_authorities([authority])
    views.say("Without it, nothing new is received or shown on its word. The records that you hold stay.")
    if not yes:
        confirm("Remove it?")
    unpin_authority(authority, tools=tools)
    views.say(f"Your wallet no longer trusts {authority.name}.")


def _print_offer(opened: OpenedOffer) -> None:
    views.say(f"{opened.host} offers you {offered_in_words(opened)}.")
    for reason in opened.left_out.values():
        views.say(f"  left out: {reason}", "yellow")
    foreign = [kind.name for kind in opened.kinds.values() if isinstance(kind, ForeignKind)]
    if foreign:
        named = " and ".join(f"“{name}”" for name in foreign)
        views.say(f"{named}: {FOREIGN_WARNING}", "yellow")


def _receive(opened: OpenedOffer, code: str | None, tools: Tools) -> tuple[Copy, ...]:
    """Receive, asking for the code, and again when it was mistyped, if there is somebody to ask."""
    asks = code is None and opened.code is not None and opening.is_terminal()
    for tries_left in reversed(range(_TRIES)):
        tried = _ask_code(opened) if asks else code
        try:
            return asyncio.run(receive(opened, tools=tools, tx_code=tried, progress=say_received))
        except WrongCode as error:
            if not (asks and tries_left):
                raise
            views.say(error.detail, "yellow")
    raise CodeNeeded("it was not given")


def _ask_code(opened: OpenedOffer) -> str:
    description = (opened.code and opened.code.description) or "The code that the co-op shows after the offer"
    return str(typer.prompt(plain(description).rstrip(".:"))).strip()
