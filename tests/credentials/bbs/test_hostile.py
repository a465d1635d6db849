"""What strangers may send instead of keys, signatures and proofs: each is refused, and for its own reason."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credentials.bbs import (
    BadBbsProof,
    BadBbsSignature,
    BbsPublicKey,
    BbsSecretKey,
    ProverNym,
    commit_nym,
    finalize_nym,
    prove,
    prove_with_nym,
    sign,
    sign_with_nym,
    verify,
    verify_nym_proof,
    verify_proof,
)
from credentials.bbs.curve import FIELD_ORDER, ORDER, G1Point, add_products, read_g1
from credentials.encoding.multibase import encode_base58btc
from credentials.errors import Malformed

KEY = BbsSecretKey.from_key_material(bytes(range(32)))
PUBLIC = KEY.public_key
MESSAGES = [b"TrackOwnershipCredential", b"urn:track:1", b"2026-11", b"none"]
SIGNATURE = sign(KEY, MESSAGES, header=b"h")
PROOF = prove(
    PUBLIC,
    SIGNATURE,
    MESSAGES,
    header=b"h",
    presentation_header=b"p",
    disclosed=[0, 2],
    random=secrets.token_bytes,
)
SHOWN = {0: MESSAGES[0], 2: MESSAGES[2]}
IDENTITY_G1, IDENTITY_G2 = b"\xc0" + bytes(47), b"\xc0" + bytes(95)
ON_THE_CURVE_ALONE = b"\x80" + bytes(46) + b"\x04"  # x = 4 is on the curve, and in no subgroup of prime order.
OFF_THE_CURVE = b"\x80" + bytes(46) + b"\x01"
ON_THE_TWIST_ALONE = b"\x80" + bytes(94) + b"\x02"
# Twice the base point has an x that is small enough to be written beyond the order of the field, too.
TWICE = int.from_bytes((G1Point() + G1Point()).to_compressed_bytes())
TOO_LARGE = (TWICE + FIELD_ORDER).to_bytes(48)
UNCOMPRESSED = bytes([PROOF[0] & 0x7F]) + PROOF[1:48]
OTHER_IDENTITY = b"\xe0" + bytes(47)
IDENTITY_WITH_MORE = b"\xc0" + bytes(46) + b"\x01"

NO_POINTS = {
    "off the curve": (OFF_THE_CURVE, "no point of the group G1"),
    "wrong subgroup": (ON_THE_CURVE_ALONE, "no point of the group G1"),
    "coordinate too large": (TOO_LARGE, "no point of the group G1"),
    "uncompressed": (UNCOMPRESSED, "no point of the group G1"),
    "zeros": (bytes(48), "no point of the group G1"),
    "ones": (b"\xff" * 48, "G1"),
    "identity": (IDENTITY_G1, "identity"),
    "identity with a sign": (OTHER_IDENTITY, "identity"),
    "identity with more": (IDENTITY_WITH_MORE, "identity"),
}
NO_SCALARS = {
    "zero": bytes(32),
    "the order": ORDER.to_bytes(32),
    "one more than the order": (ORDER + 1).to_bytes(32),
    "all ones": b"\xff" * 32,
}


def check(proof: bytes, shown: dict[int, bytes] | None = None) -> None:
    verify_proof(PUBLIC, proof, SHOWN if shown is None else shown, header=b"h", presentation_header=b"p")


@pytest.mark.parametrize("place", [0, 48, 96])
@pytest.mark.parametrize("name", NO_POINTS)
def test_a_proof_with_something_that_is_no_point_of_the_group_is_refused(place: int, name: str) -> None:
    point, reason = NO_POINTS[name]
    with pytest.raises(Malformed, match=reason):
        check(PROOF[:place] + point + PROOF[place + 48 :])


@pytest.mark.parametrize("place", range(144, len(PROOF), 32))
@pytest.mark.parametrize("name", NO_SCALARS)
def test_a_proof_with_a_number_that_is_not_canonical_is_refused(place: int, name: str) -> None:
    with pytest.raises(Malformed, match="a scalar in it"):
        check(PROOF[:place] + NO_SCALARS[name] + PROOF[place + 32 :])


@pytest.mark.parametrize(
    ("proof", "reason"),
    [
        (b"", "a length that no proof has"),
        (PROOF[:-1], "a length that no proof has"),
        (PROOF + b"\x01", "a length that no proof has"),
        (PROOF[:271], "a length that no proof has"),
        (PROOF + PROOF[144:176] * 1_000, "more than 1000 messages"),
        (PROOF + PROOF[144:176] * 997, "more than 1000 messages"),
    ],
    ids=["empty", "short", "long", "below the least", "huge", "one too many"],
)
def test_a_proof_of_an_impossible_length_is_refused_before_any_work(proof: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        check(proof)


@pytest.mark.parametrize(
    "proof",
    [PROOF[:-32], PROOF + PROOF[-32:], PROOF[:144] + PROOF[176:], PROOF[48:96] + PROOF[:48] + PROOF[96:]],
    ids=["one number less", "one number more", "another number less", "points exchanged"],
)
def test_a_proof_whose_parts_were_moved_proves_nothing(proof: bytes) -> None:
    with pytest.raises(BadBbsProof):
        check(proof)


@pytest.mark.parametrize(
    "shown",
    [
        {},
        {0: MESSAGES[0]},
        {0: MESSAGES[2], 2: MESSAGES[0]},
        {0: MESSAGES[0], 1: MESSAGES[2]},
        {0: MESSAGES[0], 2: MESSAGES[2], 1: MESSAGES[1]},
        {0: MESSAGES[0], 4: MESSAGES[2]},
        {0: MESSAGES[0], 2**64 + 2: MESSAGES[2]},
        {0: MESSAGES[0], -2: MESSAGES[2]},
        {0: MESSAGES[0], 2: b""},
        {0: MESSAGES[0], 2: b"2026-12"},
    ],
)
def test_what_was_not_shown_at_its_place_is_not_proved(shown: dict[int, bytes]) -> None:
    with pytest.raises(BadBbsProof):
        check(PROOF, shown)


@pytest.mark.parametrize("name", NO_POINTS)
def test_a_signature_with_something_that_is_no_point_of_the_group_is_refused(name: str) -> None:
    point, reason = NO_POINTS[name]
    with pytest.raises(Malformed, match=reason):
        verify(PUBLIC, point + SIGNATURE[48:], MESSAGES, header=b"h")


@pytest.mark.parametrize("name", NO_SCALARS)
def test_a_signature_with_a_number_that_is_not_canonical_is_refused(name: str) -> None:
    with pytest.raises(Malformed, match="a scalar in it"):
        verify(PUBLIC, SIGNATURE[:48] + NO_SCALARS[name], MESSAGES, header=b"h")


@pytest.mark.parametrize("signature", [b"", SIGNATURE[:79], SIGNATURE + b"\x01", SIGNATURE * 100])
def test_a_signature_of_another_length_is_refused(signature: bytes) -> None:
    with pytest.raises(Malformed, match="not 80 bytes"):
        verify(PUBLIC, signature, MESSAGES, header=b"h")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no point of the group G2"),
        (PUBLIC.data[:95], "no point of the group G2"),
        (PUBLIC.data + b"\x01", "no point of the group G2"),
        (PUBLIC.data[:48], "no point of the group G2"),
        (ON_THE_TWIST_ALONE, "no point of the group G2"),
        (b"\x80" + bytes(95), "no point of the group G2"),
        (b"\xff" * 96, "G2"),
        (IDENTITY_G2, "identity"),
        (b"\xe0" + bytes(95), "identity"),
        (b"\xc0" + bytes(94) + b"\x01", "identity"),
    ],
    ids=["empty", "short", "long", "G1", "subgroup", "off", "ones", "identity", "signed identity", "more"],
)
def test_what_is_no_point_of_the_other_group_is_no_key(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        BbsPublicKey.parse(data, what="key")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "base58btc"),
        ("u" + PUBLIC.multikey[1:], "base58btc"),
        ("z0" + PUBLIC.multikey[2:], "does not have"),
        (encode_base58btc(b"\xed\x01" + PUBLIC.data), "not a BLS12-381 key"),
        (encode_base58btc(b"\xea\x01" + PROOF[:48]), "not a BLS12-381 key"),
        (encode_base58btc(b"\xeb\x01" + PUBLIC.data[:95]), "not a BLS12-381 key"),
        (encode_base58btc(b"\xeb\x01" + PUBLIC.data + b"\x01"), "not a BLS12-381 key"),
        (encode_base58btc(b"\xeb\x01" + IDENTITY_G2), "identity"),
        (PUBLIC.multikey * 2, "longer than"),
    ],
    ids=range(9),
)
def test_a_multikey_of_another_kind_is_no_bbs_key(text: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        BbsPublicKey.from_multikey(text, what="key")


def test_a_key_is_its_bytes() -> None:
    again = BbsPublicKey.from_multikey(PUBLIC.multikey, what="key")
    assert again == PUBLIC
    assert hash(again) == hash(PUBLIC)
    assert PUBLIC.multikey.startswith("zUC7")  # vc-di-bbs §2.1.1
    assert PUBLIC.multikey in repr(KEY)
    assert BbsSecretKey.generate().public_key != BbsSecretKey.generate().public_key


@pytest.mark.parametrize("data", [*NO_SCALARS.values(), b"", bytes(31) + b"\x01\x01"])
def test_a_secret_that_is_no_scalar_is_not_read(data: bytes) -> None:
    with pytest.raises(Malformed):
        BbsSecretKey.from_bytes(data)


def test_key_material_is_long_and_its_info_short() -> None:
    with pytest.raises(Malformed):
        BbsSecretKey.from_key_material(bytes(31))
    with pytest.raises(Malformed):
        BbsSecretKey.from_key_material(bytes(32), bytes(65_536))


@settings(max_examples=30)
@given(st.integers(0, len(PROOF) * 8 - 1))
def test_any_bit_of_a_proof_that_is_turned_breaks_it(bit: int) -> None:
    changed = (int.from_bytes(PROOF) ^ 1 << bit).to_bytes(len(PROOF))
    with pytest.raises((BadBbsProof, Malformed)):
        check(changed)


@settings(max_examples=15)
@given(st.integers(0, 639))
def test_any_bit_of_a_signature_that_is_turned_breaks_it(bit: int) -> None:
    changed = (int.from_bytes(SIGNATURE) ^ 1 << bit).to_bytes(80)
    with pytest.raises((BadBbsSignature, Malformed)):
        verify(PUBLIC, changed, MESSAGES, header=b"h")


@settings(max_examples=12)
@given(st.lists(st.binary(max_size=40), max_size=6), st.sets(st.integers(0, 5)), st.binary(max_size=9), st.booleans())
def test_any_messages_and_any_choice_round_trip_with_and_without_a_nym(
    messages: list[bytes], chosen: set[int], header: bytes, with_nym: bool
) -> None:
    shown = {index: messages[index] for index in sorted(chosen) if index < len(messages)}
    (round_trip_with_a_nym if with_nym else round_trip)(messages, shown, header)


def round_trip(messages: list[bytes], shown: dict[int, bytes], header: bytes) -> None:
    signature = sign(KEY, messages, header=header)
    verify(PUBLIC, signature, messages, header=header)
    proof = prove(
        PUBLIC,
        signature,
        messages,
        header=header,
        presentation_header=header,
        disclosed=shown,
        random=secrets.token_bytes,
    )
    verify_proof(PUBLIC, proof, shown, header=header, presentation_header=header)


def round_trip_with_a_nym(messages: list[bytes], shown: dict[int, bytes], header: bytes) -> None:
    nym, entropy = ProverNym.generate(secrets.token_bytes), bytes(31) + b"\x01"
    made = commit_nym(nym, random=secrets.token_bytes)
    signature = sign_with_nym(KEY, made.commitment_with_proof, messages, header=header, entropy=entropy)
    secret = finalize_nym(PUBLIC, signature, messages, header=header, prover_nym=nym, blind=made.blind, entropy=entropy)
    proved = prove_with_nym(
        PUBLIC,
        signature,
        messages,
        header=header,
        presentation_header=header,
        context_id=b"gate",
        nym=secret,
        blind=made.blind,
        disclosed=shown,
        random=secrets.token_bytes,
    )
    verify_nym_proof(
        PUBLIC,
        proved.proof,
        proved.pseudonym,
        shown,
        header=header,
        presentation_header=header,
        context_id=b"gate",
    )


def test_the_coordinate_that_is_too_large_is_that_of_a_point() -> None:
    assert (TWICE + FIELD_ORDER) >> 381 == TWICE >> 381
    assert read_g1(TWICE.to_bytes(48), what="point") == G1Point() + G1Point()


def test_sums_take_as_many_points_as_scalars() -> None:
    with pytest.raises(AssertionError):
        add_products([], [NO_SCALARS])  # type: ignore[list-item]
