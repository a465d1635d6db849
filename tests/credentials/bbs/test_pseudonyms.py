"""Pseudonyms: what stays the same and what does not; what is refused."""

from __future__ import annotations

import copy
import pickle
import secrets
from dataclasses import replace
from typing import Any

import pytest

from credentials.bbs import (
    BadBbsProof,
    BadBbsSignature,
    BadCommitment,
    BbsSecretKey,
    Ciphersuite,
    NymProof,
    ProverNym,
    UnknownMessage,
    check_nym_commitment,
    commit_nym,
    finalize_nym,
    prove_with_nym,
    sign_with_nym,
    verify_nym_proof,
)
from credentials.bbs.curve import ORDER
from credentials.bbs.nym_vectors import Holding, NymCheck
from credentials.errors import Malformed

KEY = BbsSecretKey.from_key_material(bytes(range(32)))
MESSAGES = [b"TrackOwnershipCredential", b"urn:track:1", b"2026-11"]
HEADER = b"header"
OCCASION = b"occasion"
GATE = b"https://site.example/gates/1"
ENTROPY = bytes(31) + b"\x05"
NYM = ProverNym.generate(secrets.token_bytes)
COMMITTED = commit_nym(NYM, random=secrets.token_bytes)
SIGNATURE = sign_with_nym(KEY, COMMITTED.commitment_with_proof, MESSAGES, header=HEADER, entropy=ENTROPY)
SECRET = finalize_nym(
    KEY.public_key,
    SIGNATURE,
    MESSAGES,
    header=HEADER,
    prover_nym=NYM,
    blind=COMMITTED.blind,
    entropy=ENTROPY,
)


def show(context_id: bytes = GATE, disclosed: tuple[int, ...] = (0, 1, 2)) -> NymProof:
    return prove_with_nym(
        KEY.public_key,
        SIGNATURE,
        MESSAGES,
        header=HEADER,
        presentation_header=OCCASION,
        context_id=context_id,
        nym=SECRET,
        blind=COMMITTED.blind,
        disclosed=disclosed,
        random=secrets.token_bytes,
    )


def check(shown: NymProof, **changes: Any) -> None:
    asked: dict[str, Any] = {
        "disclosed": dict(enumerate(MESSAGES)),
        "header": HEADER,
        "presentation_header": OCCASION,
        "context_id": GATE,
    } | changes
    verify_nym_proof(KEY.public_key, shown.proof, asked.pop("pseudonym", shown.pseudonym), **asked)


@pytest.mark.parametrize("told", [MESSAGES, [MESSAGES[1], MESSAGES[0], MESSAGES[2]]])
def test_what_many_show_is_checked_each_time_as_what_one_shows_is(told: list[bytes]) -> None:
    verdicts = []
    for shown, is_usual in zip((show(), show(), show()), (False, True, True), strict=True):
        asked = NymCheck(
            public_key=KEY.public_key,
            proof=shown.proof,
            pseudonym=shown.pseudonym,
            disclosed=dict(enumerate(told)),
            header=HEADER,
            presentation_header=OCCASION,
            context_id=GATE,
            is_usual=is_usual,
        )
        for each in (asked, replace(asked, presentation_header=b"another"), replace(asked, header=b"another")):
            try:
                each.verify()
            except BadBbsProof:
                verdicts.append(False)
            else:
                verdicts.append(True)
    assert verdicts == [told == MESSAGES, False, False] * 3


def test_one_holder_has_one_pseudonym_at_a_gate_and_another_at_the_next() -> None:
    first, again, elsewhere = show(), show(), show(b"https://site.example/gates/2")
    check(first)
    assert first.pseudonym == again.pseudonym != elsewhere.pseudonym
    assert first.proof != again.proof
    check(elsewhere, context_id=b"https://site.example/gates/2")


