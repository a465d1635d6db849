"""`handstamp gate`: make gates, list them, print their poster."""

import asyncio
import contextlib
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from credentials.encoding import strict_json
from handstamp.composition.verifier import VerifierTools, compose_verifier
from handstamp.settings import load_settings
from handstamp.terminal import Terminal
from plumbing.clock import system_clock
from plumbing.fetch import HttpFetcher
from verifier.gates import ORIGINAL, Gate, Terms
from verifier.service.add_gate import NewGate, ReleaseAddress
from verifier.service.add_gate import add_gate as make_gate
from verifier.service.start_visit import load_gate
from verifier.web.button import build_button
from verifier.web.poster import build_poster

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode="rich")
GateArgument = Annotated[str, typer.Argument(help="The gate's link, or its id.", metavar="GATE")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


@app.command()
def add(
    *,
    release: Annotated[
        str | None, typer.Option(help="Opens to owners of this release: its address at the trackserver.")
    ] = None,
    track: Annotated[
        str | None,
        typer.Option(
            help="Opens to owners of this track, or of its release: the release's address, # and the track's number."
        ),
    ] = None,
    title: Annotated[str | None, typer.Option(help="The gate's heading; the release's title without it.")] = None,
    terms: Annotated[
        str | None, typer.Option(help="What both shake hands on: a text, or a file that holds it.")
    ] = None,
    package: Annotated[str, typer.Option("--format", help="What opens, as the trackserver names it.")] = ORIGINAL,
    poster: Annotated[Path | None, typer.Option(help="Where to write the poster (SVG).")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a gate; prints its link, a button for your page, and where the poster is.

    [dim]handstamp gate add --release https://tracks.example/releases/ID[/]

    [dim]handstamp gate add --track "https://tracks.example/releases/ID#3" --terms terms.txt[/]
    """
    new = NewGate(address=_address(release, track), title=title, terms=_terms(terms), package=package)
    tools = compose_verifier(load_settings())
    gate = _add(tools, new)
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
        whom = "the track or its release" if gate.opens.is_track else "the release"
        out.print(f"[bold]{escape(gate.title)}[/] by {escape(gate.opens.artist)}, for who owns {whom}")
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


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _address(release: str | None, track: str | None) -> ReleaseAddress:
    given = release or track
    if given is None or (release and track):
        raise typer.BadParameter("give either --release or --track")
    address = ReleaseAddress.parse(given)
    if (address.track is None) != (track is None):
        raise typer.BadParameter(
            "--track needs the track after a #, and --release has none: https://TRACKSERVER/releases/ID#3"
        )
    return address


def _terms(given: str | None) -> Terms | None:
    if given is None:
        return None
    with contextlib.suppress(OSError):  # a text may be longer than any file's name
        if Path(given).is_file():
            return Terms.parse(Path(given).read_text("utf-8", "replace"))
    return Terms.parse(given)


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
    }
    return described if poster is None else {**described, "poster": str(poster)}


def _as_json(tools: VerifierTools, gate: Gate, *, poster: Path | None = None) -> str:
    return strict_json.dump(_describe(tools, gate, poster=poster)).decode()
