"""Many proofs at once: the same verdicts as one by one."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from credentials.bbs import (
    BadBbsProof,
    BbsSecretKey,
    BlindCheck,
    NymCheck,
    PlainCheck,
    ProofCheck,
    ProverNym,
    blind_sign,
    commit_blind,
    commit_nym,
    finalize_nym,
    prove,
    prove_blind,
    prove_with_nym,
    sign,
    sign_with_nym,
    verify_batch,
)
from credentials.errors import Malformed

if TYPE_CHECKING:
    from credentials.bbs.core import Claim

KEY, OTHER = BbsSecretKey.from_key_material(bytes(range(32))), BbsSecretKey.from_key_material(bytes(range(1, 33)))
MESSAGES = [b"first", b"second"]


def plain(key: BbsSecretKey = KEY) -> PlainCheck:
    proof = prove(
        key.public_key,
        sign(key, MESSAGES, header=b"h"),
        MESSAGES,
        header=b"h",
        presentation_header=b"p",
        disclosed=[0],
        random=secrets.token_bytes,
    )
    return PlainCheck(
        public_key=key.public_key, proof=proof, disclosed={0: b"first"}, header=b"h", presentation_header=b"p"
    )


def blind() -> BlindCheck:
    made = commit_blind([b"hidden"], random=secrets.token_bytes)
    proof = prove_blind(
        KEY.public_key,
        blind_sign(KEY, made.commitment_with_proof, MESSAGES, header=b"h"),
        MESSAGES,
        [b"hidden"],
        header=b"h",
        presentation_header=b"p",
        blind=made.blind,
        disclosed=[1],
        random=secrets.token_bytes,
    )
    return BlindCheck(
        public_key=KEY.public_key,
        proof=proof,
        disclosed={1: b"second"},
        header=b"h",
        presentation_header=b"p",
        committed_count=1,
    )


def with_nym() -> NymCheck:
    nym, entropy = ProverNym.generate(secrets.token_bytes), bytes(31) + b"\x07"
    made = commit_nym(nym, random=secrets.token_bytes)
    signature = sign_with_nym(OTHER, made.commitment_with_proof, MESSAGES, header=b"h", entropy=entropy)
    secret = finalize_nym(
        OTHER.public_key, signature, MESSAGES, header=b"h", prover_nym=nym, blind=made.blind, entropy=entropy
    )
    shown = prove_with_nym(
        OTHER.public_key,
        signature,
        MESSAGES,
        header=b"h",
        presentation_header=b"p",
        context_id=b"gate",
        nym=secret,
        blind=made.blind,
        disclosed=[0],
        random=secrets.token_bytes,
    )
    return NymCheck(
        public_key=OTHER.public_key,
        proof=shown.proof,
        pseudonym=shown.pseudonym,
        disclosed={0: b"first"},
        header=b"h",
        presentation_header=b"p",
        context_id=b"gate",
    )


class Forged(ProofCheck):
    """A proof whose challenge is right, and whose pairing is not: only who breaks the hash could make one."""

    def __init__(self, check: ProofCheck, *, negated: bool = False) -> None:
        self._check = check
        self._negated = negated

    def open(self) -> Claim:
        claim = self._check.open()
        added = -claim.a_bar if self._negated else claim.a_bar
        return replace(claim, b_bar=claim.b_bar + added)


def test_proofs_of_all_kinds_and_several_issuers_are_verified_together() -> None:
    checks = [plain(), blind(), with_nym(), plain(OTHER)]
    assert verify_batch(checks, random=secrets.token_bytes) == (None, None, None, None)
    assert verify_batch([], random=secrets.token_bytes) == ()


def test_a_batch_finds_each_bad_proof_and_says_what_is_wrong_with_it() -> None:
    good = plain()
    checks = [
        good,
        Forged(good),
        replace(good, presentation_header=b"yesterday"),
        with_nym(),
        replace(good, proof=b""),
        Forged(with_nym()),
        replace(good, public_key=OTHER.public_key),
        good,
    ]
    verdicts = [type(error) for error in verify_batch(checks, random=secrets.token_bytes)]
    nothing = type(None)
    assert verdicts == [
        nothing, BadBbsProof, BadBbsProof, nothing, Malformed, BadBbsProof, BadBbsProof, nothing,
    ]  # fmt: skip


def test_two_errors_that_would_cancel_out_are_found() -> None:
    good = plain()
    verdicts = verify_batch([Forged(good), Forged(good, negated=True)], random=secrets.token_bytes)
    assert [type(error) for error in verdicts] == [BadBbsProof, BadBbsProof]
