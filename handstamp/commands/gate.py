"""`handstamp gate`: make gates, list them, print their poster."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from credentials.encoding import strict_json
from handstamp.commands.gate_options import (
    ADD_HELP,
    ArtistOption,
    ContributionOption,
    FormatOption,
    MemberOption,
    NeedAllOption,
    OnceOption,
    OpensOption,
    OtherWalletsOption,
    Over16Option,
    PerMonthOption,
    PosterOption,
    ReleaseOption,
    ShareClassOption,
    TermsOption,
    TitleOption,
    TrackOption,
)
from handstamp.commands.gate_wishes import Wishes, describe_requirement
from handstamp.composition.verifier import VerifierTools, compose_verifier
from handstamp.settings import load_settings
from handstamp.terminal import Terminal
from plumbing.clock import system_clock
from plumbing.fetch import HttpFetcher
from verifier.doors import can_be_door
from verifier.gates import ORIGINAL, Gate
from verifier.limits import Monthly
from verifier.proof_rows import proof_to_json
from verifier.proofs import AllOf, proofs_of
from verifier.service.add_gate import NewGate
from verifier.service.add_gate import add_gate as make_gate
from verifier.service.close_gate import close_gate
from verifier.service.start_visit import load_gate
from verifier.web.button import build_button
from verifier.web.poster import build_poster

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode="rich")
_COUNTS = "It counts: a wallet shows a number that is of use at this gate alone."
_COUNTS_OTHERS = f"{_COUNTS} Wallets without one show the number of a copy or membership, and warn their owners."
GateArgument = Annotated[str, typer.Argument(help="The gate's link, or its id.", metavar="GATE")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


@app.command(help=ADD_HELP)
def add(  # noqa: PLR0913 - each is an option
    *,
    release: ReleaseOption = None,
    track: TrackOption = None,
    member: MemberOption = None,
    over_16: Over16Option = False,
    share_class: ShareClassOption = None,
    artist: ArtistOption = None,
    contribution: ContributionOption = None,
    need_all: NeedAllOption = False,
    opens: OpensOption = None,
    once: OnceOption = False,
    per_month: PerMonthOption = None,
    other_wallets: OtherWalletsOption = False,
    title: TitleOption = None,
    terms: TermsOption = None,
    package: FormatOption = ORIGINAL,
    poster: PosterOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a gate; prints its link, a button for your page, and where the poster is."""
    wishes = Wishes(
        releases=tuple(release or ()),
        tracks=tuple(track or ()),
        members=tuple(member or ()),
        over16=over_16,
        share_class=share_class,
        artists=tuple(artist or ()),
        contributions=tuple(contribution or ()),
        need_all=need_all,
        opens=opens,
        once=once,
        per_month=per_month,
        other_wallets=other_wallets,
        title=title,
        terms=terms,
        package=package,
    )
    _make(wishes, poster=poster, as_json=as_json)


def _make(wishes: Wishes, *, poster: Path | None, as_json: bool) -> None:
    tools = compose_verifier(load_settings())
    with tools.work.read() as stores:
        policy = stores.load_policy(tools.party.site)
    gate = _add(tools, wishes.read(policy))
    written = _write_poster(tools, gate, poster)
    if as_json:
        typer.echo(_as_json(tools, gate, poster=written))
        return
    out = Terminal(highlight=False, soft_wrap=True)
    out.print(
        f"[bold]{escape(gate.title)}[/] by {escape(gate.opens.artist)} has a gate. Its link stays the same for good:"
    )
    out.print(f"  {tools.party.gate_url(gate.gate_id)}\n")
    out.print("A button for your page (in WordPress: add a block “Custom HTML” and paste):")
    out.print(escape(f"  {build_button(gate, url=tools.party.gate_url(gate.gate_id))}\n"))
    out.print(f"A poster to print: {escape(str(written))}")
    if gate.counting is not None:
        out.print(_COUNTS_OTHERS if gate.counting.takes_other_wallets else _COUNTS)


@app.command("list")
def list_gates(*, as_json: JsonOption = False) -> None:
    """List the site's gates."""
    tools = compose_verifier(load_settings())
    with tools.work.read() as stores:
        gates = stores.load_gates(tools.party.site)
    if as_json:
        typer.echo(strict_json.dump([_describe(tools, gate) for gate in gates]).decode())
        return
    if not gates:
        typer.echo("No gate yet. Make one: handstamp gate add --release https://TRACKSERVER/releases/ID")
        return
    out = Terminal(highlight=False, soft_wrap=True)
    for gate in gates:
        closed = ", closed" if gate.closed_at is not None else ""
        whom = escape(describe_requirement(gate))
        out.print(f"[bold]{escape(gate.title)}[/] by {escape(gate.opens.artist)}, for who {whom}{closed}")
        out.print(f"  {tools.party.gate_url(gate.gate_id)}")


