"""A co-op that issues door passes, a wallet that holds one, and a door."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from credentials.bbs import BbsSecretKey, NymCommitment, ProverNym, commit_nym, draw_entropy
from credentials.dids import type_key_url
from credentials.door_pass import (
    Door,
    HeldDoorPass,
    Limit,
    PassContent,
    issue_door_pass,
    month_of,
    open_door_pass,
    show_door_pass,
    slot_of,
)
from credentials.months import start_of_month
from credentials.trust import TrustedIssuer, TrustPolicy
from schemas import BY_VCT, COOP_MEMBERSHIP, RELEASE_OWNERSHIP, TRACK_OWNERSHIP

NOW = datetime(2026, 11, 21, 20, 0, 10, tzinfo=UTC)
TRACK = "3f1c2a70-5a1f-4b0e-9b1e-0c6a5f0d7e11"
GATE = "https://venue.example/gates/7"
COOP = "https://coop.example"
DID = "did:web:coop.example"
METHOD = f"{DID}#key"
ALL_TYPES = frozenset({TRACK_OWNERSHIP.vct, RELEASE_OWNERSHIP.vct, COOP_MEMBERSHIP.vct})


def content(**changes: Any) -> PassContent:
    usual: dict[str, Any] = {
        "vct": TRACK_OWNERSHIP.vct,
        "subject": TRACK,
        "month": month_of(start_of_month(NOW)),
    }
    return PassContent(**usual | changes)


def door(**changes: Any) -> Door:
    usual: dict[str, Any] = {"gate": GATE, "accepts": {TRACK_OWNERSHIP.vct: None}, "limit": Limit.EVER}
    return Door(**usual | changes)


def make_commitment(nym: ProverNym) -> NymCommitment:
    return commit_nym(nym, random=secrets.token_bytes)


@dataclass(frozen=True, kw_only=True)
class DoorTown:
    key: BbsSecretKey = field(default_factory=BbsSecretKey.generate)
    nym: ProverNym = field(default_factory=lambda: ProverNym.generate(secrets.token_bytes))
    entropy: bytes = field(default_factory=lambda: draw_entropy(secrets.token_bytes))
    commitment: NymCommitment = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "commitment", make_commitment(self.nym))

    @property
    def coop(self) -> TrustedIssuer:
        return TrustedIssuer(
            issuer=COOP,
            name="Co-op",
            did=DID,
            types=ALL_TYPES,
            bbs_keys={self.method_of(vct): self.key.public_key for vct in ALL_TYPES},
        )

    def policy(self, **changes: Any) -> TrustPolicy:
        return TrustPolicy((replace(self.coop, **changes),))

    def method_of(self, vct: str = TRACK_OWNERSHIP.vct) -> str:
        return type_key_url(DID, BY_VCT[vct].configuration_id, self.key.public_key)

    def issue(self, said: PassContent, *, method: str | None = None) -> str:
        committed = self.commitment.commitment_with_proof
        named = method or self.method_of(said.vct)
        return issue_door_pass(self.key, committed, said, verification_method=named, entropy=self.entropy)

    def open(self, text: str, expected: PassContent, **changes: Any) -> HeldDoorPass:
        usual: dict[str, Any] = {"policy": self.policy(), "issuer": COOP, "prover_nym": self.nym, "at": NOW}
        return open_door_pass(text, expected=expected, blind=self.commitment.blind, **usual | changes)

    def hold(self, **changes: Any) -> HeldDoorPass:
        said = content(**changes)
        return self.open(self.issue(said), said)

    def show(self, held: HeldDoorPass, at_door: Door, *, at: datetime = NOW) -> str:
        return show_door_pass(
            held,
            gate=at_door.gate,
            slot=slot_of(at),
            limit=at_door.limit,
            device=at_door.device,
            random=secrets.token_bytes,
        )
