"""`handstamp verifier`: run the site's service, say which co-ops it trusts, give it its certificate."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from handstamp.composition.serving import serve as run_service
from handstamp.composition.verifier import GRANT_KEY, REQUEST_KEY, VerifierTools, build_app, compose_verifier
from handstamp.settings import load_settings
from handstamp.terminal import Terminal
from plumbing.clock import system_clock
from plumbing.fetch import HttpFetcher
from plumbing.logs import configure
from verifier.service.distrust_issuer import distrust_issuer
from verifier.service.trust_issuer import KeyStatement, ask_issuer, trust_anchor, trust_keys

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode="rich")
keys_app = typer.Typer(no_args_is_help=True, help="The site's own keys.")
app.add_typer(keys_app, name="keys")


@app.command()
def serve() -> None:
    """Run the site's service until it is stopped (Ctrl-C)."""
    settings = load_settings()
    configure(settings.log_level)
    run_service(build_app(settings), settings.verifier)


@app.command()
def trust(
    issuer_url: Annotated[str, typer.Argument(help="The co-op's address, as https://coop.example.")],
    *,
    name: Annotated[str | None, typer.Option(help="What you call the co-op; its host without it.")] = None,
    anchor: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Trust whatever key this authority (PEM) certifies for the co-op."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Pin without asking; for scripts.")] = False,
) -> None:
    """Trust a co-op to say who owns what.

    Its keys are fetched once and shown; compare the fingerprint with one that the co-op gave you in another way, by
    telephone or on paper (`handstamp issuer keys show`). Nothing is trusted before you say yes.
    """
    tools = compose_verifier(load_settings())
    out = Terminal(highlight=False, soft_wrap=True)
    if anchor is not None:
        trusted = trust_anchor(
            tools.work, issuer_url, anchor.read_bytes(), name=name, party=tools.party, now=system_clock()
        )
    else:
        statement = _ask(tools, issuer_url)
        out.print(f"{escape(statement.issuer)} says that it signs with:")
        for key in statement.keys.values():
            out.print(f"  [bold]{key.thumbprint}[/]")
        if not yes:
            typer.confirm("Is that the fingerprint that the co-op gave you?", abort=True)
        trusted = trust_keys(tools.work, statement, name=name, party=tools.party, now=system_clock())
    out.print(f"{escape(trusted.name)} is trusted from now on, at every gate of {escape(tools.party.name)}.")


@app.command()
def distrust(
    issuer_url: Annotated[str, typer.Argument(help="The co-op's address, as `handstamp verifier trusted` lists it.")],
) -> None:
    """Trust a co-op no longer: what it signed opens no gate from now on."""
    tools = compose_verifier(load_settings())
    left = distrust_issuer(tools.work, issuer_url, party=tools.party)
    out = Terminal(highlight=False, soft_wrap=True)
    out.print(
        f"{escape(issuer_url)} is not trusted any more: what it signed opens no gate of {escape(tools.party.name)}."
    )
    out.print("Who was let in before may still fetch the files until that visit and its download run out.")
    if left:
        out.print("[yellow]No co-op is left, so these gates open to nobody:[/]")
    for gate in left:
        out.print(f"  {escape(gate.title)}  {tools.party.gate_url(gate.gate_id)}")


@app.command()
def trusted() -> None:
    """List the co-ops that this site trusts, and by what."""
    tools = compose_verifier(load_settings())
    with tools.work.read() as stores:
        issuers = stores.load_policy(tools.party.site).issuers
    out = Terminal(highlight=False, soft_wrap=True)
    for each in issuers:
        out.print(f"[bold]{escape(each.name)}[/] {escape(each.issuer)}")
        for fingerprint in sorted(each.keys):
            out.print(f"  key {fingerprint}")
        if each.anchors:
            out.print("  any key that its authority certifies for this host")
    if not issuers:
        out.print("No co-op yet, so no gate opens to anybody. Trust one: handstamp verifier trust https://coop.example")


@keys_app.command("import")
def import_keys(
    key: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Private key (P-256, PEM).")],
    chain: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="Its certificates (PEM), the site's own first.")
    ],
) -> None:
    """Take over the key and certificates that prove which host asks: those of the site's TLS will do."""
    tools = compose_verifier(load_settings())
    installed = tools.keys.install(REQUEST_KEY, key_pem=key.read_bytes(), chain_pem=chain.read_bytes())
    typer.echo(f"Imported the certificate for {', '.join(installed.dns_names)} ({installed.fingerprint}).")


@keys_app.command("show")
def show_keys() -> None:
    """Show the fingerprint of the key that signs grants: whoever runs the trackserver compares it before pinning."""
    tools = compose_verifier(load_settings())
    typer.echo(tools.keys.signer(GRANT_KEY).public_key.thumbprint)


def _ask(tools: VerifierTools, url: str) -> KeyStatement:
    async def ask() -> KeyStatement:
        async with HttpFetcher(tools.reach) as fetcher:
            return await ask_issuer(url, fetcher=fetcher)

    return asyncio.run(ask())
