"""BBS signatures and proofs, beside one pairing of the curve library."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

from benchmarks.measure import Figure, Goal, Rate, measure_rates
from credentials.bbs import BbsSecretKey, PlainCheck, ProverNym, commit_nym, prove, sign, verify, verify_batch
from credentials.dids import type_key_url
from credentials.door_pass import (
    Door,
    Limit,
    PassContent,
    check_door_pass,
    issue_door_pass,
    month_of,
    open_door_pass,
    show_door_pass,
    slot_of,
)
from credentials.months import start_of_month
from credentials.trust import TrustedIssuer, TrustPolicy
from schemas import TRACK_OWNERSHIP

_MESSAGES: Final = tuple(
    f'_:b0 <urn:handstamp:vocabulary:claim{number}> "A title" .\n'.encode() for number in range(10)
)
_SHOWN: Final = (0, 2, 4, 6, 8)
_HEADER: Final = bytes(64)
_BATCH: Final = 100
_TRACK: Final = "3f1c2a70-5a1f-4b0e-9b1e-0c6a5f0d7e11"
_DID: Final = "did:web:coop.example"
_NOW: Final = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Signed:
    """A key, and its signature over ten messages."""

    key: BbsSecretKey = field(default_factory=BbsSecretKey.generate)

    def sign(self) -> bytes:
        """Sign ten messages."""
        return sign(self.key, _MESSAGES, header=_HEADER)

    def prove(self, signature: bytes, presentation_header: bytes) -> bytes:
        """Prove, and show five of them."""
        return prove(
            self.key.public_key,
            signature,
            _MESSAGES,
            header=_HEADER,
            presentation_header=presentation_header,
            disclosed=_SHOWN,
            random=secrets.token_bytes,
        )

    def check(self, signature: bytes) -> PlainCheck:
        """Make a proof of its own, ready to be verified."""
        presentation_header = secrets.token_bytes(32)
        return PlainCheck(
            public_key=self.key.public_key,
            proof=self.prove(signature, presentation_header),
            disclosed={index: _MESSAGES[index] for index in _SHOWN},
            header=_HEADER,
            presentation_header=presentation_header,
        )


def verify_next(checks: Sequence[PlainCheck], turn: Iterator[int]) -> None:
    """Verify another proof than the last time, as at a gate."""
    checks[next(turn) % len(checks)].verify()


def door_action() -> Callable[[], object]:
    """Check passes for a record, shown at one door by one holder, each with a proof of its own."""
    nym, key, entropy = ProverNym.generate(secrets.token_bytes), BbsSecretKey.generate(), bytes(31) + b"\x01"
    commitment = commit_nym(nym, random=secrets.token_bytes)
    content = PassContent(vct=TRACK_OWNERSHIP.vct, subject=_TRACK, month=month_of(start_of_month(_NOW)))
    method = type_key_url(_DID, content.type_name, key.public_key)
    coop = TrustedIssuer(
        issuer="https://coop.example",
        name="Co-op",
        did=_DID,
        types=frozenset({content.vct}),
        bbs_keys={method: key.public_key},
    )
    policy = TrustPolicy((coop,))
    issued = issue_door_pass(
        key, commitment.commitment_with_proof, content, verification_method=method, entropy=entropy
    )
    held = open_door_pass(
        issued,
        policy=policy,
        issuer=coop.issuer,
        expected=content,
        prover_nym=nym,
        blind=commitment.blind,
        at=_NOW,
    )
    door = Door(gate="https://venue.example/gates/1", accepts={content.vct: frozenset({_TRACK})}, limit=Limit.EVER)
    shown = [
        show_door_pass(held, gate=door.gate, slot=slot_of(_NOW), limit=door.limit, random=secrets.token_bytes)
        for _ in range(16)
    ]
    turn = iter(range(10**9))
    return lambda: check_door_pass(shown[next(turn) % len(shown)], policy=policy, door=door, at=_NOW)


def pairing_action() -> Callable[[], object]:
    """Pair two points, with nothing around it."""
    scalar = Scalar.from_be_bytes_mod_order(secrets.token_bytes(48))
    one, two = G1Point() * scalar, G2Point() * scalar
    return lambda: GT.pairing(one, two)


def measure_bbs(*, rounds: int, seconds: float) -> list[Figure]:
    """Measure; the figures' values are pairings, or for the batch the cost of a single check."""
    signed = Signed()
    signature = signed.sign()
    checks = [signed.check(signature) for _ in range(_BATCH)]
    turn = iter(range(10**9))
    actions: dict[str, Callable[[], object]] = {
        "pairing": pairing_action(),
        "sign": signed.sign,
        "verify": lambda: verify(signed.key.public_key, signature, _MESSAGES, header=_HEADER),
        "prove": lambda: signed.prove(signature, _HEADER),
        "verify_proof": lambda: verify_next(checks, turn),
        "batch": lambda: verify_batch(checks, random=secrets.token_bytes),
        "door": door_action(),
    }
    rates = measure_rates(actions, rounds=rounds, seconds=seconds)
    pairing = rates["pairing"]
    return [
        Figure(name="One pairing", rate=str(pairing), limit="is a limit itself", ratio="", value=1.0),
        pairings_line("BBS: sign 10 messages", rates["sign"], pairing, 1.5),
        pairings_line("BBS: verify their signature", rates["verify"], pairing, 3.5),
        pairings_line("BBS: prove, 5 of them shown", rates["prove"], pairing, 3.5),
        pairings_line("BBS: verify the proof", rates["verify_proof"], pairing, 3.5),
        _batch_line(rates["batch"] * _BATCH, rates["verify_proof"]),
        pairings_line("Door pass: check one", rates["door"], pairing, 4),
    ]


def pairings_line(name: str, rate: Rate, pairing: Rate, most: float) -> Figure:
    """Write how many pairings something costs, beside how many it may cost."""
    cost = pairing.beside(rate)
    return Figure(
        name=name,
        rate=str(rate),
        limit=f"one pairing: {pairing}",
        ratio=f"{cost:.2f} pairings",
        value=cost,
        goal=Goal(value=most, at_most=True),
    )


def _batch_line(rate: Rate, single: Rate) -> Figure:
    cost = single.beside(rate)
    return Figure(
        name=f"BBS: verify {_BATCH} proofs at once, each",
        rate=str(rate),
        limit=f"a single check: {single}",
        ratio=f"{cost:.2f} of one",
        value=cost,
        goal=Goal(value=0.6, at_most=True),
    )
