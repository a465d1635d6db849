"""The same listener goes out: to another site, twice to a gate that opens once, and to a door without a network."""

import shutil
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from rich.padding import Padding
from rich.table import Table

from handstamp.demo.comparing import find_shared, values_of
from handstamp.demo.knowledge import Knowledge, check_numbers, check_personal, search
from handstamp.demo.numbers import digests_at, numbers_at, open_listeners_wallet
from handstamp.demo.stage import DOOR, PARTIES, SHOP, SHOP_NAME, DemoFailed, Stage
from handstamp.demo.teller import INDENT, Teller
from plumbing.clock import system_clock
from schemas import RELEASE_OWNERSHIP
from wallet.pictures import read_codes
from wallet.state import Wallet

_HEADINGS: Final = {
    "issuer": "co-op",
    "trackserver": "trackserver",
    "verifier": "artist's site",
    SHOP: "shop",
    DOOR: "door",
}
_NUMBER: Final = "a number that repeats"
_VERDICTS: Final = {"COME IN": "green", "USED BEFORE": "yellow"}


class SecondHalf:
    """Tells what happens after the listener has the files.

    Args:
        teller: of the first half.
        gate: the link of the artist's gate.
        release_url: the record's address at the trackserver.
        facts: what must be known to no party but the co-op, and the record last; in words, with its text.
    """

    def __init__(self, teller: Teller, *, gate: str, release_url: str, facts: Mapping[str, str]) -> None:
        self._teller = teller
        self._stage = teller.stage
        self._gate = gate
        self._release_url = release_url
        self._facts = facts
        self._gates: dict[str, str] = {}
        self._known: frozenset[bytes] = frozenset()
        self._began = system_clock()

    def tell(self) -> None:
        """Tell it.

        Raises:
            DemoFailed: a step did not do what it should.
        """
        for words, step in (
            ("What is in Robin's wallet by now?", self._look),
            ("A record shop opens, with a server of its own", self._open_shop),
            ("Robin goes to the artist's gate again, and then to the shop", self._visit),
            ("A gate of the shop opens once for each copy, and Robin tries three times", self._try_again),
            ("The band plays at the shop, and the door has no network", self._go_to_the_door),
            ("What does each party know now?", self._show_knowledge),
        ):
            self._teller.tell(words, step)

    def _look(self) -> None:
        self._teller.show(self._stage.run("wallet", "list"))
        self._teller.say(
            "“Any” means: each visit gets a fresh proof. Nothing is used up, no two proofs have anything in common. "
            "The single ones are for sites that know nothing newer."
        )

    def _open_shop(self) -> None:
        shop, coop = self._stage.at(SHOP), self._stage.addresses["issuer"]
        told = self._stage.run("issuer", "keys", "show", "--linked").strip()
        if told not in shop.run("verifier", "trust", coop, "--yes"):
            raise DemoFailed("Comparing fingerprints", "the co-op's own is another than the shop was shown")
        self._teller.say(
            f"{SHOP_NAME} has a database, keys and a certificate of its own. It takes the co-op's word after comparing "
            "one fingerprint, as by telephone: it is the same."
        )
        release = self._facts["the record"]
        self._stage.run("tracks", "allow", self._stage.addresses[SHOP], "--release", release, "--yes")
        record, track = ("--release", self._release_url), ("--track", f"{self._release_url}#1")
        opens = ("--opens", self._release_url)
        self._add_gate("files", *record)
        self._add_gate("once", *record, *track, *opens, "--once")
        self._add_gate("door", *record, "--once", "--title", f"The band at {SHOP_NAME}")
        self._stage.take_to_the_door()
        self._known = values_of(self._stage, SHOP) | digests_at(self._stage, SHOP)
        self._teller.say("It makes three gates: one for every owner, one that opens once for each copy, and a door.")

    def _add_gate(self, name: str, *options: str) -> None:
        self._gates[name] = str(self._teller.json("gate", "add", *options, at=SHOP)["link"])

    def _visit(self) -> None:
        for gate in (self._gate, self._gates["files"]):
            self._open(gate)
        self._teller.say("Each learnt that somebody owns the record: the co-op says so.")
        artist, shop = self._compare()
        self._teller.say(
            f"Now artist and shop lay their books side by side, {artist} values and {shop}, and compare all with "
            "all. They find nothing in both that is Robin's.",
            "green",
        )

    def _open(self, gate: str, stage: Stage | None = None) -> None:
        """Open a gate; what is asked was seen before, so that only what came of it is told."""
        printed = (stage or self._stage).run("wallet", "open", gate, "--yes")
        host = str(urlsplit(gate).hostname)
        self._teller.show("\n".join(line for line in printed.splitlines() if line.startswith(host)))

    def _compare(self) -> tuple[int, int]:
        """Compare what artist and shop keep; return how many values each has.

        Raises:
            DemoFailed: something that could be one listener's own stands in both.
        """
        artist, shop = (values_of(self._stage, party) for party in ("verifier", SHOP))
        shared = find_shared(artist, shop, known=self._known, began=self._began)
        if shared:
            raise DemoFailed("Privacy", f"artist and shop have in common what may be Robin's own: {len(shared)} values")
        return len(artist), len(shop)

    def _try_again(self) -> None:
        phone = self._only_with_tracks()
        self._teller.say("Robin's phone holds only the tracks. One of them is enough:")
        self._open(self._gates["once"], phone)
        self._teller.say("Once more, with the same stamp:")
        self._refuse(phone)
        self._teller.say("And with the whole record, a stamp that this gate never saw:")
        self._refuse(self._stage)
        self._teller.say(
            "A gate that counts gets a number, the same for the record and for each of its tracks. It is of use at "
            "that gate alone: no other gate can make it, and the co-op neither."
        )

    def _refuse(self, stage: Stage) -> None:
        said = stage.run_refused("wallet", "open", self._gates["once"], "--yes")
        self._teller.say(said, "yellow")

    def _only_with_tracks(self) -> Stage:
        """Make a second wallet that holds what the first does, but for the record itself."""
        first, second = self._stage.data_of("wallet") / "wallet.handstamp", self._stage.folder / "phone.handstamp"
        shutil.copy2(first, second)
        phone = self._stage.with_wallet(second)
        copies = phone.run_json("wallet", "list")
        for number, copy in enumerate(copies if isinstance(copies, list) else (), 1):
            if isinstance(copy, dict) and copy["type"] == RELEASE_OWNERSHIP.vct:
                phone.run("wallet", "remove", str(number), "--yes")
        return phone

    def _go_to_the_door(self) -> None:
        picture = self._stage.folder / "pass.png"
        printed = self._stage.run("wallet", "pass", self._gates["door"], "--png", picture.name, "--yes")
        self._teller.show("\n".join(line for line in printed.splitlines() if "│" in line or "─" in line))
        (text,) = read_codes(picture)
        self._teller.say("Robin shows the QR code. A scanner reads it from the picture, and then once more:")
        style = ""
        for line in self._stage.at(DOOR).run("door", self._gates["door"], answer=f"{text}\n{text}\n").splitlines():
            style = next((style for title, style in _VERDICTS.items() if title in line), style)
            if style:
                self._teller.show(line, style)
        if style != _VERDICTS["USED BEFORE"]:
            raise DemoFailed("The door", "it let somebody in twice with one pass")

    def _show_knowledge(self) -> None:
        self._compare()
        wallet = open_listeners_wallet(self._stage)
        check_shown(wallet)
        numbers = {**numbers_at(self._stage, "verifier", wallet), **numbers_at(self._stage, SHOP, wallet)}
        facts = {fact: (text.encode(),) for fact, text in self._facts.items()}
        found = search(self._stage, {**facts, _NUMBER: frozenset().union(*numbers.values())})
        self._teller.console.print(Padding(build_table(found), (0, 0, 0, INDENT), expand=False))
        self._teller.say("Found by reading every byte that each of them wrote: databases and logs.")
        self._teller.say(
            "The number is another at the shop's gate and at its door: neither has the other's, and artist and shop "
            "still have nothing of Robin's in common."
        )
        *personal, _, number = found
        check_personal(personal)
        check_numbers(number)
        for party, gate in ((SHOP, "door"), (DOOR, "once")):
            elsewhere = search(self._stage, {"the number for another gate": numbers[self._gates[gate]]})[0]
            if elsewhere.held_by[party]:
                raise DemoFailed("Privacy", f"{elsewhere.fact} was found at the {party}")


def check_shown(wallet: Wallet) -> None:
    """Refuse to call the demo done if it was not as told: proofs everywhere, and the whole record where it failed."""
    shown = {each.copy_id: receipt for receipt in wallet.receipts for each in receipt.shown if not receipt.accepted}
    records = {copy.id for copy in wallet.copies if copy.vct == RELEASE_OWNERSHIP.vct}
    if any(each.proof is None for receipt in wallet.receipts for each in receipt.shown):
        raise DemoFailed("Showing", "the wallet used up a single-use stamp where a proof would have done")
    if not shown.keys() & records:
        raise DemoFailed("Coming with the whole record", "the wallet showed something else")


def build_table(found: list[Knowledge]) -> Table:
    """Return who holds which fact, as a table that fits into 80 columns."""
    table = Table("", *_HEADINGS.values(), box=None, pad_edge=False, padding=(0, 1, 0, 2))
    for knowledge in found:
        cells = ("[yellow]yes[/]" if knowledge.held_by[party] else "[green]no[/]" for party in PARTIES)
        table.add_row(knowledge.fact, *cells)
    return table
