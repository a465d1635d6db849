"""Blind signatures: the published fixtures and W3C's, one by one, and what is refused."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest

from credentials.bbs import (
    BadBbsProof,
    BadBbsSignature,
    BadCommitment,
    BbsPublicKey,
    BbsSecretKey,
    Ciphersuite,
    ProverBlind,
    UnknownMessage,
    blind_sign,
    commit_blind,
    prove_blind,
    verify_blind,
    verify_blind_proof,
)
from credentials.errors import Malformed
from tests.support.bbs import FOLDERS, mocked, octets, read, scalar

if TYPE_CHECKING:
    from pathlib import Path

SUITES = pytest.mark.parametrize("suite", list(Ciphersuite), ids=lambda suite: suite.name)
KEY = BbsSecretKey.from_key_material(bytes(range(32)))
MESSAGES = [b"first", b"second"]
COMMITTED = commit_blind([b"hidden", b"more"], random=secrets.token_bytes)
SIGNATURE = blind_sign(KEY, COMMITTED.commitment_with_proof, MESSAGES, header=b"h")


def blind_of(given: dict[str, Any]) -> ProverBlind | None:
    return ProverBlind(scalar(given["proverBlind"])) if given["proverBlind"] else None


def signer_blind_of(given: dict[str, Any]) -> bytes | None:
    return bytes.fromhex(given["signerBlind"]) if given["signerBlind"] else None


@SUITES
@pytest.mark.parametrize("number", [1, 2])
def test_each_published_blind_commitment_comes_out(suite: Ciphersuite, number: int, ietf_bbs_blind: Path) -> None:
    given = read(ietf_bbs_blind / FOLDERS[suite] / f"commit/commit{number:03}.json")
    committed = octets(given["committedMessages"])
    made = commit_blind(committed, random=mocked(suite, given, "commit", len(committed) + 2), suite=suite)
    assert made.commitment_with_proof.hex() == given["commitmentWithProof"]
    assert made.blind.to_bytes().hex() == given["proverBlind"]


@SUITES
@pytest.mark.parametrize("number", range(1, 7))
def test_each_published_blind_signature_comes_out(suite: Ciphersuite, number: int, ietf_bbs_blind: Path) -> None:
    given = read(ietf_bbs_blind / FOLDERS[suite] / f"signature/signature{number:03}.json")
    key = BbsSecretKey.from_bytes(bytes.fromhex(given["signerKeyPair"]["secretKey"]))
    messages, header = octets(given["messages"]), bytes.fromhex(given["header"])
    signature = bytes.fromhex(given["signature"])
    made = blind_sign(
        key,
        bytes.fromhex(given["commitmentWithProof"] or ""),
        messages,
        header=header,
        signer_blind=signer_blind_of(given),
        hash_inputs=True,
        suite=suite,
    )
    verify_blind(
        key.public_key,
        signature,
        messages,
        octets(given["committedMessages"] or []),
        header=header,
        blind=blind_of(given),
        signer_blind=signer_blind_of(given),
        suite=suite,
    )
    assert made == signature


@SUITES
@pytest.mark.parametrize("number", range(1, 9))
def test_each_published_blind_proof_comes_out(suite: Ciphersuite, number: int, ietf_bbs_blind: Path) -> None:
    given = read(ietf_bbs_blind / FOLDERS[suite] / f"proof/proof{number:03}.json")
    everything = read(ietf_bbs_blind / "messages.json")
    messages = octets(everything["messages"])
    committed = octets(everything["committedMessages"]) if given["commitmentWithProof"] else []
    key = BbsPublicKey.parse(bytes.fromhex(given["signerPublicKey"]), what="key of a fixture")
    header, occasion = bytes.fromhex(given["header"]), bytes.fromhex(given["presentationHeader"])
    shown, shown_committed = (
        {int(index): bytes.fromhex(text) for index, text in (given[name] or {}).items()}
        for name in ("revealedMessages", "revealedCommittedMessages")
    )
    count = 5 + len(messages) + 1 + len(committed) - len(shown) - len(shown_committed)
    made = prove_blind(
        key,
        bytes.fromhex(given["signature"]),
        messages,
        committed,
        header=header,
        presentation_header=occasion,
        blind=blind_of(given),
        signer_blind=signer_blind_of(given),
        disclosed=shown,
        disclosed_committed=shown_committed,
        random=mocked(suite, given, "proof", count),
        suite=suite,
    )
    verify_blind_proof(
        key,
        bytes.fromhex(given["proof"]),
        shown,
        shown_committed,
        header=header,
        presentation_header=occasion,
        committed_count=len(committed),
        suite=suite,
    )
    assert made.hex() == given["proof"]


def show(disclosed: tuple[int, ...] = (0,), disclosed_committed: tuple[int, ...] = (1,)) -> bytes:
    return prove_blind(
        KEY.public_key,
        SIGNATURE,
        MESSAGES,
        [b"hidden", b"more"],
        header=b"h",
        presentation_header=b"p",
        blind=COMMITTED.blind,
        disclosed=disclosed,
        disclosed_committed=disclosed_committed,
        random=secrets.token_bytes,
    )


def check(proof: bytes, shown: dict[int, bytes], shown_committed: dict[int, bytes], count: int = 2) -> None:
    verify_blind_proof(
        KEY.public_key,
        proof,
        shown,
        shown_committed,
        header=b"h",
        presentation_header=b"p",
        committed_count=count,
    )


def test_what_is_shown_of_a_blind_signature_is_of_its_kind() -> None:
    proof = show()
    check(proof, {0: b"first"}, {1: b"more"})
    for shown, shown_committed in (
        ({0: b"first"}, {0: b"more"}),
        ({0: b"first", 4: b"more"}, {}),
        ({0: b"first"}, {2: b"more"}),
        ({0: b"first"}, {1: b"hidden"}),
    ):
        with pytest.raises(BadBbsProof):
            check(proof, shown, shown_committed)
    with pytest.raises(BadBbsProof):
        check(proof, {0: b"first"}, {1: b"more"}, count=1)
    with pytest.raises(BadBbsProof):
        check(proof, {0: b"first"}, {1: b"more"}, count=6)


@pytest.mark.parametrize(("disclosed", "disclosed_committed"), [((2,), ()), ((), (2,)), ((0, 0), ()), ((), (-1,))])
def test_the_blind_is_never_shown(disclosed: tuple[int, ...], disclosed_committed: tuple[int, ...]) -> None:
    with pytest.raises(UnknownMessage):
        show(disclosed, disclosed_committed)


def test_a_blind_signature_is_verified_with_everything_in_it() -> None:
    hidden = [b"hidden", b"more"]
    verify_blind(KEY.public_key, SIGNATURE, MESSAGES, hidden, header=b"h", blind=COMMITTED.blind)
    for messages, committed, header in (
        (MESSAGES, [b"hidden"], b"h"),
        (MESSAGES[:1], [b"hidden", b"more"], b"h"),
        (MESSAGES, [b"more", b"hidden"], b"h"),
        (MESSAGES, [b"hidden", b"more"], b""),
    ):
        with pytest.raises(BadBbsSignature):
            verify_blind(KEY.public_key, SIGNATURE, messages, committed, header=header, blind=COMMITTED.blind)
    with pytest.raises(BadBbsSignature):
        verify_blind(KEY.public_key, SIGNATURE, MESSAGES, hidden, header=b"h", blind=None)
    with pytest.raises(Malformed):
        verify_blind(
            KEY.public_key,
            SIGNATURE,
            MESSAGES,
            hidden,
            header=b"h",
            blind=COMMITTED.blind,
            signer_blind=bytes(32),
        )


def test_a_commitment_of_another_interface_is_not_signed() -> None:
    other = commit_blind([b"hidden"], random=secrets.token_bytes, suite=Ciphersuite.SHAKE_256)
    with pytest.raises(BadCommitment):
        blind_sign(KEY, other.commitment_with_proof, MESSAGES, header=b"h")
