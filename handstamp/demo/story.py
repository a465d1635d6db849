"""One listener's evening, from the first purchase to the files, with every step a command that anyone can type."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from credentials.encoding.strict_json import Json
from handstamp.demo.album import KITCHEN_TAKE_SINGLE, compose_album
from handstamp.demo.checks import CheckedFile, check_files
from handstamp.demo.knowledge import Knowledge, search
from handstamp.demo.stage import DemoFailed, Stage

_LISTENER: Final = {"name": "Robin Nightingale", "email": "robin@listeners.example", "birth-date": "1994-05-17"}
_PLAYS_TO_OWN: Final = 9
_MEGABYTE: Final = 1_000_000


class Story:
    """Tells each step, does it with the `handstamp` command, and stops at whatever does not work.

    Args:
        stage: where the services run.
        console: where the story is told.
        album: the user's own album, or None to compose one.
    """

    def __init__(self, stage: Stage, console: Console, *, album: Path | None) -> None:
        self._stage = stage
        self._console = console
        self._album = album
        self._step = 0
        self._release: dict[str, Json] = {}
        self._listener = ""
        self._gate = ""

    def tell(self) -> None:
        """Tell the whole story.

        Raises:
            DemoFailed: a step did not do what it should.
        """
        self._console.print(
            "\n[bold]Handstamp[/]: a co-op, a trackserver and an artist's site now run on this machine."
        )
        self._console.print("Three services, three processes, three databases. They meet only over HTTP.\n")
        for words, step in (
            ("The artist puts a record on the trackserver", self._add_release),
            ("The artist makes a gate: own the record, and the files open", self._make_gate),
            ("Robin joins the co-op, buys all tracks but the last, and plays that one", self._listen),
            ("Robin makes a wallet that trusts this co-op and this artist", self._make_wallet),
            ("The co-op offers what Robin owns, the wallet receives it", self._receive),
            ("Robin opens the artist's gate and gets the files", self._open_gate),
            ("Are they the artist's own files?", self._compare),
            ("Robin is a member of the co-op, and members get an extra", self._open_extra),
            ("What does each party know now?", self._show_knowledge),
        ):
            self._tell(words, step)
        self._console.print(
            "\n[bold green]Done.[/] Robin owns the record and has the files; the artist's site knows no name."
        )

    def show_addresses(self) -> None:
        """Print where each page is, with a fresh way into my collection."""
        link = self._json("issuer", "login-link", self._listener)["link"]
        self._console.print("\n[bold]Look for yourself[/]")
        for words, address in (
            ("Robin's collection at the co-op (log in once)", link),
            ("The gate on the artist's site", self._gate),
        ):
            self._console.print(f"  {words}:\n    [link={address}]{address}[/link]", soft_wrap=True)
        self._console.print("\nRobin's wallet, in another terminal:")
        config = self._stage.environment["HANDSTAMP_CONFIG"]
        self._console.print(f"    HANDSTAMP_CONFIG={config} .venv/bin/handstamp wallet list", soft_wrap=True)

    def _tell(self, words: str, step: Callable[[], None]) -> None:
        self._step += 1
        self._console.print(f"[bold]{self._step}. {words}[/]")
        with self._console.status("working ..."):
            step()

    def say(self, words: str, style: str = "") -> None:
        """Tell one line; titles and file names in it are never taken for markup."""
        self._console.print(Text(f"   {words}", style), soft_wrap=True)

    def _json(self, *arguments: str) -> dict[str, Json]:
        answer = self._stage.run_json(*arguments)
        if not isinstance(answer, dict):
            raise DemoFailed(f"handstamp {' '.join(arguments[:2])}", "it printed something else than one object")
        return answer

    def _add_release(self) -> None:
        folder = self._album or compose_album(self._stage.folder / "album")
        self._album = folder
        self._release = self._json("tracks", "add", str(folder))
        tracks = self._tracks()
        many = "1 track" if len(tracks) == 1 else f"{len(tracks)} tracks"
        self.say(f"“{self._release['title']}” by {self._release['artist']}: {many} read, not one byte changed.")
        self._stage.run("issuer", "release", "add", self._release_url())

    def _make_gate(self) -> None:
        self._stage.run("verifier", "trust", self._stage.addresses["issuer"], "--yes")
        release = str(self._release["id"])
        self._stage.run("tracks", "allow", self._stage.addresses["verifier"], "--release", release, "--yes")
        gate = self._json("gate", "add", "--release", self._release_url())
        self._gate = str(gate["link"])
        self.say(f"The gate's link, for the artist's page, a button or a poster: {self._gate}")

    def _listen(self) -> None:
        options = [part for name, value in _LISTENER.items() for part in (f"--{name}", value)]
        self._listener = str(self._json("issuer", "listener", "add", *options)["id"])
        *bought, last = [str(track["id"]) for track in self._tracks()]
        for track in bought:
            self._stage.run("issuer", "buy", self._listener, track)
        for count in range(1, _PLAYS_TO_OWN + 1):
            self._stage.run("issuer", "play", self._listener, last)
            if count in {1, _PLAYS_TO_OWN - 1}:
                self.say(f"{count} of {_PLAYS_TO_OWN} plays: not Robin's yet.")
        self.say("The ninth paid play completes the last track, and with it the release is Robin's.")

    def _make_wallet(self) -> None:
        passphrase = self._stage.folder / "passphrase"
        passphrase.touch(mode=0o600)
        passphrase.write_text(secrets.token_urlsafe(24), "utf-8")
        self._stage.run("wallet", "create")
        authority = self._stage.folder / "certificates" / "authority.pem"
        self._stage.run("wallet", "trust", "add", str(authority), "--name", "Handstamp demo")
        self.say("One encrypted file; only the passphrase opens it.")

    def _receive(self) -> None:
        self.say("The offer is a QR code or a link. Alone it is worth nothing: the wallet also asks for the code "
                  "that only Robin sees.")  # fmt: skip
        self._take_offer()
        for line in self._stage.run("wallet", "list").splitlines():
            self.say(line)

    def _take_offer(self, *choice: str) -> None:
        offer = self._json("issuer", "offer", self._listener, *choice)
        self._stage.run("wallet", "receive", str(offer["link"]), "--code", str(offer["code"]), "--yes")

    def _open_gate(self) -> None:
        files = self._stage.folder / "received"
        for line in self._stage.run("wallet", "open", self._gate, "--yes", "--to", str(files)).splitlines():
            self.say(line)

    def _compare(self) -> None:
        if self._album is None:
            raise DemoFailed("Comparing the files", "there is no album")
        table = Table("File", "Size", "SHA-256", "Tags", box=None, pad_edge=False, padding=(0, 2, 0, 3))
        checked = check_files(self._stage.folder / "received", self._album)
        for file in checked:
            table.add_row(*_row(file))
        self._console.print(table)
        self.say(f"{len(checked)} of {len(checked)} are identical to what the artist put in.", "green")

    def _open_extra(self) -> None:
        folder = compose_album(self._stage.folder / "extra", KITCHEN_TAKE_SINGLE)
        extra = str(self._json("tracks", "add", str(folder))["id"])
        self._stage.run("tracks", "allow", self._stage.addresses["verifier"], "--release", extra, "--yes")
        address = f"{self._stage.addresses['trackserver']}/releases/{extra}"
        gate = self._json("gate", "add", "--member", self._stage.addresses["issuer"], "--opens", address)
        self._stage.run("issuer", "member", "add", self._listener, "--class", "listener")
        self._take_offer()
        files = self._stage.folder / "received-extra"
        for line in self._stage.run("wallet", "open", str(gate["link"]), "--yes", "--to", str(files)).splitlines():
            self.say(line)
        check_files(files, folder)
        self.say("The artist's site learnt that somebody is a member: no name, no number, no age.", "green")

    def _show_knowledge(self) -> None:
        facts = {
            "Robin's name": _LISTENER["name"],
            "Robin's e-mail": _LISTENER["email"],
            "Robin's date of birth": _LISTENER["birth-date"],
            "Robin's account number": self._listener,
            "the record": str(self._release["id"]),
        }
        found = search(self._stage, facts)
        table = Table("", "co-op", "trackserver", "artist's site", box=None, pad_edge=False, padding=(0, 2, 0, 3))
        for knowledge in found:
            table.add_row(knowledge.fact, *(_known(knowledge, role) for role in ("issuer", "trackserver", "verifier")))
        self._console.print(table)
        self.say("Found by reading every byte that each service wrote: databases and logs.")
        check_knowledge(found[:-1])

    def _tracks(self) -> list[dict[str, Json]]:
        tracks = self._release.get("tracks")
        if not isinstance(tracks, list):
            raise DemoFailed("Reading the release", "it has no tracks")
        return [track for track in tracks if isinstance(track, dict)]

    def _release_url(self) -> str:
        return f"{self._stage.addresses['trackserver']}/releases/{self._release['id']}"


def _row(file: CheckedFile) -> tuple[Text, str, str, Text]:
    return Text(file.name), f"{file.size / _MEGABYTE:.1f} MB", f"{file.sha256[:16]}…", Text(file.tags)


def _known(knowledge: Knowledge, role: str) -> str:
    return "[yellow]yes[/]" if knowledge.held_by[role] else "[green]no[/]"


def check_knowledge(personal: list[Knowledge]) -> None:
    """Refuse to call the demo done if a fact about the person lies anywhere but at the co-op."""
    for knowledge in personal:
        if not knowledge.held_by["issuer"]:
            raise DemoFailed("The search", f"it did not even find {knowledge.fact} at the co-op, so it proves nothing")
        for role in ("trackserver", "verifier"):
            if knowledge.held_by[role]:
                raise DemoFailed("Privacy", f"{knowledge.fact} was found at the {role}")
