"""`handstamp tracks`: the trackserver, its releases, and who may let people in to them."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from credentials.encoding import strict_json
from credentials.keys.jwk import PublicKey
from credentials.protocols.urls import parse_service_url
from handstamp.audio_parts import AudioPartsMissing
from handstamp.composition.service import run_service
from handstamp.composition.trackserver import compose_trackserver
from handstamp.settings import load_settings
from handstamp.terminal import Terminal
from plumbing.fetch import FetchFailed, HttpFetcher, Reach
from plumbing.logs import configure
from trackserver.catalogue import Master, Release
from trackserver.errors import ReleaseNotFound
from trackserver.packages import build_whole_package
from trackserver.parts import TrackserverTools
from trackserver.service.allow_verifier import allow_again, allow_verifier, check_allowed, parse_verifier_keys
from trackserver.service.disallow_verifier import disallow_verifier
from trackserver.store.catalogue import SqlCatalogue
from trackserver.store.passes import SqlPins
from trackserver.views import release_json

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode="rich")
ReleaseId = Annotated[str, typer.Argument(help="The release's id; `tracks list` shows it.", metavar="RELEASE")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
_MEGABYTE = 1_000_000
_OK = 200


@app.command()
def serve() -> None:
    """Run the trackserver until it is stopped (Ctrl-C)."""
    settings = load_settings()
    configure(settings.log_level)
    run_service("trackserver", settings)


@app.command()
def add(
    folder: Annotated[Path, typer.Argument(help="The folder of one release: FLAC, WAV or MP3 files and a cover.")],
    *,
    title: Annotated[str | None, typer.Option(help="The release's title; without it, what the tags say.")] = None,
    artist: Annotated[str | None, typer.Option(help="The release's artist; without it, what the tags say.")] = None,
    as_json: AsJson = False,
) -> None:
    """Add a folder as a release, and say what is missing.

    The files are read where they are and never changed or moved. Adding the same folder again brings the release up to
    date and keeps its id.

    [dim]handstamp tracks add "Night Bus Songs"[/]
    """
    try:
        from handstamp.commands import adding  # noqa: PLC0415  # needs the extra `audio`; the other commands do not
    except ModuleNotFoundError as error:
        raise AudioPartsMissing from error
    parts = compose_trackserver(load_settings())
    notes = Terminal(stderr=True, highlight=False)
    added, findings = adding.add_folder(parts, folder, title=title, artist=artist, notes=notes)
    address = _address(parts, added.release)
    if as_json:
        found: list[strict_json.Json] = [
            {"weight": str(finding.weight), "code": finding.code, "where": finding.where, "what": finding.what}
            for finding in findings
        ]
        described = release_json(added.release, parts.base_url, parts.zip_layouts)
        _print_json({**described, "outcome": added.outcome.value, "address": address, "findings": found})
        return
    out = Terminal(highlight=False)
    out.print(f"{adding.OUTCOMES[added.outcome]}:", end=" ")
    _print_release(added.release, parts, out)
    for track in added.gone:
        out.print(f"[yellow]Its files are gone, it stays listed:[/] {escape(track.title)}")
    out.print(f"Next: handstamp tracks allow VERIFIER --release {added.release.id}", soft_wrap=True)


@app.command("list")
def list_releases(*, as_json: AsJson = False) -> None:
    """List the releases."""
    parts = compose_trackserver(load_settings())
    with parts.database.read() as session:
        releases = SqlCatalogue(session).load_releases()
    if as_json:
        _print_json([release_json(release, parts.base_url, parts.zip_layouts) for release in releases])
        return
    if not releases:
        typer.echo("No release yet. Add one: handstamp tracks add FOLDER")
        return
    table = Table(Column("Release", no_wrap=True, min_width=36), "Artist", "Title", "Tracks", "Size", box=None)
    for release in releases:
        size = _megabytes(parts.zip_layouts.of(build_whole_package(release)).size)
        table.add_row(release.id, escape(release.artist), escape(release.title), str(len(release.tracks)), size)
    Terminal(highlight=False, soft_wrap=True).print(table)


@app.command()
def show(release_id: ReleaseId, *, as_json: AsJson = False) -> None:
    """Show a release: its tracks and files, whether they are still as they were added, and who may open it."""
    parts = compose_trackserver(load_settings())
    with parts.database.read() as session:
        release = SqlCatalogue(session).load_release(release_id)
        pins = SqlPins(session).load_pins_of_release(release_id)
    if release is None:
        raise ReleaseNotFound
    if as_json:
        allowed: list[strict_json.Json] = [{"verifier": pin.issuer, "fingerprint": pin.kid} for pin in pins]
        _print_json({**release_json(release, parts.base_url, parts.zip_layouts), "allowed": allowed})
        return
    out = Terminal(highlight=False)
    _print_release(release, parts, out)
    for pin in pins:
        out.print(f"Opened by {escape(pin.issuer)}, key {pin.kid}", soft_wrap=True)
    if not pins:
        out.print(f"Nobody may open it yet: handstamp tracks allow VERIFIER --release {release.id}", soft_wrap=True)


@app.command()
def allow(
    verifier: Annotated[str, typer.Argument(help="The site's address, as https://artist.example.")],
    *,
    release: Annotated[str | None, typer.Option("--release", help="The release that it may open.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Read its keys anew, for every release that it may open already.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Pin without asking; for scripts.")] = False,
) -> None:
    """Let a site's gates open a release.

    The site's keys are fetched once and shown; compare the fingerprint with what the site's owner sees (`handstamp
    verifier keys show`). Nothing is allowed before you say yes. When a site exchanges its key, allow it `--again`.
    """
    if (release is None) is not again:
        raise typer.BadParameter("name one release with --release, or say --again")
    settings = load_settings()
    parts = compose_trackserver(settings)
    issuer = parse_service_url(verifier, what="address of the verifier").rstrip("/")
    _check_possible(parts, issuer, release)
    keys = parse_verifier_keys(asyncio.run(_fetch_keys(issuer, settings.trackserver.reach)))
    out = Terminal(highlight=False, soft_wrap=True)
    out.print(f"{escape(issuer)} says that it signs its grants with:")
    for key in keys:
        out.print(f"  [bold]{key.thumbprint}[/]")
    if not yes:
        typer.confirm("Is that the fingerprint that the site's owner gave you?", abort=True)
    titles = _pin(parts, issuer, release, keys)
    out.print(f"From now on, gates of {escape(issuer)} can open [bold]{escape(', '.join(titles))}[/].")


@app.command()
def disallow(
    verifier: Annotated[str, typer.Argument(help="The site's address, as https://artist.example.")],
    *,
    release: Annotated[
        str | None, typer.Option("--release", help="The release that it may not open any more; all of them without it.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Unpin without asking; for scripts.")] = False,
) -> None:
    """Let a site's gates open a release no longer, or none at all.

    Grants that the site has signed already are refused too.
    """
    parts = compose_trackserver(load_settings())
    issuer = parse_service_url(verifier, what="address of the verifier").rstrip("/")
    if not yes:
        where = "every release" if release is None else f"the release {release}"
        typer.confirm(f"Shall gates of {issuer} no longer open {where}?", abort=True)
    with parts.database.write() as session:
        catalogue = SqlCatalogue(session)
        closed = disallow_verifier(catalogue, SqlPins(session), issuer=issuer, release_id=release)
        titles = [found.title for each in closed if (found := catalogue.load_release(each))]
    out = Terminal(highlight=False, soft_wrap=True)
    out.print(f"From now on, gates of {escape(issuer)} can no longer open:")
    for title in titles:
        out.print(f"  [bold]{escape(title)}[/]")
    out.print("Links already handed out still open for up to ten minutes; open downloads run out within a day.")


def _check_possible(parts: TrackserverTools, issuer: str, release_id: str | None) -> None:
    """Refuse what nobody could say yes to, before the site is asked and a fingerprint compared."""
    with parts.database.read() as session:
        if release_id is None:
            check_allowed(SqlPins(session), issuer)
        elif SqlCatalogue(session).load_release(release_id) is None:
            raise ReleaseNotFound


def _pin(parts: TrackserverTools, issuer: str, release_id: str | None, keys: tuple[PublicKey, ...]) -> list[str]:
    with parts.database.write() as session:
        catalogue, pins, now = SqlCatalogue(session), SqlPins(session), parts.clock()
        if release_id is None:
            opened = allow_again(catalogue, pins, issuer=issuer, keys=keys, now=now)
        else:
            allow_verifier(catalogue, pins, issuer=issuer, release_id=release_id, keys=keys, now=now)
            opened = (release_id,)
        return [found.title for each in opened if (found := catalogue.load_release(each))]


async def _fetch_keys(issuer: str, reach: Reach) -> bytes:
    async with HttpFetcher(reach) as fetcher:
        reply = await fetcher.request("GET", f"{issuer}/.well-known/jwks.json", max_bytes=65536)
    if reply.status != _OK:
        raise FetchFailed(issuer, f"it answered with status {reply.status} and not with its keys")
    return reply.body


def _print_release(release: Release, parts: TrackserverTools, out: Terminal) -> None:
    out.print(f"[bold]{escape(release.title)}[/] by {escape(release.artist)}")
    table = Table("#", "Title", "Length", "Files", "ISRC", box=None, pad_edge=False)
    for track in release.tracks:
        files = "\n".join(_describe(master) for master in track.masters)
        place = f"{track.disc}-{track.number}" if release.several_discs else str(track.number)
        table.add_row(place, escape(track.title), _clock(track.duration_ms), files, track.isrc or "")
    out.print(table)
    size = _megabytes(parts.zip_layouts.of(build_whole_package(release)).size)
    cover = "with cover" if release.cover else "without cover"
    out.print(f"All of it: {size} as one zip, {cover}")
    out.print(f"Release id {release.id}\nAddress    {_address(parts, release)}", soft_wrap=True)


def _describe(master: Master) -> str:
    codec = master.codec
    depth = f"{codec.bits} bit" if codec.bits else f"{round(codec.bitrate_bps / 1000)} kbit/s"
    line = f"{codec.format.upper()}, {codec.sample_rate_hz / 1000:g} kHz, {depth}, {_megabytes(master.file.size)}"
    return line if _is_as_added(master) else f"{line} [red](changed or gone: add the folder again)[/]"


def _is_as_added(master: Master) -> bool:
    try:
        stat = master.file.path.stat()
    except OSError:
        return False
    return (stat.st_size, stat.st_mtime_ns) == (master.file.size, master.file.modified_ns)


def _clock(duration_ms: int) -> str:
    minutes, seconds = divmod(round(duration_ms / 1000), 60)
    return f"{minutes}:{seconds:02}"


def _megabytes(size: int) -> str:
    return f"{size / _MEGABYTE:.1f} MB"


def _address(parts: TrackserverTools, release: Release) -> str:
    return f"{parts.base_url}/releases/{release.id}"


def _print_json(value: strict_json.Json) -> None:
    typer.echo(strict_json.dump(value).decode())
