"""BBS signatures and proofs: the published fixtures, one by one, and what is refused."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from credentials.bbs import (
    BadBbsProof,
    BadBbsSignature,
    BbsPublicKey,
    BbsSecretKey,
    Ciphersuite,
    UnknownMessage,
    prove,
    sign,
    verify,
    verify_proof,
)
from credentials.bbs.interface import MAX_MESSAGES, Interface
from credentials.bbs.secret import draw_scalar
from credentials.errors import Malformed
from tests.support.bbs import FOLDERS, MockedRandom, read

if TYPE_CHECKING:
    from pathlib import Path

SUITES = pytest.mark.parametrize("suite", list(Ciphersuite), ids=lambda suite: suite.name)
KEY = BbsSecretKey.from_key_material(bytes(range(32)))
MESSAGES = [b"TrackOwnershipCredential", b"urn:track:1", b"2026-11", b"", b"copy 7"]
HEADER = b"header"
OCCASION = b"occasion"
SIGNATURE = sign(KEY, MESSAGES, header=HEADER)


def proof_of(*disclosed: int) -> bytes:
    return prove(
        KEY.public_key,
        SIGNATURE,
        MESSAGES,
        header=HEADER,
        presentation_header=OCCASION,
        disclosed=disclosed,
        random=secrets.token_bytes,
    )


# Figures of draft-irtf-cfrg-bbs-signatures Appendix A, so that a bare clone proves something too.


FIGURES = {
    Ciphersuite.SHA_256: (
        (
            "a820f230f6ae38503b86c70dc50b61c58a77e45c39ab25c0652bbaa8fa136f2851bd4781c9dcde39fc9d1d52c9e60268"
            "061e7d7632171d91aa8d460acee0e96f1e7c4cfb12d3ff9ab5d5dc91c277db75c845d649ef3c4f63aebc364cd55ded0c"
        ),
        (
            "84773160b824e194073a57493dac1a20b667af70cd2352d8af241c77658da5253aa8458317cca0eae615690d55b1f271"
            "64657dcafee1d5c1973947aa70e2cfbb4c892340be5969920d0916067b4565a0"
        ),
    ),
    Ciphersuite.SHAKE_256: (
        (
            "92d37d1d6cd38fea3a873953333eab23a4c0377e3e049974eb62bd45949cdeb18fb0490edcd4429adff56e65cbce42cf"
            "188b31bddbd619e419b99c2c41b38179eb001963bc3decaae0d9f702c7a8c004f207f46c734a5eae2e8e82833f3e7ea5"
        ),
        (
            "b9a622a4b404e6ca4c85c15739d2124a1deb16df750be202e2430e169bc27fb71c44d98e6d40792033e1c452145ada95"
            "030832c5dc778334f2f1b528eced21b0b97a12025a283d78b7136bb9825d04ef"
        ),
    ),
}


@SUITES
def test_the_signature_of_the_draft_comes_out(suite: Ciphersuite) -> None:
    public_key, signature = FIGURES[suite]
    material = b"this-IS-just-an-Test-IKM-to-generate-$e(r@t#-key"
    key = BbsSecretKey.from_key_material(material, b"this-IS-some-key-metadata-to-be-used-in-test-key-gen", suite=suite)
    message = bytes.fromhex("9872ad089e452c7b6e283dfac2a80d58e8d0ff71cc4d5e310a1debdda4a45f02")
    header = bytes.fromhex("11223344556677889900aabbccddeeff")
    assert key.public_key.data.hex() == public_key
    assert sign(key, [message], header=header, suite=suite).hex() == signature


@SUITES
def test_keys_hashes_and_generators_are_the_published_ones(suite: Ciphersuite, ietf_bbs: Path) -> None:
    folder, interface = ietf_bbs / FOLDERS[suite], Interface.plain(suite)
    given = read(folder / "keypair.json")
    material, info, dst = (bytes.fromhex(given[name]) for name in ("keyMaterial", "keyInfo", "keyDst"))
    for key in (
        BbsSecretKey.from_key_material(material, info, dst, suite=suite),
        BbsSecretKey.from_key_material(material, info, suite=suite),
    ):
        assert key.to_bytes().hex() == given["keyPair"]["secretKey"]
        assert key.public_key.data.hex() == given["keyPair"]["publicKey"]
    for case in read(folder / "MapMessageToScalarAsHash.json")["cases"]:
        assert interface.map_message(bytes.fromhex(case["message"])).to_be_bytes().hex() == case["scalar"]
    given = read(folder / "h2s.json")
    assert interface.hash_to_scalar(bytes.fromhex(given["message"])).to_be_bytes().hex() == given["scalar"]
    given = read(folder / "generators.json")
    assert suite.base_point.to_compressed_bytes().hex() == given["P1"]
    made = [point.to_compressed_bytes().hex() for point in interface.bases(10, what="test").points]
    assert made == [given["Q1"], *given["MsgGenerators"]]
    given = read(folder / "mockedRng.json")
    random = MockedRandom(suite, given)
    assert [draw_scalar(random).to_be_bytes().hex() for _ in range(given["count"])] == given["mockedScalars"]


@SUITES
def test_the_base_point_is_a_hash_that_hides_nothing(suite: Ciphersuite) -> None:
    tag = suite.value + b"H2G_HM2S_"
    seed = suite.expand(tag + b"BP_MESSAGE_GENERATOR_SEED", tag + b"SIG_GENERATOR_SEED_", 48)
    seed = suite.expand(seed + (1).to_bytes(8), tag + b"SIG_GENERATOR_SEED_", 48)
    assert suite.hash_to_curve(seed, tag + b"SIG_GENERATOR_DST_") == suite.base_point


@SUITES
@pytest.mark.parametrize("number", range(1, 11))
def test_each_published_signature_has_its_verdict(suite: Ciphersuite, number: int, ietf_bbs: Path) -> None:
    given = read(ietf_bbs / FOLDERS[suite] / f"signature/signature{number:03}.json")
    key = BbsSecretKey.from_bytes(bytes.fromhex(given["signerKeyPair"]["secretKey"]))
    public_key = BbsPublicKey.parse(bytes.fromhex(given["signerKeyPair"]["publicKey"]), what="test")
    messages = [bytes.fromhex(message) for message in given["messages"]]
    signature, header = bytes.fromhex(given["signature"]), bytes.fromhex(given["header"])
    if given["result"]["valid"]:
        verify(public_key, signature, messages, header=header, suite=suite)
        assert sign(key, messages, header=header, suite=suite) == signature
    else:
        with pytest.raises(BadBbsSignature):
            verify(public_key, signature, messages, header=header, suite=suite)


@SUITES
@pytest.mark.parametrize("number", range(1, 16))
def test_each_published_proof_has_its_verdict(suite: Ciphersuite, number: int, ietf_bbs: Path) -> None:
    folder = ietf_bbs / FOLDERS[suite]
    given = read(folder / f"proof/proof{number:03}.json")
    public_key = BbsPublicKey.parse(bytes.fromhex(given["signerPublicKey"]), what="test")
    messages = [bytes.fromhex(message) for message in given["messages"]]
    header, occasion = bytes.fromhex(given["header"]), bytes.fromhex(given["presentationHeader"])
    proof, indexes = bytes.fromhex(given["proof"]), given["disclosedIndexes"]
    shown = {index: messages[index] for index in indexes}
    if not given["result"]["valid"]:
        with pytest.raises(BadBbsProof):
            verify_proof(public_key, proof, shown, header=header, presentation_header=occasion, suite=suite)
        return
    verify_proof(public_key, proof, shown, header=header, presentation_header=occasion, suite=suite)
    made = prove(
        public_key,
        bytes.fromhex(given["signature"]),
        messages,
        header=header,
        presentation_header=occasion,
        disclosed=indexes,
        random=MockedRandom(suite, read(folder / "mockedRng.json"), 5 + len(messages) - len(indexes)),
        suite=suite,
    )
    assert made == proof


def test_what_one_ciphersuite_signed_the_other_does_not_verify() -> None:
    with pytest.raises(BadBbsSignature):
        verify(KEY.public_key, SIGNATURE, MESSAGES, header=HEADER, suite=Ciphersuite.SHAKE_256)
    with pytest.raises(BadBbsProof):
        verify_proof(
            KEY.public_key,
            proof_of(0),
            {0: MESSAGES[0]},
            header=HEADER,
            presentation_header=OCCASION,
            suite=Ciphersuite.SHAKE_256,
        )


@pytest.mark.parametrize("disclosed", [(), (4,), (1, 0), (0, 1, 2, 3, 4)])
def test_any_choice_can_be_shown(disclosed: tuple[int, ...]) -> None:
    proof = proof_of(*disclosed)
    assert len(proof) == 272 + 32 * (len(MESSAGES) - len(disclosed))
    shown = {index: MESSAGES[index] for index in disclosed}
    verify_proof(KEY.public_key, proof, shown, header=HEADER, presentation_header=OCCASION)


def test_two_proofs_have_nothing_in_common() -> None:
    first, second = proof_of(1), proof_of(1)
    pieces = {first[at : at + 8] for at in range(len(first) - 7)}
    assert not any(second[at : at + 8] in pieces for at in range(len(second) - 7))


@pytest.mark.parametrize("disclosed", [(5,), (-1,), (0, 0)])
def test_a_message_that_is_not_there_is_not_shown(disclosed: tuple[int, ...]) -> None:
    with pytest.raises(UnknownMessage):
        proof_of(*disclosed)


def test_more_messages_than_any_credential_has_are_not_signed() -> None:
    with pytest.raises(Malformed):
        sign(KEY, [b""] * (MAX_MESSAGES + 1), header=b"")