def test_a_credential_renewed_with_the_same_commitment_keeps_its_pseudonym_under_a_new_key_too() -> None:
    renewed = commit_nym(NYM, blind=COMMITTED.blind, random=secrets.token_bytes)
    assert renewed.commitment_with_proof != COMMITTED.commitment_with_proof
    point = check_nym_commitment(renewed.commitment_with_proof)
    assert point == check_nym_commitment(COMMITTED.commitment_with_proof)
    key, messages = BbsSecretKey.generate(), [*MESSAGES[:2], b"2026-12"]
    signature = sign_with_nym(key, renewed.commitment_with_proof, messages, header=HEADER, entropy=ENTROPY)
    nym = finalize_nym(
        key.public_key,
        signature,
        messages,
        header=HEADER,
        prover_nym=NYM,
        blind=renewed.blind,
        entropy=ENTROPY,
    )
    proof = prove_with_nym(
        key.public_key,
        signature,
        messages,
        header=HEADER,
        presentation_header=OCCASION,
        context_id=GATE,
        nym=nym,
        blind=renewed.blind,
        disclosed=(),
        random=secrets.token_bytes,
    )
    assert proof.pseudonym == show().pseudonym


def test_another_nym_or_other_entropy_is_another_point_and_another_secret() -> None:
    other = commit_nym(ProverNym.generate(secrets.token_bytes), blind=COMMITTED.blind, random=secrets.token_bytes)
    assert check_nym_commitment(other.commitment_with_proof) != check_nym_commitment(COMMITTED.commitment_with_proof)
    with pytest.raises(BadBbsSignature):
        finalize_nym(
            KEY.public_key,
            SIGNATURE,
            MESSAGES,
            header=HEADER,
            prover_nym=NYM,
            blind=COMMITTED.blind,
            entropy=bytes(31) + b"\x06",
        )


def test_what_was_committed_to_beside_the_nym_stays_hidden_or_is_shown() -> None:
    committed = commit_nym(NYM, committed=[b"holder secret"], random=secrets.token_bytes)
    signature = sign_with_nym(
        KEY, committed.commitment_with_proof, MESSAGES, header=HEADER, entropy=ENTROPY, committed_count=1
    )
    nym = finalize_nym(
        KEY.public_key,
        signature,
        MESSAGES,
        header=HEADER,
        prover_nym=NYM,
        blind=committed.blind,
        entropy=ENTROPY,
        committed=[b"holder secret"],
    )
    for disclosed in ((), (0,)):
        proof = prove_with_nym(
            KEY.public_key,
            signature,
            MESSAGES,
            header=HEADER,
            presentation_header=OCCASION,
            context_id=GATE,
            nym=nym,
            blind=committed.blind,
            disclosed=(0, 1, 2),
            committed=[b"holder secret"],
            disclosed_committed=disclosed,
            random=secrets.token_bytes,
        )
        check(proof, committed_count=1, disclosed_committed=dict.fromkeys(disclosed, b"holder secret"))


@pytest.mark.parametrize(
    "changes",
    [
        {"context_id": b"https://site.example/gates/1/"},
        {"header": b"other"},
        {"presentation_header": b"yesterday"},
        {"disclosed": {0: MESSAGES[0], 1: MESSAGES[1]}},
        {"disclosed": {0: MESSAGES[0], 1: b"urn:track:2", 2: MESSAGES[2]}},
        {"disclosed": {0: MESSAGES[0], 1: MESSAGES[1], 3: MESSAGES[2]}},
        {"disclosed": {0: MESSAGES[0], 1: MESSAGES[1], -1: MESSAGES[2]}},
        {"disclosed": {0: MESSAGES[1], 1: MESSAGES[0], 2: MESSAGES[2]}},
        {"disclosed": dict(enumerate([*MESSAGES, b"more"]))},
        {"committed_count": 1},
        {"committed_count": 5},
        {"suite": Ciphersuite.SHAKE_256},
    ],
)
def test_a_proof_for_anything_else_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadBbsProof):
        check(show(), **changes)


def test_a_pseudonym_of_another_gate_or_holder_is_refused() -> None:
    with pytest.raises(BadBbsProof):
        check(show(), pseudonym=show(b"https://site.example/gates/2").pseudonym)


