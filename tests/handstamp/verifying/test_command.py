"""`handstamp verify` explains a file step by step, with and without the network."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from credentials.data_integrity import ecdsa_rdfc_2019, eddsa_rdfc_2022
from credentials.dids import build_did_document
from credentials.encoding.strict_json import dump
from credentials.errors import HandstampError
from credentials.status.bitstring import Bitstring, BitstringEntry, build_bitstring_credential
from credentials.status.packed import PackedStatuses
from credentials.status.token import build_status_list
from handstamp.commands import verify as command
from handstamp.verifying import steps
from tests.credentials.verify_linked.conftest import DID, KIND, NOW
from tests.handstamp.verifying.showing import (
    CERTIFIED,
    FILES,
    LIST,
    TOWN,
    Host,
    check,
    notes,
    online,
    sd_jwt,
    shown_sd_jwt,
    went,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def bitstring(revoked: int | None = None) -> bytes:
    document = build_bitstring_credential(
        Bitstring.all_valid().replaced({} if revoked is None else {revoked: 1}),
        uri=LIST,
        issuer_did=DID,
        purpose="revocation",
        valid_from=NOW - timedelta(minutes=1),
        valid_until=NOW + timedelta(hours=1),
        ttl=timedelta(minutes=5),
    )
    return dump(eddsa_rdfc_2022.add_proof(document, signer=TOWN.signer, verification_method=TOWN.plain_method))


async def test_a_bitstring_list_is_fetched_if_anybody_may_be_asked() -> None:
    published = TOWN.publish(status=BitstringEntry(uri=LIST, index=7).to_json())
    assert notes(await check(published))[12] == "The issuer's list could not be had."
    assert went(await check(published, online(status=bitstring())))[12] == "passed"
    taken_back = await check(published, online(status=bitstring(7)))
    assert (taken_back.error and taken_back.error.code, went(taken_back)[12]) == ("credential_revoked", "failed")
    for body in (b"", b"{}"):
        assert 12 in notes(await check(published, online(status=body)))


async def test_a_token_list_is_fetched_too() -> None:
    listed = sd_jwt()
    token = build_status_list(
        PackedStatuses.all_valid(64).replaced({7: 1}),
        uri=LIST,
        issued_at=int(NOW.timestamp()),
        expires_at=int(NOW.timestamp()) + 600,
        ttl_s=300,
        signer=CERTIFIED.issuer,
        x5c=CERTIFIED.x5c,
    )
    assert 13 in notes(await check(shown_sd_jwt(listed)))
    sources = dataclasses.replace(FILES, fetcher=Host({LIST: token.encode()}))
    assert went(await check(shown_sd_jwt(listed), sources))[13] == "failed"


# The command.


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setattr(command, "system_clock", lambda: NOW)
    document = build_did_document(DID, [CERTIFIED.issuer.public_key], type_keys=TOWN.type_keys)
    (tmp_path / "did.json").write_bytes(dump(document))

    def invoke(data: bytes, *options: str) -> Any:
        (tmp_path / "file").write_bytes(data)
        arguments = [str(tmp_path / "file"), "--offline", "--did-document", str(tmp_path / "did.json"), *options]
        return CliRunner().invoke(command.app, arguments)

    return invoke


def test_the_command_explains_each_step(run: Callable[..., Any]) -> None:
    done = run(dump(TOWN.show()))
    assert done.exit_code == 0, done.output
    for step in steps.LINKED_SHOWN.steps:
        assert step.title in done.output
    assert "but for what could not be compared" in done.output
    assert KIND.example["track"] in done.output


def test_the_command_says_what_does_not_hold(run: Callable[..., Any]) -> None:
    done = run(dump(TOWN.show() | {"validUntil": "2026-12-11T00:00:01Z"}), "--json")
    assert done.exit_code == 1
    report = json.loads(done.output)
    assert (report["good"], report["error"]["code"]) == (False, "schema_mismatch")
    assert [each["outcome"] for each in report["steps"]][:3] == ["passed", "failed", "not reached"]
    worded = run(dump(TOWN.show() | {"validUntil": "2026-12-11T00:00:01Z"}))
    assert "It does not hold." in worded.output


def test_what_came_unmarked_holds(run: Callable[..., Any]) -> None:
    foreign = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential"],
        "issuer": TOWN.holder_did,
        "credentialSubject": [{"name": "Anybody"}, {"id": "did:example:1"}],
    }
    method = f"{TOWN.holder_did}#{TOWN.holder.public_key.multikey}"
    done = run(dump(ecdsa_rdfc_2019.add_proof(foreign, signer=TOWN.holder, verification_method=method)))
    assert "It holds." in done.output
    assert "name: Anybody" in done.output


@pytest.mark.parametrize(
    "data",
    [b"", b"not a credential", b"\xff\xfe", b"{", b"[]", b"~", b"x" * (1024 * 1024 + 1)],
    ids=["empty", "words", "no text", "cut off", "an array", "a tilde", "too large"],
)
def test_what_is_no_credential_is_refused(run: Callable[..., Any], data: bytes) -> None:
    done = run(data)
    assert isinstance(done.exception, HandstampError)
    assert done.exception.code == "malformed"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for name in (tmp_path / "none", tmp_path):
        done = CliRunner().invoke(command.app, [str(name), "--offline"])
        assert isinstance(done.exception, HandstampError)
        assert done.exception.code == "unreadable_file"


def test_a_list_of_co_ops_needs_its_publisher(run: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "list").write_text("x", "ascii")
    assert run(dump(TOWN.show()), "--coops", str(tmp_path / "list")).exit_code == 2
    done = run(dump(TOWN.show()), "--coops", str(tmp_path / "list"), "--publisher", "x")
    assert isinstance(done.exception, HandstampError)
    (tmp_path / "keys").write_text("{}", "ascii")
    assert isinstance(run(dump(TOWN.show()), "--did-document", str(tmp_path / "keys")).exception, HandstampError)


def test_standard_input_is_read_and_the_network_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "system_clock", lambda: NOW)
    # A DID that is its own key needs no network.
    foreign = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential"],
        "issuer": TOWN.holder_did,
        "credentialSubject": {"name": "Anybody"},
    }
    method = f"{TOWN.holder_did}#{TOWN.holder.public_key.multikey}"
    signed = ecdsa_rdfc_2019.add_proof(foreign, signer=TOWN.holder, verification_method=method)
    done = CliRunner().invoke(command.app, ["-"], input=dump(signed))
    assert done.exit_code == 0, done.output
