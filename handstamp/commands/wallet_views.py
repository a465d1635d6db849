"""How the wallet's things look in a terminal: in the words of a listener; JSON only when asked for."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import typer
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from credentials.encoding import strict_json
from credentials.encoding.strict_json import Json
from credentials.protocols.urls import host_of
from handstamp.terminal import Terminal
from wallet import words
from wallet.consent import Consent, ShownCopy
from wallet.receipts import Receipt, Shown
from wallet.service.download import Listing
from wallet.state import Authority, Copy

_LONG_TERMS: Final = 20
_EMPTY_LINES: Final = re.compile(r"\n(?:[^\S\n]*\n){2,}")


def console() -> Terminal:
    """Return the terminal; foreign texts never become markup."""
    return Terminal(highlight=False, markup=False, emoji=False)


def say(text: str, style: str = "") -> None:
    """Print one line."""
    console().print(Text(text, style=style), soft_wrap=True)


def print_json(value: "Json | Sequence[Json] | Mapping[str, Json]") -> None:
    """Print a value as JSON, for programs."""
    typer.echo(strict_json.dump(value).decode())


def print_copies(copies: Sequence[Copy]) -> None:
    """Print all copies as a table, or how to get the first."""
    if not copies:
        say("Your wallet is empty. At your co-op, open “my collection”, choose what to take along, and run:")
        say("  handstamp wallet receive 'OFFER LINK'", "bold")
        return
    table = Table("", "Title", "Artist", "What", "How it became yours", "Uses left", box=None, pad_edge=False)
    for number, copy in enumerate(copies, 1):
        kind = words.kind_of(copy.vct, copy.claims)
        cells = (str(number), *words.short_title(copy), kind, words.how_acquired(copy))
        table.add_row(*(Text(cell) for cell in cells), _uses(copy))
    console().print(table)
    for warning in filter(None, map(words.warning_of, copies)):
        say(warning, "yellow")


def print_copy(copy: Copy, receipts: Sequence[Receipt]) -> None:
    """Print one copy, and where it was shown."""
    labels = words.labels_for(copy)
    foreign = copy.foreign is not None
    hidden = frozenset() if foreign else words.CATALOGUE_NUMBERS | {"copy", "membership"}
    rows = [
        (labels[name], words.value_in_words(name, value, foreign=foreign))
        for name, value in copy.claims.items()
        if name not in hidden
    ]
    table = Table.grid(padding=(0, 2))
    for label, value in rows:
        table.add_row(Text(label, style="dim"), Text(value))
    table.add_row(Text("From", style="dim"), Text(host_of(copy.issuer)))
    table.add_row(
        Text("Uses", style="dim"), Text(f"{words.uses_left(copy)}, shown {words.count(copy.uses, 'time', 'times')}")
    )
    if proofs := words.proofs_of(copy):
        table.add_row(Text("Proofs", style="dim"), Text(proofs))
    if copy.not_renewed:
        table.add_row(Text("Missing", style="dim"), Text(words.plain(copy.not_renewed), style="yellow"))
    console().print(Panel(table, title=Text(words.title_of(copy)), title_align="left", expand=False))
    mine = [each for each in receipts if any(shown.copy_id == copy.id for shown in each.shown)]
    print_receipts(mine)
    if warning := words.warning_of(copy):
        say(warning, "yellow")


def print_receipts(receipts: Sequence[Receipt]) -> None:
    """Print when and where something was shown, and under which terms."""
    for receipt in sorted(receipts, key=lambda each: each.at, reverse=True):
        say(_heading(receipt), "bold")
        for shown in receipt.shown:
            told = "".join(f"; {label}: {value}" for label, value in _told(shown))
            say(f"  they learned {shown.statement or f'that you own {shown.title}'}{told}")
        if receipt.terms:
            say(f"  you agreed: {receipt.terms}")


def _heading(receipt: Receipt) -> str:
    if receipt.door:
        drawn = f"Passes drawn {_when(receipt.at)} for “{receipt.door}” of {receipt.site}"
        return f"{drawn}; only the door knows if one was used"
    result = "" if receipt.accepted else " (they did not take it)"
    return f"Shown {_when(receipt.at)} at {receipt.site}{result}"


def _told(shown: Shown) -> list[tuple[str, str]]:
    told = [
        (name if shown.foreign else words.label_of(name), words.value_in_words(name, value, foreign=shown.foreign))
        for name, value in shown.claims.items()
    ]
    return [*told, *((words.number_in_words(shown.nym_domain),) if shown.nym_domain else ())]


def print_consent(consent: Consent) -> None:
    """Print all that a listener says yes or no to."""
    lines = Text()
    lines.append(f"{consent.site} asks", "bold")
    if consent.certified:
        lines.append(" (an authority that you trust vouches for this name)\n", "dim")
    else:
        lines.append(" (no authority vouches for this name)\n", "yellow")
    for copy in consent.copies:
        _append_shown(lines, copy)
    for heading, said in (("They do not learn", consent.not_learned), ("Afterwards", consent.remembered)):
        lines.append("".join(f"{each}\n" for each in (heading, *(f"  {each}" for each in said))))
    parts: list[RenderableType] = [lines]
    if consent.terms:
        # In a frame of their own: terms could be written so that they look like what this wallet says itself.
        parts += [Text("\nYou agree to", "bold"), Panel(Text(_squeeze(consent.terms)), expand=False)]
    rest = Text()
    if consent.terms and consent.terms.count("\n") > _LONG_TERMS:
        rest.append(f"\nThese were long terms. {consent.site} asks; what they learn stands above them.\n", "yellow")
    if consent.opens:
        rest.append(f"\nWhat opens: {consent.opens}\n", "bold")
    for warning in consent.warnings:
        rest.append(f"\n{warning}\n", "yellow")
    console().print(Panel(Group(*parts, rest), expand=False))


def _squeeze(terms: str) -> str:
    """Leave one of several empty lines: many would push what stands above out of sight."""
    return _EMPTY_LINES.sub("\n\n", terms)


def _append_shown(lines: Text, copy: ShownCopy) -> None:
    lines.append(f"\nThey learn {copy.statement},\n")
    lines.append(f"that {copy.co_op} says so, and the month in which it did.\n")
    for label, value in copy.learned:
        lines.append(f"  {label}: {value}\n")
    if copy.hidden:
        lines.append(f"  not told: {', '.join(copy.hidden)}\n", "dim")


def print_listing(listing: Listing) -> None:
    """Print what will be fetched."""
    table = Table("File", "Size", box=None, pad_edge=False)
    for file in listing.files:
        table.add_row(Text(file.name), Text(words.size(file.bytes), justify="right"))
    console().print(table)
    say(f"{words.count(len(listing.files), 'file', 'files')}, {words.size(listing.total_bytes)}")


def print_authorities(authorities: Sequence[Authority]) -> None:
    """Print whose word this wallet takes."""
    if not authorities:
        say("This wallet trusts nobody yet. Pin an authority with: handstamp wallet trust add CA.pem --name NAME")
    for each in authorities:
        say(f"{each.name}, pinned {_when(each.added_at)}", "bold")
        say(f"  for {' and '.join(sorted(purpose.value for purpose in each.purposes))}", "dim")
        say(f"  fingerprint {each.fingerprint}", "dim")


def authority_json(authority: Authority) -> dict[str, Json]:
    """Return an authority for programs."""
    return {
        "name": authority.name,
        "fingerprint": authority.fingerprint,
        "for": [purpose.value for purpose in sorted(authority.purposes, key=lambda each: each.value)],
    }


def copy_json(copy: Copy) -> dict[str, Json]:
    """Return a copy for programs, without its secrets."""
    return {
        "type": copy.vct,
        "foreign": copy.foreign.name if copy.foreign else None,
        "issuer": copy.issuer,
        "claims": {**copy.claims},
        "received_at": copy.received_at.isoformat(),
        "uses_left": len(copy.instances),
        "uses": copy.uses,
        "proofs": [
            {"kind": each.kind.value, "month": each.month, "expires_at": each.expires_at.isoformat()}
            for each in copy.linked
        ],
        "not_renewed": copy.not_renewed,
    }


def receipt_json(receipt: Receipt) -> dict[str, Json]:
    """Return a receipt for programs."""
    return {
        "at": receipt.at.isoformat(),
        "site": receipt.site,
        "terms": receipt.terms,
        "salt": receipt.salt,
        "nonce": receipt.nonce,
        "accepted": receipt.accepted,
        # The signed key bindings: with salt and terms they prove what was agreed to.
        "bindings": list(receipt.bindings),
        "client_id": receipt.client_id,
        "response_uri": receipt.response_uri,
        "door": receipt.door,
        "shown": [
            {
                "copy": each.copy_id,
                "title": each.title,
                "claims": {**each.claims},
                "proof": each.proof.value if each.proof else None,
                "counted_for": each.nym_domain,
            }
            for each in receipt.shown
        ],
    }


def _uses(copy: Copy) -> Text:
    left = len(copy.instances)
    if copy.linked:
        return Text(f"any, and {left} single" if left else "any")
    return Text(str(left) if left else "none", style="yellow" if left <= words.FEW_USES else "")


def _when(moment: datetime) -> str:
    return moment.astimezone().strftime("%d %B %Y, %H:%M")
