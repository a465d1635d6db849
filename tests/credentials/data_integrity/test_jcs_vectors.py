from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from credentials.data_integrity import ecdsa_jcs_2019, eddsa_jcs_2022
from credentials.data_integrity.hashing import HashName, hash_data, write_json
from credentials.data_integrity.proofs import read_proofs, without_proof
from credentials.encoding.date_time import parse_date_time
from credentials.encoding.multibase import decode_base58btc
from tests.support.vectors_whole import check_steps, read, read_key, read_signer

if TYPE_CHECKING:
    from pathlib import Path

    from credentials.data_integrity.jcs import JcsSuite

SETS = [
    ("w3c-vc-di-eddsa", "eddsa-jcs-2022", "JCS", eddsa_jcs_2022.SUITE, HashName.SHA_256),
    ("w3c-vc-di-ecdsa", "ecdsa-jcs-2019-p256", "JCSECDSAP256", ecdsa_jcs_2019.SUITE, HashName.SHA_256),
    ("w3c-vc-di-ecdsa", "ecdsa-jcs-2019-p384", "JCSECDSAP384", ecdsa_jcs_2019.SUITE, HashName.SHA_384),
]


@pytest.mark.parametrize(("source", "folder", "suffix", "suite", "hash_name"), SETS, ids=[each[1] for each in SETS])
def test_every_step_of_the_published_vectors(
    vectors_dir: Path, source: str, folder: str, suffix: str, suite: JcsSuite, hash_name: HashName
) -> None:
    vectors = vectors_dir / source / "TestVectors" / folder
    signed = read(vectors, f"signed{suffix}.json")
    assert without_proof(signed) == read(vectors.parent, "unsigned.json")
    (proof,) = read_proofs(signed)
    configuration = {name: value for name, value in proof.members.items() if name != "proofValue"}
    check_steps(vectors, suffix, proof, configuration, write_json, hash_name)
    suite.verify_proof(signed, proof, key=read_key(proof.verification_method))


def test_an_ed25519_proof_made_here_is_the_published_one(vectors_dir: Path) -> None:
    # RFC 8032 §5.1.6: the same key and bytes give the same signature.
    vectors = vectors_dir / "w3c-vc-di-eddsa" / "TestVectors"
    signed = read(vectors / "eddsa-jcs-2022", "signedJCS.json")
    made = eddsa_jcs_2022.add_proof(
        read(vectors, "unsigned.json"),
        signer=read_signer(read(vectors, "keyPair.json")["privateKeyMultibase"]),
        verification_method=signed["proof"]["verificationMethod"],
        created=parse_date_time(signed["proof"]["created"], what="test"),
    )
    assert made == signed


@pytest.mark.parametrize("curve", ["p256", "p384"])
def test_the_published_ecdsa_keys_make_the_published_proof_but_for_its_value(vectors_dir: Path, curve: str) -> None:
    vectors = vectors_dir / "w3c-vc-di-ecdsa" / "TestVectors"
    signed = read(vectors / f"ecdsa-jcs-2019-{curve}", f"signedJCSECDSA{curve.upper()}.json")
    made = ecdsa_jcs_2019.add_proof(
        read(vectors, "unsigned.json"),
        signer=read_signer(read(vectors, f"{curve}KeyPair.json")["secretKeyMultibase"]),
        verification_method=signed["proof"]["verificationMethod"],
        created=parse_date_time(signed["proof"]["created"], what="test"),
    )
    (proof,) = read_proofs(made)
    assert {**proof.members, "proofValue": signed["proof"]["proofValue"]} == signed["proof"]
    ecdsa_jcs_2019.verify_proof(made, proof, key=read_key(proof.verification_method))


def test_the_figures_of_vc_di_eddsa_hold_without_the_folder_of_vectors() -> None:
    # vc-di-eddsa, the test vectors of eddsa-jcs-2022: both hashes, and the signature over them.
    contexts = ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"]
    document = {
        "@context": [*contexts],
        "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
        "type": ["VerifiableCredential", "AlumniCredential"],
        "name": "Alumni Credential",
        "description": "A minimum viable example of an Alumni Credential.",
        "issuer": "https://vc.example/issuers/5678",
        "validFrom": "2023-01-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:abcdefgh", "alumniOf": "The School of Examples"},
    }
    key = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
    configuration = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "created": "2023-02-24T23:36:38Z",
        "verificationMethod": f"did:key:{key}#{key}",
        "proofPurpose": "assertionMethod",
        "@context": [*contexts],
    }
    data = hash_data(document, configuration, hash_name=HashName.SHA_256, write=write_json)
    assert data.hex() == (
        "66ab154f5c2890a140cb8388a22a160454f80575f6eae09e5a097cabe539a1db"
        "59b7cb6251b8991add1ce0bc83107e3db9dbbab5bd2c28f687db1a03abc92f19"
    )
    value = "z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFuUfjoJdcnTMuVor51aX"
    read_key(f"#{key}").verify(decode_base58btc(value, what="test", max_characters=100), data)
