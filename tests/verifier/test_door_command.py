"""`handstamp door`: what the terminal says when a hand scanner types into it."""

from __future__ import annotations

import json
import re
import secrets
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner, Result

from credentials.door_pass import check_poster, show_door_pass, slot_of
from credentials.errors import HandstampError
from handstamp.commands import door
from handstamp.composition.verifier import REQUEST_KEY, VerifierTools, compose_verifier
from handstamp.settings import load_settings
from plumbing.clock import system_clock
from tests.support.standing import stop_the_clock
from tests.verifier.conftest import ARTIST, RELEASE, make_gate
from tests.verifier.linked import LinkedCoop, NymHolder
from tests.verifier.test_gates import read_code
from verifier.doors import limit_of
from verifier.gates import Counting, Gate
from verifier.limits import OnceEver
from verifier.proofs import AllOf, MemberOf, OwnsRelease

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from credentials.door_pass import HeldDoorPass

pytestmark = pytest.mark.database

OWNER = OwnsRelease(release_id=RELEASE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("door")


@pytest.fixture(scope="module")
def tools(folder: Path) -> Iterator[VerifierTools]:
    """One site for all: each test has a gate of its own."""
    with pytest.MonkeyPatch.context() as patch:
        stop_the_clock(patch)  # a pass is good for half a minute
        patch.setenv("HANDSTAMP_DATA_DIR", str(folder / "data"))
        # Known by its DID, so that it needs no certificate to sign a poster.
        patch.setenv("HANDSTAMP_VERIFIER__CLIENT_ID_PREFIX", "decentralized_identifier")
        patch.chdir(folder)
        tools = compose_verifier(load_settings())
        with tools.work.write() as stores:
            stores.save_issuer(tools.party.site, LinkedCoop().trusted(), now=system_clock())
        yield tools
        tools.database.close()


@pytest.fixture
def gate(tools: VerifierTools) -> Gate:
    return saved(tools, counting=Counting(limit=OnceEver(), key=secrets.token_bytes(32)), title="Late [bold]Show")


@pytest.fixture
def held() -> HeldDoorPass:
    return NymHolder(LinkedCoop()).door_pass(system_clock())


def saved(tools: VerifierTools, **changes: Any) -> Gate:
    gate = make_gate(changes.pop("requirement", OWNER), clock=system_clock, **changes)  # type: ignore[arg-type]
    with tools.work.write() as stores:
        stores.save_gate(gate, now=system_clock())
    return gate


def run(gate: Gate, *arguments: str, lines: str | None = None) -> Result:
    return CliRunner().invoke(door.app, [f"{ARTIST}/gates/{gate.gate_id}", *arguments], input=lines)


def drawn(gate: Gate, held: HeldDoorPass, **more: Any) -> str:
    slot = slot_of(system_clock())
    address = f"{ARTIST}/gates/{gate.gate_id}"
    return show_door_pass(held, gate=address, slot=slot, limit=limit_of(gate), random=secrets.token_bytes, **more)


def test_the_terminal_is_green_then_yellow_and_red_with_the_reason(gate: Gate, held: HeldDoorPass) -> None:
    text = drawn(gate, held)
    done = run(gate, lines=f"{text}\r\n{text}\n\nNO PASS\n")
    assert done.exit_code == 0, repr(done.exception)
    said = [word for word in ("COME IN", "USED BEFORE", "NO", "[bold]", "Several devices") if word in done.output]
    assert said == ["COME IN", "USED BEFORE", "NO", "[bold]", "Several devices"]
    words = " ".join(done.output.replace("│", " ").split())  # whole, however narrow the terminal
    assert re.search(r"It was used here before, first on \S+ at \d\d:\d\d, less than a minute ago\.", words)
    assert "A wallet draws one with: handstamp wallet pass" in words


def test_scripts_read_one_line_for_each_pass(gate: Gate, held: HeldDoorPass) -> None:
    text = drawn(gate, held, device=b"door-2")
    done = run(gate, "--json", "--device", "door-2", lines=f"{text}\n{text}\nX\n")
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(each["verdict"], each.get("code")) for each in said] == [
        *(("green", None), ("yellow", None), ("red", "malformed"))
    ]
    assert "first_use" in said[1]


def test_a_device_that_asks_over_http_gets_its_address_and_key(gate: Gate) -> None:
    shown = json.loads(run(gate, "--key", "--json").stdout)
    assert shown["address"] == f"{ARTIST}/gates/{gate.gate_id}/passes"
    assert shown["key"] in run(gate, "--key").output


def test_two_devices_meet_by_a_file(tools: VerifierTools, gate: Gate, held: HeldDoorPass, folder: Path) -> None:
    run(gate, lines=f"{drawn(gate, held)}\n")
    assert run(gate, "--remember", "memory.json").exit_code == 0
    assert "Nothing was used at both" in run(gate, "--meet", "memory.json").output
    with tools.database.write() as session:
        session.connection().exec_driver_sql("UPDATE marks SET first_use = first_use - 60")
    assert "1 used at both doors" in run(gate, "--meet", "memory.json").output
    with tools.database.write() as session:
        session.connection().exec_driver_sql("UPDATE marks SET first_use = first_use - 60")
    (used,) = json.loads(run(gate, "--meet", "memory.json", "--json").stdout)["used_twice"]
    assert used["here"] < used["there"]
    (folder / "large.json").write_bytes(b" " * (16 * 1024 * 1024 + 1))
    assert isinstance(run(gate, "--meet", "large.json").exception, HandstampError)


def test_the_poster_is_signed_with_the_key_that_signs_requests(tools: VerifierTools, gate: Gate, folder: Path) -> None:
    done = run(gate, "--poster", "door.svg")
    assert done.exit_code == 0, repr(done.exception)
    read = read_code((folder / "door.svg").read_text("utf-8"))
    key = tools.keys.signer(REQUEST_KEY).public_key
    assert check_poster(read, keys_of=lambda _: [key], at=system_clock()).name == "Late [bold]Show"


def test_a_gate_that_asks_more_than_a_pass_says_is_refused_before_anybody_waits(tools: VerifierTools) -> None:
    both = saved(tools, requirement=AllOf(proofs=(OWNER, MemberOf(coop="https://coop.example", name="x"))))
    refused = run(both, lines="").exception
    assert isinstance(refused, HandstampError)
    assert refused.code == "not_a_door"
