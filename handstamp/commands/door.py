"""`handstamp door`: stand at the door of a gate with a hand scanner, and no network."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import typer
from rich.markup import escape
from rich.panel import Panel

from credentials.encoding import strict_json
from credentials.errors import HandstampError, Malformed
from handstamp.commands.door_options import (
    AsJsonOption,
    DeviceOption,
    GateArgument,
    KeyOption,
    MeetFromOption,
    MonthsOption,
    PosterOption,
    RememberToOption,
)
from handstamp.composition.verifier import DOOR_KEYS, VerifierTools, compose_verifier
from handstamp.composition.verifier_service import find_request_signer
from handstamp.settings import load_settings
from handstamp.terminal import Terminal
from plumbing.clock import system_clock
from verifier.doors import Admitted, DoorKeys, Verdict, build_door
from verifier.gates import Gate
from verifier.service.admit_pass import admit_pass
from verifier.service.hang_poster import hang_poster
from verifier.service.meet_doors import MAX_MEMORY_BYTES, Memory, meet, remember
from verifier.service.start_visit import load_gate
from verifier.web.poster import build_door_poster

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode="rich")
_ONE_MEMORY: Final = (
    "Several devices without a network each refuse a second use of what they saw themselves. What was used at two of "
    "them is found when they meet: --remember FILE on one, --meet FILE on the other."
)

# Each answer has a word and a shape beside its colour, which not everybody sees and not every terminal shows.
_TITLES: Final = {"green": "✓ COME IN", "yellow": "! USED BEFORE", "red": "✗ NO"}
# What is wrong with a code, for the person at the door; other refusals say it in their own words.
_PLAIN: Final = {
    "malformed": "This is not a code for a door. A wallet draws one with: handstamp wallet pass",
    "bad_bbs_proof": "This code was drawn for another door, or it was read wrongly. Draw it anew, and scan once more.",
    "unknown_pass_key": "No co-op trusted here vouches for this. If its keys are new: handstamp verifier refresh",
    "not_countable": "This code cannot be counted. The wallet must fetch its passes from the co-op once more.",
}


@app.command()
def door(
    gate: GateArgument,
    *,
    device: DeviceOption = None,
    poster: PosterOption = None,
    months: MonthsOption = 12,
    key: KeyOption = False,
    remember_to: RememberToOption = None,
    meet_from: MeetFromOption = None,
    as_json: AsJsonOption = False,
) -> None:
    """Check passes at a door: a hand scanner types them into this terminal. No network is needed.

    It answers COME IN (green), USED BEFORE (yellow, with the first time: you decide) or NO (red, with the reason).

    [dim]handstamp door https://artist.example/gates/ID[/]

    [dim]handstamp door https://artist.example/gates/ID --poster door.svg[/]
    """
    tools = compose_verifier(load_settings())
    keys = DoorKeys(tools.keys.secret(DOOR_KEYS))
    with tools.work.read() as stores:
        found = load_gate(stores, gate.rstrip("/").rpartition("/")[2])
    asked = build_door(found, tools.party)  # before anybody waits at it
    if poster is not None:
        poster.write_text(_draw_poster(tools, found, months=months), "utf-8")
        typer.echo(poster)
    elif key:
        _print_key(asked.gate, keys.key_of(found.gate_id), as_json=as_json)
    elif remember_to is not None:
        remember_to.write_bytes(strict_json.dump(remember(tools.work, found).to_json()))
        typer.echo(remember_to)
    elif meet_from is not None:
        _meet(tools, found, meet_from, as_json=as_json)
    else:
        scan = _Scanner(tools=tools, gate=found, keys=keys, device=device, as_json=as_json)
        scan.run(sys.stdin)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scanner:
    """Reads one line for each pass until its input ends."""

    tools: VerifierTools
    gate: Gate
    keys: DoorKeys
    device: str | None
    as_json: bool

    def run(self, lines: Iterable[str]) -> None:
        out = Terminal(highlight=False)  # a reason is never cut off
        if not self.as_json:
            out.print(f"The door of [bold]{escape(self.gate.title)}[/]. Scan a pass; Ctrl-D ends.")
            if self.device is not None:
                out.print(f"Passes must name this device: [bold]{escape(self.device)}[/]")
            if self.gate.counting is not None:
                out.print(f"[dim]{_ONE_MEMORY}[/]")
        for line in lines:
            # A space is a character of base45, also at the end.
            text = line.rstrip("\r\n")
            if text:
                self._answer(text, out)

    def _answer(self, text: str, out: Terminal) -> None:
        try:
            verdict = self._judge(text)
        except HandstampError as error:
            self._say(out, "red", _PLAIN.get(error.code, error.detail), code=error.code)
            return
        if isinstance(verdict, Admitted):
            self._say(out, "green", self.gate.title)
            return
        here = verdict.first_use.astimezone()  # by the clock on the wall
        words = f"It was used here before, first on {here:%Y-%m-%d at %H:%M}, {_how_long_ago(verdict.first_use)}."
        self._say(out, "yellow", words, first_use=_moment(verdict.first_use))

    def _judge(self, text: str) -> Verdict:
        return admit_pass(
            self.tools.work,
            self.gate.gate_id,
            text,
            party=self.tools.party,
            keys=self.keys,
            now=system_clock(),
            device=None if self.device is None else self.device.encode(),
        )

    def _say(self, out: Terminal, colour: str, words: str, **more: str) -> None:
        if self.as_json:
            typer.echo(strict_json.dump({"verdict": colour, "words": words, **more}).decode())
            return
        ink = "black" if colour == "yellow" else "white"
        out.print(Panel(escape(words), title=_TITLES[colour], style=f"bold {ink} on {colour}", padding=(1, 4)))


def _how_long_ago(moment: datetime) -> str:
    minutes = int((system_clock() - moment).total_seconds()) // 60
    if minutes < 1:
        return "less than a minute ago"
    days, hours = minutes // 1440, minutes // 60
    number, unit = (days, "day") if days else (hours, "hour") if hours else (minutes, "minute")
    return f"{number} {unit}{'' if number == 1 else 's'} ago"


def _print_key(address: str, key: str, *, as_json: bool) -> None:
    if as_json:
        typer.echo(strict_json.dump({"address": f"{address}/passes", "key": key}).decode())
        return
    typer.echo(f'POST {address}/passes\nAuthorization: Bearer {key}\n\n{{"pass": "what was scanned"}}')


def _draw_poster(tools: VerifierTools, gate: Gate, *, months: int) -> str:
    signer = find_request_signer(tools)
    signed = hang_poster(
        gate, party=tools.party, signer=None if signer is None else signer.signer, months=months, now=system_clock()
    )
    url = tools.party.gate_url(gate.gate_id)
    return build_door_poster(gate, signed=signed, url=url, site_name=tools.party.name)


def _meet(tools: VerifierTools, gate: Gate, path: Path, *, as_json: bool) -> None:
    if path.stat().st_size > MAX_MEMORY_BYTES:
        raise Malformed("memory of another door", "it is too large")
    twice = meet(tools.work, gate, Memory.parse(path.read_bytes()))
    if as_json:
        used: list[strict_json.Json] = [{"here": _moment(each.here), "there": _moment(each.there)} for each in twice]
        typer.echo(strict_json.dump({"used_twice": used}).decode())
        return
    typer.echo(f"Met. {len(twice)} used at both doors." if twice else "Met. Nothing was used at both doors.")
    for each in twice:
        typer.echo(f"  here {_moment(each.here)}, there {_moment(each.there)}")


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
