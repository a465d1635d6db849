"""`handstamp verifier trust`, `distrust`, `trusted` and `refresh`: whom a site believes, and by what."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.markup import escape

from credentials.dids import DidResolver
from credentials.dids.did import is_did
from credentials.trust import TrustedIssuer
from handstamp.commands.verifier_trust_options import AnchorOption, IssuerArgument, ListUrlOption, NameOption, YesOption
from handstamp.composition.verifier import VerifierTools, compose_verifier
from handstamp.settings import load_settings
from handstamp.terminal import Terminal
from plumbing.clock import system_clock
from plumbing.dids import build_resolver
from plumbing.fetch import Fetcher, HttpFetcher
from verifier.service.distrust_issuer import distrust_issuer
from verifier.service.follow_list import ask_list, follow_list, leave_list
from verifier.service.refresh_trust import refresh_trust
from verifier.service.trust_issuer import LinkedKeys, ask_did, ask_issuer, ask_linked_keys, trust_anchor, trust_keys
from verifier.subscriptions import Subscription

_T = TypeVar("_T")


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `handstamp verifier`."""
    for command in (trust, distrust, trusted, refresh):
        app.command()(command)


def trust(
    issuer: IssuerArgument = None,
    *,
    list_url: ListUrlOption = None,
    name: NameOption = None,
    anchor: AnchorOption = None,
    yes: YesOption = False,
) -> None:
    """Trust a co-op to say who owns what, by its address or its DID; or follow a list of co-ops.

    Its keys are fetched once and shown; compare the fingerprint with one that the co-op gave you in another way, by
    telephone or on paper (`handstamp issuer keys show`). Nothing is trusted before you say yes. Of a `did:web`, and of
    a list, the fingerprints are read anew every hour: who publishes them may change keys, and strike out stolen ones.
    """
    if (issuer is None) == (list_url is None):
        raise typer.BadParameter("name one co-op, or one list with --list")
    tools = compose_verifier(load_settings())
    out = Terminal(highlight=False, soft_wrap=True)
    if list_url is not None:
        _follow(tools, list_url, out, yes=yes)
        return
    found = str(issuer)
    if anchor is not None:
        linked = _ask(tools, lambda _, resolver: ask_linked_keys(found, resolver=resolver))
        _compare_linked_keys(linked, out, yes=yes)
        known = trust_anchor(
            tools.work,
            found,
            anchor.read_bytes(),
            name=name,
            party=tools.party,
            now=system_clock(),
            linked=linked,
        )
    else:
        known = _trust_after_comparing(tools, found, out, name=name, yes=yes)
    out.print(f"{escape(known.name)} is trusted from now on, at every gate of {escape(tools.party.name)}.")


def distrust(
    issuer: Annotated[
        str | None, typer.Argument(help="The co-op's address or DID, as `handstamp verifier trusted` lists it.")
    ] = None,
    *,
    list_url: Annotated[str | None, typer.Option("--list", help="Follow the list at this address no longer.")] = None,
) -> None:
    """Trust a co-op no longer: what it signed opens no gate from now on."""
    if (issuer is None) == (list_url is None):
        raise typer.BadParameter("name one co-op, or one list with --list")
    tools = compose_verifier(load_settings())
    out = Terminal(highlight=False, soft_wrap=True)
    if list_url is not None:
        leave_list(tools.work, list_url, party=tools.party)
        out.print(f"{escape(list_url)} is not followed any more; the co-ops that only it named are not trusted.")
        return
    found = str(issuer)
    left = distrust_issuer(tools.work, found, party=tools.party, now=system_clock())
    out.print(f"{escape(found)} is not trusted any more: what it signed opens no gate of {escape(tools.party.name)}.")
    out.print("Who was let in before may still fetch the files until that visit and its download run out.")
    if left:
        out.print("[yellow]No co-op is left, so these gates open to nobody:[/]")
    for gate in left:
        out.print(f"  {escape(gate.title)}  {tools.party.gate_url(gate.gate_id)}")


def trusted() -> None:
    """List the co-ops that this site trusts, and by what."""
    tools = compose_verifier(load_settings())
    with tools.work.read() as stores:
        policy = stores.load_policy(tools.party.site)
        stated = stores.load_stated(tools.party.site)
        lists = stores.load_subscriptions(tools.party.site)
    out = Terminal(highlight=False, soft_wrap=True)
    for each in stated:
        _show(each, out)
    listed = {each.issuer for each in policy.issuers if each.until is not None}
    for subscription in lists:
        _show_list(subscription, listed, out)
    if not policy.issuers:
        out.print("No co-op yet, so no gate opens to anybody. Trust one: handstamp verifier trust https://coop.example")


