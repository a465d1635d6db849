from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credentials.bbs import BbsSecretKey, ProverNym, commit_nym
from credentials.data_integrity import bbs_2023, ecdsa_sd_2023
from credentials.data_integrity.bbs_2023 import Feature
from credentials.data_integrity.errors import ProofError
from credentials.data_integrity.proofs import without_proof
from credentials.data_integrity.selection import select
from credentials.encoding import base64url
from credentials.encoding.strict_json import dump, parse_object
from credentials.errors import HandstampError, Malformed
from credentials.keys.signer import LocalSigner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from credentials.encoding.strict_json import Json

BBS_KEY = BbsSecretKey.from_key_material(bytes(32))
EC_KEY = LocalSigner.generate()
NYM = ProverNym.from_bytes(bytes(31) + b"\7")
COMMITMENT = commit_nym(NYM, random=secrets.token_bytes)
METHOD = "did:example:1#key"
DOMAIN = "https://shop.example/gates/1"

_SCALARS = st.text('aä\u2028\U0001f3b8"\\ ', max_size=6) | st.booleans() | st.integers(-9, 99)
_NAMES = st.sampled_from(["aa", "ab", "é", "x/y", "p~q", "z9"])


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(_NAMES, inner, min_size=1, max_size=3)


_VALUES = st.recursive(
    _SCALARS,
    lambda inner: _objects(inner) | st.lists(inner.filter(lambda x: not isinstance(x, list)), min_size=1, max_size=3),
    max_leaves=6,
)


def build_document(claims: dict[str, Any]) -> dict[str, Any]:
    return {
        "@context": ["https://www.w3.org/ns/credentials/v2", {"@vocab": "https://town.example/"}],
        "type": ["VerifiableCredential"],
        "issuer": "did:example:1",
        "credentialSubject": claims,
    }


def list_pointers(value: Json, path: str = "/credentialSubject") -> Iterator[str]:
    """Give a pointer to every part of a value."""
    yield path
    if isinstance(value, dict):
        for name, member in value.items():
            yield from list_pointers(member, f"{path}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from list_pointers(element, f"{path}/{index}")


@st.composite
def documents(draw: st.DrawFn) -> tuple[dict[str, Any], list[str], list[str]]:
    """Draw a document, what of it is mandatory, and what is shown beside that."""
    claims = draw(_objects(_VALUES))
    pointers = st.lists(st.sampled_from(list(list_pointers(claims))), max_size=3, unique=True)
    return build_document(claims), ["/issuer", *draw(pointers)], draw(pointers)


@settings(max_examples=20)
@given(documents())
def test_any_selection_of_any_claims_is_shown_and_verified(drawn: tuple[dict[str, Any], list[str], list[str]]) -> None:
    document, mandatory, selective = drawn
    given_: dict[str, Any] = {"verification_method": METHOD, "mandatory": mandatory, "random": secrets.token_bytes}
    expected = select(document, [*mandatory, *selective])

    with_bbs = bbs_2023.add_base_proof(document, secret_key=BBS_KEY, **given_)
    base = bbs_2023.open_base(with_bbs, public_key=BBS_KEY.public_key)
    shown = bbs_2023.derive(base, selective=selective, presentation_header=b"a", random=secrets.token_bytes)
    assert bbs_2023.verify_derived(shown, public_key=BBS_KEY.public_key).document == expected

    with_ecdsa = ecdsa_sd_2023.add_base_proof(document, signer=EC_KEY, **given_)
    shown = ecdsa_sd_2023.derive(with_ecdsa, selective=selective)
    ecdsa_sd_2023.verify_derived(shown, key=EC_KEY.public_key)
    assert without_proof(shown) == expected


def _derive_one() -> dict[str, Any]:
    secured = bbs_2023.add_base_proof(
        build_document({"name": "Möbius Strip", "by": {"name": "The Loops"}, "code": "QZABC2600001"}),
        secret_key=BBS_KEY,
        verification_method=METHOD,
        mandatory=["/issuer"],
        random=secrets.token_bytes,
        feature=Feature.PSEUDONYM,
        commitment_with_proof=COMMITMENT.commitment_with_proof,
        entropy=bytes(31) + b"\5",
    )
    base = bbs_2023.open_base(secured, public_key=BBS_KEY.public_key, prover_nym=NYM, blind=COMMITMENT.blind)
    return bbs_2023.derive(
        base,
        selective=["/credentialSubject/by", "/credentialSubject/code"],
        presentation_header=bytes(32),
        nym_domain=DOMAIN,
        random=secrets.token_bytes,
    )


SHOWN_BBS = _derive_one()
SHOWN_ECDSA: dict[str, Any] = ecdsa_sd_2023.derive(
    ecdsa_sd_2023.add_base_proof(
        build_document({"name": "Möbius Strip", "code": "QZABC2600001"}),
        signer=EC_KEY,
        verification_method=METHOD,
        mandatory=["/issuer"],
        random=secrets.token_bytes,
    ),
    selective=["/credentialSubject/code"],
)


def flip(data: bytes, bit: int) -> bytes:
    """Change one bit; `bit` is taken from the beginning again behind the end."""
    byte, place = divmod(bit % (8 * len(data)), 8)
    return data[:byte] + bytes([data[byte] ^ 1 << place]) + data[byte + 1 :]


def verify(shown: dict[str, Any]) -> None:
    if shown["proof"]["cryptosuite"] == "bbs-2023":
        bbs_2023.verify_derived(shown, public_key=BBS_KEY.public_key)
    else:
        ecdsa_sd_2023.verify_derived(shown, key=EC_KEY.public_key)


@settings(max_examples=80)
@given(st.booleans(), st.integers(0, 2**16))
def test_a_proof_with_one_bit_changed_is_refused(with_bbs: bool, bit: int) -> None:
    shown = SHOWN_BBS if with_bbs else SHOWN_ECDSA
    value = flip(base64url.decode(shown["proof"]["proofValue"][1:], what="value"), bit)
    changed = {**shown, "proof": {**shown["proof"], "proofValue": "u" + base64url.encode(value)}}
    with pytest.raises((ProofError, Malformed)):
        verify(changed)


# pyld warns of terms that look like keywords, then leaves them out, which is refused.
@pytest.mark.filterwarnings("ignore:.*reserved for future use:SyntaxWarning")
@settings(max_examples=40)
@given(st.booleans(), st.integers(0, 2**14))
def test_a_shown_document_with_one_bit_changed_is_refused(with_bbs: bool, bit: int) -> None:
    shown = SHOWN_BBS if with_bbs else SHOWN_ECDSA
    with pytest.raises(HandstampError):
        verify({**parse_object(flip(dump(without_proof(shown)), bit), what="test"), "proof": shown["proof"]})


@pytest.mark.parametrize("shown", [SHOWN_BBS, SHOWN_ECDSA], ids=["bbs", "ecdsa"])
def test_what_was_not_changed_is_accepted(shown: dict[str, Any]) -> None:
    verify(shown)
