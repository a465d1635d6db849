"""`handstamp verifier keys`: the site's keys and certificates, and how they are exchanged while it serves."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Final

import typer

from credentials.protocols.openid4vp import Prefix
from handstamp.commands.issuer_shared import AsJson
from handstamp.commands.key_list import (
    AtOnce,
    ChainFile,
    KeyFile,
    PasswordFile,
    Stolen,
    moment,
    print_keys,
    read_chain_for,
    tidy_and_say,
)
from handstamp.composition.verifier import FORM_KEYS, GRANT_KEY, REQUEST_KEY, VerifierTools, compose_verifier
from handstamp.settings import load_settings
from plumbing.clock import system_clock
from plumbing.key_turning import LEAD, Exchange, KeyTurner

app = typer.Typer(no_args_is_help=True)
_NAMES: Final = {REQUEST_KEY: "requests", GRANT_KEY: "grants", FORM_KEYS: "forms"}
_REQUESTS_KEPT: Final = timedelta(hours=1)
_GRANTS_KEPT: Final = timedelta(minutes=15)
"""A grant lives for ten minutes."""
_FORMS_KEPT: Final = timedelta(days=1)


class What(StrEnum):
    """What can be exchanged without certificates."""

    GRANTS = "grants"
    SECRETS = "secrets"


@app.command("import")
def import_keys(
    key: KeyFile,
    chain: ChainFile,
    password_file: PasswordFile = None,
    *,
    at_once: AtOnce = False,
    stolen: Stolen = False,
) -> None:
    """Take over the key and certificates that prove which host asks: those of the site's TLS will do.

    A running service takes them up by itself: at once, or after two hours where wallets know the site by its DID. With
    `x509_hash` it takes them up when it starts next.
    """
    password = password_file.read_bytes().strip() if password_file else None
    tools, now = _tools(), system_clock()
    waits = tools.party.prefix is Prefix.DECENTRALIZED_IDENTIFIER and not (at_once or stolen)
    starts = now + LEAD if waits else now
    turner = KeyTurner(tools.keys)
    installed = turner.install(
        REQUEST_KEY,
        Exchange(starts=starts, kept=_REQUESTS_KEPT, stolen=stolen),
        key_pem=key.read_bytes(),
        chain_pem=read_chain_for(tools.party.base_url, chain),
        password=password,
    )
    used = f" It is used from {moment(int(starts.timestamp()))}." if waits else ""
    words = f"Imported the certificate for {', '.join(installed.dns_names)} ({installed.fingerprint}).{used}"
    tidy_and_say(turner, words, at=now)


@app.command("show")
def show_keys() -> None:
    """Show the fingerprint of the key that signs grants: whoever runs the trackserver compares it before pinning.

    While a new key waits to be used, its fingerprint stands in a second line.
    """
    tools = _tools()
    typer.echo(tools.keys.signer(GRANT_KEY).public_key.thumbprint)
    for each in tools.coming_grant_keys(system_clock()):
        typer.echo(each.thumbprint)


@app.command("list")
def list_keys(*, as_json: AsJson = False) -> None:
    """List every key: which is in use, with its fingerprint, which comes, and which are still told to others."""
    print_keys(_tools().keys, _NAMES, at=system_clock(), as_json=as_json)


@app.command()
def rotate(
    what: Annotated[What, typer.Argument(help="grants: what trackservers pin; or secrets, of forms.")],
    *,
    stolen: Stolen = False,
) -> None:
    """Exchange keys that need no certificate, while the service runs.

    A new key for grants is told first. Trackservers must allow it before you use it:
    `handstamp tracks allow SITE --again` there, then `handstamp verifier keys use` here.
    """
    tools, now = _tools(), system_clock()
    turner = KeyTurner(tools.keys)
    if what is What.SECRETS:
        turner.make_secret(FORM_KEYS, Exchange(starts=now, kept=_FORMS_KEPT, stolen=stolen))
        tidy_and_say(turner, "Exchanged: pages made from now on use the new secret.", at=now)
    elif stolen:
        turner.make_signer(GRANT_KEY, Exchange(starts=now, stolen=True))
        words = (
            "Exchanged: the old key is gone. No download opens before each trackserver has run: "
            f"handstamp tracks allow {tools.party.base_url} --again"
        )
        tidy_and_say(turner, words, at=now)
    elif turner.is_turning(GRANT_KEY, now):
        tidy_and_say(turner, "Nothing to do: a new key waits already. Use it: handstamp verifier keys use", at=now)
    else:
        made = turner.make_signer(GRANT_KEY, Exchange(starts=None))
        fingerprint = tools.keys.signer(
            made.file
        ).public_key.thumbprint  # what `tracks allow` shows, and people compare
        words = (
            f"A new key for grants is told to others, with the fingerprint {fingerprint}\n"
            f"Each trackserver runs: handstamp tracks allow {tools.party.base_url} --again\n"
            "After that, run here: handstamp verifier keys use"
        )
        tidy_and_say(turner, words, at=now)


@app.command()
def use() -> None:
    """Sign grants with the new key from now on; every trackserver must have allowed it before."""
    tools, now = _tools(), system_clock()
    turner = KeyTurner(tools.keys)
    turner.start(GRANT_KEY, at=now, kept=_GRANTS_KEPT)
    minutes = int(_GRANTS_KEPT.total_seconds() // 60)
    tidy_and_say(turner, f"In use. The old key is told to others for {minutes} more minutes.", at=now)


def _tools() -> VerifierTools:
    return compose_verifier(load_settings())
