"""The canary audit: what the co-op knows of a person reaches no verifier, no trackserver, no log and no message.

A name, an e-mail and a birth date are planted at the co-op. After a whole flow, every byte that the verifier and the
trackserver wrote and every byte that passed over their ports is searched for them, plain, in hex and inside base64. The
audit must find them at the co-op, or it proves nothing.
"""

import base64
import subprocess
import sys

import pytest

from tests.flows.conftest import CANARY, World
from tests.support.recording import disguises

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def used(world: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A world in which one record was received and shown."""
    folder = tmp_path_factory.mktemp("canary")
    environment = {**world.stage.environment, "HANDSTAMP_WALLET__FILE": str(folder / "wallet.handstamp")}

    def wallet(*arguments: str) -> None:
        command = [sys.executable, "-m", "handstamp", "wallet", *arguments]
        done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    wallet("create")
    wallet("trust", "add", str(world.stage.folder / "certificates" / "authority.pem"), "--name", "Demo")
    offer = world.json("issuer", "offer", world.listener)
    wallet("receive", offer["link"], "--code", offer["code"], "--yes")
    wallet("open", world.gate, "--yes", "--to", str(folder / "received"))
    return world


def written_by(world: World, role: str) -> bytes:
    folder = world.stage.folder / "data" / role
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return b"\n".join(path.read_bytes() for path in [*files, world.stage.log_of(role)] if path.exists())


def secrets_of(world: World) -> dict[str, str]:
    return {**CANARY, "account": world.listener, **{f"half of {k}": v.split()[-1] for k, v in CANARY.items()}}


def holds(data: bytes, text: str) -> bool:
    return any(disguise in data for disguise in disguises(text))


def test_the_audit_finds_the_canaries_where_they_were_planted(used: World) -> None:
    data = written_by(used, "issuer")
    assert all(holds(data, text) for text in CANARY.values())


@pytest.mark.parametrize("role", ["verifier", "trackserver"])
def test_no_canary_is_in_a_database_or_log_of(role: str, used: World) -> None:
    data = written_by(used, role)
    assert {fact for fact, text in secrets_of(used).items() if holds(data, text)} == set()


@pytest.mark.parametrize("role", ["verifier", "trackserver"])
def test_no_canary_passed_over_the_wire_of(role: str, used: World) -> None:
    data = used.taps[role].everything()
    assert len(data) > 1000
    assert {fact for fact, text in secrets_of(used).items() if holds(data, text)} == set()


def test_no_canary_is_in_any_message_of_issuance(used: World) -> None:
    data = used.taps["issuer"].everything()
    assert b"POST /credential" in data
    assert {fact for fact, text in secrets_of(used).items() if holds(data, text)} == set()


def test_no_log_holds_a_code_a_token_or_a_path_with_an_identifier(used: World) -> None:
    for role in ("issuer", "verifier", "trackserver"):
        log = used.stage.log_of(role).read_text("utf-8")
        assert '"route"' in log
        assert "127.0.0.1" not in "".join(line for line in log.splitlines() if '"event": "request"' in line)
        for secret in ("eyJ", "pre-authorized", "ticket=", "response_code=", str(used.release["id"])):
            assert secret not in log, (role, secret)


def test_the_audit_sees_through_base64() -> None:
    for padding in (b"", b"x", b"xy", b"xyz"):
        hidden = base64.urlsafe_b64encode(padding + CANARY["name"].encode() + b'"}').rstrip(b"=")
        assert holds(hidden, CANARY["name"])
    assert not holds(b"nothing of the kind", CANARY["name"])