@pytest.mark.parametrize("pseudonym", [b"\xc0" + bytes(47), bytes(48), b"", b"\xff" * 48])
def test_what_is_no_point_is_no_pseudonym(pseudonym: bytes) -> None:
    with pytest.raises(Malformed):
        check(show(), pseudonym=pseudonym)


@pytest.mark.parametrize("disclosed", [(3,), (4,), (-1,), (1, 1)])
def test_neither_blind_nor_nym_is_ever_shown(disclosed: tuple[int, ...]) -> None:
    with pytest.raises(UnknownMessage):
        show(disclosed=disclosed)


@pytest.mark.parametrize("position", [50, 80, 120, 143])
def test_a_commitment_that_was_changed_is_refused(position: int) -> None:
    data = bytearray(COMMITTED.commitment_with_proof)
    data[position] ^= 1
    with pytest.raises(BadCommitment):
        check_nym_commitment(bytes(data))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "a length that no commitment has"),
        (COMMITTED.commitment_with_proof[:-1], "a length that no commitment has"),
        (COMMITTED.commitment_with_proof + bytes(32 * 1_001), "a length that no commitment has"),
        (COMMITTED.commitment_with_proof + bytes(32), "a scalar in it"),
        (COMMITTED.commitment_with_proof[:-32] + ORDER.to_bytes(32), "a scalar in it"),
        (b"\xc0" + bytes(47) + COMMITTED.commitment_with_proof[48:], "identity"),
        (b"\x80" + bytes(46) + b"\x04" + COMMITTED.commitment_with_proof[48:], "no point"),
        (commit_nym(NYM, committed=[b"second"], random=secrets.token_bytes).commitment_with_proof, "hides 2 messages"),
    ],
    ids=["empty", "shorter", "huge", "zero", "order", "identity", "subgroup", "two"],
)
def test_a_commitment_of_another_form_cannot_be_read(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        check_nym_commitment(data)


def test_a_commitment_with_a_number_less_is_not_proven() -> None:
    with pytest.raises(BadCommitment):
        check_nym_commitment(COMMITTED.commitment_with_proof[:-32])


def test_a_commitment_to_more_than_a_nym_is_not_signed() -> None:
    two = commit_nym(NYM, committed=[b"second"], random=secrets.token_bytes)
    with pytest.raises(Malformed):
        sign_with_nym(KEY, two.commitment_with_proof, MESSAGES, header=HEADER, entropy=ENTROPY)


@pytest.mark.parametrize("entropy", [bytes(32), ORDER.to_bytes(32), b"\x01"])
def test_entropy_is_a_scalar(entropy: bytes) -> None:
    with pytest.raises(Malformed):
        sign_with_nym(KEY, COMMITTED.commitment_with_proof, MESSAGES, header=HEADER, entropy=entropy)


@pytest.mark.parametrize("secret", [NYM, SECRET, COMMITTED.blind, KEY], ids=lambda secret: type(secret).__name__)
def test_secrets_are_not_shown_compared_pickled_or_copied(secret: Any) -> None:
    assert secret.to_bytes().hex() not in repr(secret) + str(secret)
    assert str(int.from_bytes(secret.to_bytes())) not in repr(secret) + str(secret)
    with pytest.raises(TypeError):
        secret == secret  # noqa: B015, PLR0124
    with pytest.raises(TypeError):
        hash(secret)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        copy.deepcopy(secret)
    assert type(secret).from_bytes(secret.to_bytes()).to_bytes() == secret.to_bytes()


def test_what_proofs_are_made_from_is_not_shown() -> None:
    held = Holding.of(
        KEY.public_key,
        SIGNATURE,
        MESSAGES,
        header=HEADER,
        blind=COMMITTED.blind,
        committed=[],
        nyms=[SECRET.scalar],
        suite=Ciphersuite.SHA_256,
    )
    shown = repr(held) + str(held) + repr(COMMITTED)
    for secret in (NYM, SECRET, COMMITTED.blind):
        assert secret.to_bytes().hex() not in shown
        assert repr(secret.scalar) not in shown
