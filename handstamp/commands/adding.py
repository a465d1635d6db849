"""What `handstamp tracks add` does: read a folder with progress, say what is missing, add it.

A module of its own, because reading audio needs the extra `audio` and nothing else of the command does.
"""

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from trackserver.catalogue import Cover
from trackserver.ingest.album import AlbumDraft, draft_album
from trackserver.ingest.covers import find_cover, save_cover
from trackserver.ingest.findings import Finding, Weight
from trackserver.ingest.folder import FolderContents, count_audio_bytes, read_folder
from trackserver.parts import TrackserverTools
from trackserver.service.add_release import Added, Outcome, add_release, check_album
from trackserver.store.catalogue import SqlCatalogue

_STYLES = {Weight.STOPS: "bold red", Weight.LEFT_OUT: "red", Weight.MISSING: "yellow", Weight.NOTE: "dim"}
OUTCOMES = {
    Outcome.ADDED: "Added",
    Outcome.UPDATED: "Brought up to date",
    Outcome.UNCHANGED: "Here already, nothing new",
}
"""What adding did, in words."""


def add_folder(
    parts: TrackserverTools, folder: Path, *, title: str | None, artist: str | None, notes: Console
) -> tuple[Added, tuple[Finding, ...]]:
    """Read `folder` and add its release; progress and findings go to `notes`.

    Raises:
        NoSuchFolder, NothingToAdd, AlbumRefused: nothing was added.
    """
    contents = _read(folder, notes)
    album = draft_album(contents, title=title, artist=artist)
    picture, cover_findings = find_cover(contents)
    findings = (*album.findings, *cover_findings)
    # Of a folder without music nothing is worth saying but what kept its files out.
    show_findings(findings if album.tracks else tuple(f for f in findings if f.weight is Weight.LEFT_OUT), notes)
    check_album(album, folder)
    cover = save_cover(picture, parts.covers) if picture else None
    return _add(parts, album, contents.folder, cover), findings


def _read(folder: Path, notes: Console) -> FolderContents:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as progress:
        task = progress.add_task("Reading", total=count_audio_bytes(folder))

        def report(where: str, more_bytes: int) -> None:
            progress.update(task, description=escape(where), advance=more_bytes)

        return read_folder(folder, report)


def _add(parts: TrackserverTools, album: AlbumDraft, folder: Path, cover: Cover | None) -> Added:
    with parts.database.write() as session:
        return add_release(
            SqlCatalogue(session), album, folder=folder, cover=cover, now=parts.clock(), random=parts.random
        )


def show_findings(findings: tuple[Finding, ...], notes: Console) -> None:
    """Print what was noticed as a table, what matters most first; findings that many files share are one row."""
    if not findings:
        return
    order = list(Weight)
    shared: dict[tuple[Weight, str, str, str], list[str]] = {}
    for finding in sorted(findings, key=lambda finding: order.index(finding.weight)):
        shared.setdefault((finding.weight, finding.code, finding.what, finding.advice), []).append(finding.where)
    table = Table("", "Where", "What", "What to do", title="What was noticed", title_justify="left", expand=False)
    for (weight, _, what, advice), places in shared.items():
        where = escape("\n".join(place for place in places if place)) or "the folder"
        table.add_row(f"[{_STYLES[weight]}]{weight}[/]", where, escape(what), escape(advice))
    notes.print(table)
