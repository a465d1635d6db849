"""Pseudonyms: the published fixtures, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from credentials.bbs import (
    BbsPublicKey,
    BbsSecretKey,
    Ciphersuite,
    ProverBlind,
)
from credentials.bbs.commitments import Commitment, commit
from credentials.bbs.nym_vectors import Holding, NymCheck, context_point, nym_interface, sign_nyms
from tests.support.bbs import FOLDERS, mocked, octets, read, scalar

if TYPE_CHECKING:
    from pathlib import Path

SUITES = pytest.mark.parametrize("suite", list(Ciphersuite), ids=lambda suite: suite.name)


def test_a_generator_and_a_pseudonym_of_the_draft_come_out() -> None:
    # draft-irtf-cfrg-bbs-pseudonyms-03, appendix: so that a bare clone proves something too.
    interface = nym_interface(Ciphersuite.SHA_256)
    context = bytes.fromhex("bbb4750cdce6d2122bb4c4f039b6ad5a79f028eb448013a38636a95d63af360a")
    assert context_point(interface, context).to_compressed_bytes().hex() == (
        "83f72c76d9bdc5765d0bc3bd4e1c5fc0428cb894fe53a62fdad80c28d295005b0f378d637bda32c1aa3df77c6d3ab884"
    )


@SUITES
@pytest.mark.parametrize("number", range(1, 5))
def test_each_published_commitment_comes_out(suite: Ciphersuite, number: int, cfrg_bbs_pseudonyms: Path) -> None:
    given = read(cfrg_bbs_pseudonyms / FOLDERS[suite] / f"nymCommit/nymCommit{number:03}.json")
    interface = nym_interface(suite)
    hidden = [
        *interface.map_messages(octets(given["committedMessages"])),
        *(scalar(text) for text in given["proverNyms"]),
    ]
    random = mocked(suite, given, "commit", len(hidden) + 2)
    blind = ProverBlind.generate(random)
    assert blind.to_bytes().hex() == given["proverBlind"].zfill(64)
    made = commit(interface, hidden, blind=blind, random=random)
    assert made.hex() == given["commitmentWithProof"]
    assert Commitment.check(interface, made).count == len(hidden)


@SUITES
@pytest.mark.parametrize("number", range(1, 7))
def test_each_published_signature_over_a_nym_comes_out(
    suite: Ciphersuite, number: int, cfrg_bbs_pseudonyms: Path
) -> None:
    given = read(cfrg_bbs_pseudonyms / FOLDERS[suite] / f"nymSignature/nymSignature{number:03}.json")
    key = BbsSecretKey.from_bytes(bytes.fromhex(given["signerKeyPair"]["secretKey"]))
    messages, header = octets(given["messages"]), bytes.fromhex(given["header"])
    nyms = [scalar(text) for text in given["nym_secrets"]]
    signature = sign_nyms(
        key,
        Commitment.check(nym_interface(suite), bytes.fromhex(given["commitmentWithProof"])),
        messages,
        header=header,
        entropy=scalar(given["signer_nym_entropy"]),
        nyms=len(nyms),
        suite=suite,
    )
    assert signature.hex() == given["signature"]
    Holding.of(
        key.public_key,
        signature,
        messages,
        header=header,
        blind=ProverBlind(scalar(given["proverBlind"])),
        committed=octets(given["committedMessages"]),
        nyms=nyms,
        suite=suite,
    ).verify()


def holding_of(given: dict[str, Any], key: BbsPublicKey, suite: Ciphersuite) -> Holding:
    return Holding.of(
        key,
        bytes.fromhex(given["signature"]),
        octets(given["messages"]),
        header=bytes.fromhex(given["header"]),
        blind=ProverBlind(scalar(given["proverBlind"])),
        committed=octets(given["committedMessages"]),
        nyms=[scalar(text) for text in given["nym_secrets"]],
        suite=suite,
    )


@SUITES
@pytest.mark.parametrize("number", [*range(1, 8), *range(101, 105)])
def test_each_published_proof_with_a_pseudonym_comes_out(
    suite: Ciphersuite, number: int, cfrg_bbs_pseudonyms: Path
) -> None:
    given = read(cfrg_bbs_pseudonyms / FOLDERS[suite] / f"nymProof/nymProof{number:03}.json")
    key = BbsPublicKey.parse(bytes.fromhex(given["signerPublicKey"]), what="key of a fixture")
    header, occasion, context = (bytes.fromhex(given[name]) for name in ("header", "presentationHeader", "context_id"))
    shown, shown_committed = (
        {int(index): bytes.fromhex(text) for index, text in given[name].items()}
        for name in ("revealedMessages", "revealedCommittedMessages")
    )
    held = holding_of(given, key, suite)
    proof, pseudonym = held.prove(
        presentation_header=occasion,
        context_id=context,
        disclosed=shown,
        disclosed_committed=shown_committed,
        random=mocked(suite, given, "proof", 5 + len(held.scalars) - len(shown) - len(shown_committed)),
    )
    assert (proof.hex(), pseudonym.hex()) == (given["proof"], given["pseudonym"])
    NymCheck(
        public_key=key,
        proof=proof,
        pseudonym=pseudonym,
        disclosed=shown,
        header=header,
        presentation_header=occasion,
        context_id=context,
        committed_count=len(given["committedMessages"]),
        disclosed_committed=shown_committed,
        suite=suite,
        nym_count=len(given["nym_secrets"]),
    ).verify()