@app.command()
def show(gate: GateArgument, *, as_json: JsonOption = False) -> None:
    """Show a gate: what it opens, its terms, its button, and how often it was passed."""
    tools = compose_verifier(load_settings())
    found = _find(tools, gate)
    if as_json:
        typer.echo(_as_json(tools, found))
        return
    out = Terminal(highlight=False, soft_wrap=True)
    out.print(f"[bold]{escape(found.title)}[/] by {escape(found.opens.artist)}")
    out.print(f"  {tools.party.gate_url(found.gate_id)}")
    out.print(
        f"  opens {_count(len(found.opens.tracks), 'track', 'tracks')}, {found.opens.size_bytes:,} bytes, "
        f"at {found.opens.trackserver}"
    )
    with tools.work.read() as stores:
        passages = stores.load_passages(found.gate_id)
        receipts = len(stores.load_receipts(found.gate_id))
    out.print(escape(f"  for who {describe_requirement(found)}"))
    if can_be_door(found):
        out.print(f"  its door, with a hand scanner: handstamp door {found.gate_id}")
    if receipts:
        out.print(f"  {_count(receipts, 'receipt', 'receipts')} of the handshake, each erased after a year")
    if found.closed_at is not None:
        out.print(f"  closed on {found.closed_at:%Y-%m-%d}")
    for month, count in passages:
        out.print(f"  {month}: passed {_count(count, 'time', 'times')}")
    out.print(escape(f"\n{found.terms.text}\n\n{build_button(found, url=tools.party.gate_url(found.gate_id))}"))


@app.command()
def poster(
    gate: GateArgument,
    *,
    to: Annotated[Path | None, typer.Option(help="Where to write it; beside the verifier's data without it.")] = None,
    sentence: Annotated[str | None, typer.Option(help="The one sentence on it.")] = None,
) -> None:
    """Write a gate's poster (SVG, A4) to print and hang up."""
    tools = compose_verifier(load_settings())
    typer.echo(_write_poster(tools, _find(tools, gate), to, sentence=sentence))


@app.command()
def close(
    gate: GateArgument, *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts.")] = False
) -> None:
    """Close a gate for good: nobody enters any more, and it forgets every copy that it counted."""
    tools = compose_verifier(load_settings())
    found = _find(tools, gate)
    if not yes:
        typer.confirm(f"Close the gate of “{found.title}” for good?", abort=True)
    if close_gate(tools.work, found, now=system_clock()):
        typer.echo("Closed. Its link now says so; doors that are open stay open for a quarter of an hour.")
    else:
        typer.echo("It was closed already.")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _add(tools: VerifierTools, new: NewGate) -> Gate:
    async def add() -> Gate:
        async with HttpFetcher(tools.reach) as fetcher:
            return await make_gate(tools.work, new, party=tools.party, fetcher=fetcher, now=system_clock())

    return asyncio.run(add())


def _find(tools: VerifierTools, link_or_id: str) -> Gate:
    with tools.work.read() as stores:
        return load_gate(stores, link_or_id.rstrip("/").rpartition("/")[2])


def _write_poster(tools: VerifierTools, gate: Gate, path: Path | None, *, sentence: str | None = None) -> Path:
    target = path or tools.folder / "posters" / f"{gate.gate_id}.svg"
    target.parent.mkdir(parents=True, exist_ok=True)
    url = tools.party.gate_url(gate.gate_id)
    target.write_text(build_poster(gate, url=url, site_name=tools.party.name, sentence=sentence), "utf-8")
    return target


def _describe(tools: VerifierTools, gate: Gate, *, poster: Path | None = None) -> dict[str, strict_json.Json]:
    url = tools.party.gate_url(gate.gate_id)
    described: dict[str, strict_json.Json] = {
        "id": gate.gate_id,
        "link": url,
        "title": gate.title,
        "artist": gate.opens.artist,
        "release": gate.opens.release_id,
        "tracks": list(gate.opens.track_ids),
        "trackserver": gate.opens.trackserver,
        "format": gate.opens.package,
        "bytes": gate.opens.size_bytes,
        "terms": gate.terms.text,
        "button": build_button(gate, url=url),
        "proofs": [proof_to_json(proof) for proof in proofs_of(gate.requirement)],
        "all": isinstance(gate.requirement, AllOf),
        "limit": _limit(gate),
        "closed": gate.closed_at is not None,
    }
    return described if poster is None else {**described, "poster": str(poster)}


def _limit(gate: Gate) -> strict_json.Json:
    if gate.counting is None:
        return None
    limit = gate.counting.limit
    per = "month" if isinstance(limit, Monthly) else "ever"
    return {"times": limit.times, "per": per, "other_wallets": gate.counting.takes_other_wallets}


def _as_json(tools: VerifierTools, gate: Gate, *, poster: Path | None = None) -> str:
    return strict_json.dump(_describe(tools, gate, poster=poster)).decode()
