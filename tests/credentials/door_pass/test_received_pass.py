"""A door pass on receipt, and what is made of it: a wallet keeps none that could mark it or that is another's."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from credentials.bbs import BadBbsSignature, BbsSecretKey, ProverNym
from credentials.door_pass import (
    IssuedPass,
    Limit,
    WrongPass,
    show_door_pass,
    slot_of,
)
from credentials.encoding import base64url
from credentials.encoding.cbor import encode
from credentials.errors import HandstampError, Malformed
from credentials.trust import TrustPolicy
from credentials.trust.errors import TrustExpired, TypeNotAllowed, UntrustedIssuer, WrongIssuerKey
from schemas import RELEASE_OWNERSHIP
from tests.credentials.door_pass.passes import HELD, TOWN
from tests.support.doors import GATE, METHOD, NOW, TRACK, DoorTown, content, door

# On receipt.


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "another"},
        {"subject": TRACK + " "},
        {"month": content().month - 1},
        {"vct": RELEASE_OWNERSHIP.vct},
    ],
)
def test_a_pass_that_says_something_else_than_was_asked_for_is_not_kept(changes: dict[str, Any]) -> None:
    with pytest.raises(WrongPass):
        TOWN.open(TOWN.issue(content(**changes)), content())


def test_a_pass_signed_with_a_key_made_for_one_listener_is_not_kept() -> None:
    other = DoorTown(nym=TOWN.nym)
    with pytest.raises(WrongIssuerKey):
        TOWN.open(TOWN.issue(content(), method="did:web:coop.example#another"), content())
    with pytest.raises(WrongIssuerKey):
        TOWN.open(TOWN.issue(content(), method=TOWN.method_of(RELEASE_OWNERSHIP.vct)), content())
    with pytest.raises(BadBbsSignature):
        other.open(TOWN.issue(content(), method=other.method_of()), content())


def test_a_pass_is_taken_from_who_is_trusted_for_its_type() -> None:
    text = TOWN.issue(content())
    for policy, error in (
        (TrustPolicy(), UntrustedIssuer),
        (TOWN.policy(types=frozenset()), TypeNotAllowed),
        (TOWN.policy(until=NOW), TrustExpired),
    ):
        with pytest.raises(error):
            TOWN.open(text, content(), policy=policy)


def test_a_pass_for_another_nym_is_not_kept() -> None:
    with pytest.raises(BadBbsSignature):
        TOWN.open(TOWN.issue(content()), content(), prover_nym=ProverNym.generate(secrets.token_bytes))


@pytest.mark.parametrize(
    "members",
    [
        [1],
        [2, "track-ownership:1", TRACK, 24_322, "none", METHOD, bytes(80), bytes(32)],
        [1, "track-ownership:1", TRACK, 24_322, "none", METHOD, "signature", bytes(32)],
        [1, "track-ownership:1", TRACK, 24_322, "none", 7, bytes(80), bytes(32)],
        [1, "track-ownership:1", TRACK, 24_322, "none", "", bytes(80), bytes(32)],
        [1, "track-ownership:1", TRACK, 24_322, "gold", METHOD, bytes(80), bytes(32)],
        {"1": 2},
    ],
)
def test_what_is_no_issued_pass_is_refused(members: Any) -> None:
    with pytest.raises(Malformed):
        IssuedPass.parse(base64url.encode(encode(members)))


def test_an_issued_pass_of_any_length_is_refused_before_any_work() -> None:
    with pytest.raises(Malformed, match="longer"):
        IssuedPass.parse("A" * 2_049)
    with pytest.raises(Malformed):
        IssuedPass.parse("=")


@pytest.mark.parametrize("gate", ["https://venue.example", "https://Venue.example/gates/7", GATE + "#2026-11", "gate"])
def test_no_pass_is_made_for_an_address_that_could_be_read_in_two_ways(gate: str) -> None:
    for limit in Limit:
        with pytest.raises(HandstampError):
            TOWN.show(HELD, door(gate=gate, limit=limit))


@pytest.mark.parametrize("device", [b"", bytes(33)])
def test_a_scanning_device_has_a_short_name(device: bytes) -> None:
    with pytest.raises(Malformed):
        show_door_pass(HELD, gate=GATE, slot=slot_of(NOW), limit=Limit.EVER, device=device, random=secrets.token_bytes)


def test_what_is_held_shows_no_secret() -> None:
    assert HELD.nym.to_bytes().hex() not in repr(HELD)
    assert HELD.signature.hex() not in repr(HELD)
    assert BbsSecretKey.generate().to_bytes().hex() not in repr(TOWN)
