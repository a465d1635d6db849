"""`handstamp demo`: the listener's story, told over real services in their own processes."""

import contextlib
import shutil
import signal
import sys
import tempfile
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from handstamp.audio_parts import check_audio_parts
from handstamp.demo.stage import DemoFailed, build_stage
from handstamp.demo.story import Story
from handstamp.demo.teller import INDENT

_FOLDER: Final = Path(".demo")
_TERMINATED: Final = 143
_WIDEST: Final = 100
_MARK: Final = ".handstamp-demo"


app = typer.Typer(add_completion=False, rich_markup_mode="rich")


class Hosts(StrEnum):
    """How the demo's services are named."""

    names = "names"
    ports = "ports"


@app.command()
def demo(
    album: Annotated[
        Path | None,
        typer.Option(help="A folder with an album of your own (FLAC, WAV or MP3). It is only read, never changed."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Tell the story without staying up, in a folder that is removed.")
    ] = False,
    hosts: Annotated[
        Hosts, typer.Option(help="`ports` uses plain localhost, where *.localhost cannot be resolved.")
    ] = Hosts.names,
) -> None:
    """Start a co-op, a trackserver, an artist's site and a shop on this machine, and follow one listener through them.

    Everything is written to the folder .demo and made anew each time.
    """
    check_audio_parts()
    console = Console(highlight=False)
    signal.signal(signal.SIGTERM, _stop)  # else whoever ends the demo this way would leave its services running
    if album is not None and not album.is_dir():
        raise DemoFailed("Reading your album", f"{album} is not a folder")
    folder = Path(tempfile.mkdtemp(prefix="handstamp-demo-")) if check else _fresh_folder()
    try:
        stage = build_stage(folder.resolve(), hosts=hosts.value, columns=min(console.width, _WIDEST) - INDENT)
        console.print("Starting four services ...")
        stage.import_keys()
        with stage.services():
            story = Story(stage, console, album=album.resolve() if album else None)
            story.tell()
            if not check:
                story.show_addresses()
                console.print("\nEverything stays up until you press [bold]Ctrl-C[/].")
                _stay()
        if not check:
            console.print("\nStopped. Nothing runs any more; the folder .demo holds what was made.")
    finally:
        if check:
            shutil.rmtree(folder, ignore_errors=True)


def _fresh_folder() -> Path:
    """Remove what an earlier demo left; refuse a folder that is not the demo's own."""
    if _FOLDER.exists():
        if not (_FOLDER / _MARK).is_file():
            raise DemoFailed("Cleaning up", f"{_FOLDER.resolve()} was not made by the demo; move it away first")
        shutil.rmtree(_FOLDER)
    _FOLDER.mkdir(mode=0o700)
    (_FOLDER / _MARK).touch()
    return _FOLDER


def _stay() -> None:
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)


def _stop(*_: object) -> None:
    sys.exit(_TERMINATED)
