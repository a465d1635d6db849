"""One listener's evening, from the first purchase to the files, with every step a command that anyone can type."""

import secrets
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from credentials.encoding.strict_json import Json
from handstamp.demo.album import KITCHEN_TAKE_SINGLE, compose_album
from handstamp.demo.checks import CheckedFile, check_files
from handstamp.demo.second_half import SecondHalf
from handstamp.demo.stage import SHOP, DemoFailed, Stage
from handstamp.demo.teller import Teller

LISTENER: Final = {"name": "Robin Nightingale", "email": "robin@listeners.example", "birth-date": "1994-05-17"}
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
        self._teller = Teller(stage, console)
        self._album = album
        self._release: dict[str, Json] = {}
        self._listener = ""
        self._gate = ""

    def tell(self) -> None:
        """Tell the whole story.

        Raises:
            DemoFailed: a step did not do what it should.
        """
        out = self._teller.console
        out.print("\n[bold]Handstamp[/]: a co-op, a trackserver, an artist's site and a shop now run here.")
        out.print("Four services, four processes, four databases. They meet only over HTTP.\n")
        for words, step in (
            ("The artist puts a record on the trackserver", self._add_release),
            ("The artist makes a gate: own the record, and the files open", self._make_gate),
            ("Robin joins the co-op, buys all tracks but the last, and plays that one", self._listen),
            ("Robin makes a wallet that trusts this co-op and these sites", self._make_wallet),
            ("The co-op offers what Robin owns, the wallet receives it", self._receive),
            ("Robin opens the artist's gate and gets the files", self._open_gate),
            ("Are they the artist's own files?", self._compare),
            ("Robin is a member of the co-op, and members get an extra", self._open_extra),
        ):
            self._teller.tell(words, step)
        out.print("\n[bold]The second half[/]: Robin goes out, and nobody can follow.\n")
        SecondHalf(
            self._teller,
            gate=self._gate,
            release_url=self._release_url(),
            facts={
                "Robin's name": LISTENER["name"],
                "Robin's e-mail": LISTENER["email"],
                "Robin's date of birth": LISTENER["birth-date"],
                "Robin's account number": self._listener,
                "the record": str(self._release["id"]),
            },
        ).tell()
        out.print("\n[bold green]Done.[/] Robin owns the record, has the files and saw the band.")
        out.print("The co-op knows who Robin is, and not where Robin went.")
        out.print("The artist, the shop and the door know that an owner came, and not who.")

    def show_addresses(self) -> None:
        """Print where each page is, with a fresh way into my collection."""
        link = self._teller.json("issuer", "login-link", self._listener)["link"]
        out = self._teller.console
        out.print("\n[bold]Look for yourself[/]")
        for words, address in (
            ("Robin's collection at the co-op (log in once)", link),
            ("The gate on the artist's site", self._gate),
        ):
            out.print(f"  {words}:\n    [link={address}]{address}[/link]", soft_wrap=True)
        for words, party, command in (
            ("Robin's wallet", "", "wallet list"),
            ("The shop's gates", SHOP, "gate list"),
        ):
            config = self._stage.at(party).environment["HANDSTAMP_CONFIG"]
            out.print(f"  {words}, in another terminal:")
            out.print(f"    HANDSTAMP_CONFIG={config} .venv/bin/handstamp {command}", soft_wrap=True)

    def _add_release(self) -> None:
        folder = self._album or compose_album(self._stage.folder / "album")
        self._album = folder
        self._release = self._teller.json("tracks", "add", str(folder))
        tracks = self._tracks()
        many = "1 track" if len(tracks) == 1 else f"{len(tracks)} tracks"
        self._teller.say(f"“{self._release['title']}” by {self._release['artist']}: {many} read, not one byte changed.")
        self._stage.run("issuer", "release", "add", self._release_url())

    def _make_gate(self) -> None:
        self._stage.run("verifier", "trust", self._stage.addresses["issuer"], "--yes")
        release = str(self._release["id"])
        self._stage.run("tracks", "allow", self._stage.addresses["verifier"], "--release", release, "--yes")
        gate = self._teller.json("gate", "add", "--release", self._release_url())
        self._gate = str(gate["link"])
        self._teller.say("The gate's link, for the artist's page, a button or a poster:")
        self._teller.show(f"  {self._gate}")

    def _listen(self) -> None:
        options = [part for name, value in LISTENER.items() for part in (f"--{name}", value)]
        self._listener = str(self._teller.json("issuer", "listener", "add", *options)["id"])
        *bought, last = [str(track["id"]) for track in self._tracks()]
        for track in bought:
            self._stage.run("issuer", "buy", self._listener, track)
        for count in range(1, _PLAYS_TO_OWN + 1):
            self._stage.run("issuer", "play", self._listener, last)
            if count in {1, _PLAYS_TO_OWN - 1}:
                self._teller.say(f"{count} of {_PLAYS_TO_OWN} plays: not Robin's yet.")
        self._teller.say("The ninth paid play completes the last track, and with it the release is Robin's.")

    def _make_wallet(self) -> None:
        passphrase = self._stage.folder / "passphrase"
        passphrase.touch(mode=0o600)
        passphrase.write_text(secrets.token_urlsafe(24), "utf-8")
        self._stage.run("wallet", "create")
        authority = self._stage.folder / "certificates" / "authority.pem"
        self._stage.run("wallet", "trust", "add", str(authority), "--name", "Handstamp demo")
        self._teller.say("One encrypted file; only the passphrase opens it.")

    def _receive(self) -> None:
        self._teller.say("The offer is a QR code or a link. Alone it is worth nothing:")
        self._teller.say("the wallet also asks for the code that only Robin sees.")
        self._take_offer()
        self._teller.show(self._stage.run("wallet", "list"))

    def _take_offer(self, *choice: str) -> None:
        offer = self._teller.json("issuer", "offer", self._listener, *choice)
        self._stage.run("wallet", "receive", str(offer["link"]), "--code", str(offer["code"]), "--yes")

    def _open_gate(self) -> None:
        self._teller.show(self._stage.run("wallet", "open", self._gate, "--yes", "--to", "received"))

    def _compare(self) -> None:
        if self._album is None:
            raise DemoFailed("Comparing the files", "there is no album")
        checked = check_files(self._stage.folder / "received", self._album)
        table = Table("File", "Size", "SHA-256", box=None, pad_edge=False, padding=(0, 2, 0, 3))
        for file in checked:
            table.add_row(*_row(file))
        self._teller.console.print(table)
        self._teller.say("Their tags:")
        for file in checked:
            self._teller.say(f"  {file.tags}")
        self._teller.say(f"{len(checked)} of {len(checked)} are identical to what the artist put in.", "green")

    def _open_extra(self) -> None:
        folder = compose_album(self._stage.folder / "extra", KITCHEN_TAKE_SINGLE)
        extra = str(self._teller.json("tracks", "add", str(folder))["id"])
        self._stage.run("tracks", "allow", self._stage.addresses["verifier"], "--release", extra, "--yes")
        address = f"{self._stage.addresses['trackserver']}/releases/{extra}"
        gate = self._teller.json("gate", "add", "--member", self._stage.addresses["issuer"], "--opens", address)
        self._stage.run("issuer", "member", "add", self._listener, "--class", "listener")
        self._take_offer()
        self._teller.show(self._stage.run("wallet", "open", str(gate["link"]), "--yes", "--to", "received-extra"))
        check_files(self._stage.folder / "received-extra", folder)
        self._teller.say("The site learnt that somebody is a member: no name, no number, no age.", "green")

    def _tracks(self) -> list[dict[str, Json]]:
        tracks = self._release.get("tracks")
        if not isinstance(tracks, list):
            raise DemoFailed("Reading the release", "it has no tracks")
        return [track for track in tracks if isinstance(track, dict)]

    def _release_url(self) -> str:
        return f"{self._stage.addresses['trackserver']}/releases/{self._release['id']}"


def _row(file: CheckedFile) -> tuple[Text, str, str]:
    return Text(file.name), f"{file.size / _MEGABYTE:.1f} MB", f"{file.sha256[:16]}…"