def refresh() -> None:
    """Read the lists and the DID documents anew now, instead of within the hour."""
    tools = compose_verifier(load_settings())
    out = Terminal(highlight=False, soft_wrap=True)
    done = _ask(
        tools,
        lambda fetcher, resolver: refresh_trust(
            tools.work, fetcher=fetcher, resolver=resolver, party=tools.party, clock=system_clock
        ),
    )
    for each in done:
        words = "read" if each.error is None else f"[yellow]not read:[/] {escape(each.error.detail)}"
        out.print(f"{escape(each.name)}: {words}")
    if not done:
        out.print("Nothing to read: no list is followed, and no co-op is known by a did:web.")
    if any(each.error is not None for each in done):
        raise typer.Exit(1)


def _trust_after_comparing(
    tools: VerifierTools, found: str, out: Terminal, *, name: str | None, yes: bool
) -> TrustedIssuer:
    statement = _ask(
        tools,
        lambda fetcher, resolver: (
            ask_did(found, resolver=resolver)
            if is_did(found)
            else ask_issuer(found, fetcher=fetcher, resolver=resolver)
        ),
    )
    out.print(f"{escape(found)} says that it signs with:")
    for key in statement.keys.values():
        out.print(f"  [bold]{key.thumbprint}[/]")
    if statement.linked is not None:
        out.print(
            f"and its linked credentials with keys that have together the fingerprint:\n  {_shown(statement.linked)}"
        )
    if not yes:
        typer.confirm("Is that the fingerprint that the co-op gave you?", abort=True)
    return trust_keys(tools.work, statement, name=name, party=tools.party, now=system_clock())


def _shown(linked: LinkedKeys) -> str:
    return f"[bold]{linked.fingerprint}[/]"


def _compare_linked_keys(linked: LinkedKeys | None, out: Terminal, *, yes: bool) -> None:
    if linked is None:
        out.print("No keys of linked credentials were found at its did:web, so only others open gates here.")
        return
    out.print("No authority vouches for the keys of its linked credentials. They have together the fingerprint:")
    out.print(f"  {_shown(linked)}")
    if not yes:
        typer.confirm("Is that the fingerprint that the co-op gave you?", abort=True)


def _follow(tools: VerifierTools, url: str, out: Terminal, *, yes: bool) -> None:
    statement = _ask(tools, lambda fetcher, _: ask_list(url, fetcher=fetcher, now=system_clock()))
    found = statement.coop_list
    out.print(f"{escape(found.name)}, version {found.version}, until {found.expires_at:%Y-%m-%d}, names:")
    for member in found.members:
        out.print(f"  {escape(member.name)} {escape(member.issuer)}")
    out.print(f"It is signed with:\n  [bold]{found.publisher.thumbprint}[/]")
    if not yes:
        typer.confirm("Is that the fingerprint that the list's publisher gave you?", abort=True)
    follow_list(tools.work, statement, party=tools.party, now=system_clock())
    out.print(f"{escape(found.name)} is followed from now on, at every gate of {escape(tools.party.name)}.")


def _show(issuer: TrustedIssuer, out: Terminal) -> None:
    out.print(f"[bold]{escape(issuer.name)}[/] {escape(issuer.issuer)}")
    if not issuer.types:
        out.print("  [yellow]struck out here, whatever a list says[/]")
    if issuer.did is not None:
        out.print(f"  known by {escape(issuer.did)}")
    for fingerprint in sorted(issuer.keys):
        out.print(f"  key {fingerprint}")
    if issuer.did is not None and issuer.bbs_keys:
        named = {url: key for url, key in issuer.public_keys.items() if url.startswith(f"{issuer.did}#")}
        linked = LinkedKeys(did=issuer.did, keys=named, bbs_keys=issuer.bbs_keys)
        out.print(f"  keys of linked credentials, together {linked.fingerprint}")
    if issuer.anchors:
        out.print("  any key that its authority certifies for this host")


def _show_list(subscription: Subscription, trusted_issuers: set[str], out: Terminal) -> None:
    found = subscription.coop_list
    ended = system_clock() >= found.expires_at
    until = f"until {found.expires_at:%Y-%m-%d}" if not ended else "[red]ended, so it counts no longer[/]"
    out.print(f"[bold]{escape(found.name)}[/] {escape(found.url)}, version {found.version}, {until}")
    for member in found.members:
        ignored = "" if member.issuer in trusted_issuers else " (what this site says itself counts instead)"
        out.print(f"  {escape(member.name)} {escape(member.issuer)}{ignored}")


def _ask(tools: VerifierTools, question: Callable[[Fetcher, DidResolver], Awaitable[_T]]) -> _T:
    async def ask() -> _T:
        async with HttpFetcher(tools.reach) as fetcher:
            return await question(fetcher, build_resolver(fetcher, clock=system_clock))

    return asyncio.run(ask())
