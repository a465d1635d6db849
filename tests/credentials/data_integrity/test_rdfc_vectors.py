from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from credentials.data_integrity import ecdsa_rdfc_2019, ed25519_signature_2020, eddsa_rdfc_2022
from credentials.data_integrity.errors import BadProof, ChainUnsupported, UnsupportedSuite
from credentials.data_integrity.hashing import HashName, hash_data, write_statements
from credentials.data_integrity.proofs import build_configuration, read_proofs, without_proof
from credentials.data_integrity.suites import SUITES
from credentials.encoding.date_time import parse_date_time
from credentials.encoding.multibase import decode_base58btc
from credentials.errors import Malformed
from credentials.linked_data import canonicalize
from tests.support.vectors_whole import check_steps, read, read_key, read_signer

if TYPE_CHECKING:
    from pathlib import Path

    from credentials.data_integrity.adding import ProofOptions
    from credentials.data_integrity.rdfc import RdfcSuite

pytestmark = pytest.mark.usefixtures("trial")
_KEY = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
_METHOD = f"did:key:{_KEY}#{_KEY}"
SETS = [
    ("w3c-vc-di-eddsa", "eddsa-rdfc-2022", "DataInt", eddsa_rdfc_2022.SUITE, HashName.SHA_256),
    ("w3c-vc-di-eddsa", "eddsa-rdfc-2022/employ", "DataInt", eddsa_rdfc_2022.SUITE, HashName.SHA_256),
    ("w3c-vc-di-ecdsa", "ecdsa-rdfc-2019-p256", "ECDSAP256", ecdsa_rdfc_2019.SUITE, HashName.SHA_256),
    ("w3c-vc-di-ecdsa", "ecdsa-rdfc-2019-p256/employ", "ECDSAP256", ecdsa_rdfc_2019.SUITE, HashName.SHA_256),
    ("w3c-vc-di-ecdsa", "ecdsa-rdfc-2019-p384", "ECDSAP384", ecdsa_rdfc_2019.SUITE, HashName.SHA_384),
    ("w3c-vc-di-ecdsa", "ecdsa-rdfc-2019-p384/employ", "ECDSAP384", ecdsa_rdfc_2019.SUITE, HashName.SHA_384),
]


@pytest.mark.parametrize(("source", "folder", "suffix", "suite", "hash_name"), SETS, ids=[each[1] for each in SETS])
def test_every_step_of_the_published_vectors(
    vectors_dir: Path, source: str, folder: str, suffix: str, suite: RdfcSuite, hash_name: HashName
) -> None:
    vectors = vectors_dir / source / "TestVectors" / folder
    signed = read(vectors, f"signed{suffix}.json")
    unsigned = "employmentAuth.json" if vectors.name == "employ" else "unsigned.json"
    assert without_proof(signed) == read(vectors_dir / source / "TestVectors", unsigned)
    (proof,) = read_proofs(signed)
    check_steps(vectors, suffix, proof, proof.build_options(signed), write_statements, hash_name)
    suite.verify_proof(signed, proof, key=read_key(proof.verification_method))


@pytest.mark.parametrize("folder", ["eddsa-rdfc-2022", "eddsa-rdfc-2022/employ"])
def test_an_ed25519_proof_made_here_is_the_published_one(vectors_dir: Path, folder: str) -> None:
    # RFC 8032 §5.1.6: the same key and bytes give the same signature.
    vectors = vectors_dir / "w3c-vc-di-eddsa" / "TestVectors"
    signed = read(vectors / folder, "signedDataInt.json")
    signer = read_signer(read(vectors, "keyPair.json")["privateKeyMultibase"])
    made = eddsa_rdfc_2022.add_proof(
        without_proof(signed),
        signer=signer,
        verification_method=signed["proof"]["verificationMethod"],
        created=parse_date_time(signed["proof"]["created"], what="test"),
    )
    assert made == signed


@pytest.mark.parametrize("curve", ["p256", "p384"])
def test_the_published_ecdsa_keys_sign_what_their_public_keys_verify(vectors_dir: Path, curve: str) -> None:
    vectors = vectors_dir / "w3c-vc-di-ecdsa" / "TestVectors"
    pair = read(vectors, f"{curve}KeyPair.json")
    signer = read_signer(pair["secretKeyMultibase"])
    assert signer.public_key.multikey == pair["publicKeyMultibase"]
    method = f"did:key:{pair['publicKeyMultibase']}#{pair['publicKeyMultibase']}"
    made = ecdsa_rdfc_2019.add_proof(read(vectors, "unsigned.json"), signer=signer, verification_method=method)
    ecdsa_rdfc_2019.verify_proof(made, read_proofs(made)[0], key=read_key(method))


@pytest.mark.parametrize(
    ("secured", "key", "config", "expected"),
    [
        ("unsigned.json", "keyPair1", "proofSetConfig1.json", "signedProofSet1.json"),
        ("signedProofSet1.json", "keyPair2", "proofSetConfig2.json", "signedProofSet2.json"),
        ("signedProofSet2.json", "keyPair3", "proofChainConfig1.json", "signedProofChain1.json"),
        ("signedProofChain1.json", "keyPair4", "proofChainConfig2.json", "signedProofChain2.json"),
    ],
)
def test_sets_and_chains_grow_as_published(
    vectors_dir: Path, secured: str, key: str, config: str, expected: str
) -> None:
    vectors = vectors_dir / "w3c-vc-di-eddsa" / "TestVectors" / "proof-set-chain"
    signer = read_signer(read(vectors, "multiKeyPairs.json")[key]["privateKeyMultibase"])
    published = read(vectors, config)
    options: ProofOptions = {
        "created": parse_date_time(published["created"], what="test"),
        "proof_id": published.get("id"),
        "previous_proof": published.get("previousProof"),
    }
    made = eddsa_rdfc_2022.add_proof(
        read(vectors, secured), signer=signer, verification_method=published["verificationMethod"], **options
    )
    assert made == read(vectors, expected)
    made_proof = read_proofs(made)[-1]
    configured = config.replace("Config", "ConfigSigned")
    assert dict(made_proof.members) == read(vectors, configured)


@pytest.mark.parametrize("number", [1, 2])
def test_what_a_proof_in_a_chain_signs_is_the_published_document(vectors_dir: Path, number: int) -> None:
    vectors = vectors_dir / "w3c-vc-di-eddsa" / "TestVectors" / "proof-set-chain"
    document = read(vectors, f"proofChainTempDoc{number}.json")
    configured = read(vectors, f"proofChainConfigSigned{number}.json")
    value = configured.pop("proofValue")
    data = hash_data(document, build_configuration(configured, document), hash_name=HashName.SHA_256)
    signature = decode_base58btc(value, what="proof", max_characters=100)
    read_key(configured["verificationMethod"]).verify(signature, data)


def test_the_figures_of_vc_di_eddsa_hold_without_the_folder_of_vectors() -> None:
    # vc-di-eddsa Appendix B.1: the canonical options of the first example, and their hash.
    options = "".join(
        f"_:c14n0 <{predicate}> {value} .\n"
        for predicate, value in [
            (
                "http://purl.org/dc/terms/created",
                '"2023-02-24T23:36:38Z"^^<http://www.w3.org/2001/XMLSchema#dateTime>',
            ),
            (
                "http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
                "<https://w3id.org/security#DataIntegrityProof>",
            ),
            (
                "https://w3id.org/security#cryptosuite",
                '"eddsa-rdfc-2022"^^<https://w3id.org/security#cryptosuiteString>',
            ),
            ("https://w3id.org/security#proofPurpose", "<https://w3id.org/security#assertionMethod>"),
            ("https://w3id.org/security#verificationMethod", f"<{_METHOD}>"),
        ]
    )
    configuration = {
        "@context": ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"],
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "created": "2023-02-24T23:36:38Z",
        "verificationMethod": _METHOD,
        "proofPurpose": "assertionMethod",
    }
    assert canonicalize(configuration).text == options
    assert (
        hashlib.sha256(options.encode()).hexdigest()
        == "bea7b7acfbad0126b135104024a5f1733e705108f42d59668b05c0c50004c6b0"
    )


@pytest.fixture(scope="module")
def older(vectors_dir: Path) -> Path:
    return vectors_dir / "w3c-vc-di-eddsa" / "TestVectors" / "Ed25519Signature2020"


def test_every_step_of_the_older_type_of_proof(older: Path) -> None:
    signed = read(older, "signedEdSig.json")
    key = read_key(signed["proof"]["verificationMethod"])
    proof = ed25519_signature_2020.verify_proof(signed, key=key)
    check_steps(older, "EdSig", proof, proof.build_options(signed), write_statements, HashName.SHA_256)


def test_the_older_type_of_proof_is_taken_by_its_name_only(older: Path) -> None:
    signed = read(older, "signedEdSig.json")
    key = read_key(signed["proof"]["verificationMethod"])
    refused = {
        BadProof: signed | {"name": "Another"},
        ChainUnsupported: signed | {"proof": signed["proof"] | {"previousProof": "urn:uuid:1"}},
        UnsupportedSuite: signed | {"proof": signed["proof"] | {"type": "DataIntegrityProof"}},
        Malformed: signed | {"proof": [signed["proof"]]},
    }
    for error, changed in refused.items():
        with pytest.raises(error):
            ed25519_signature_2020.verify_proof(changed, key=key)
    with pytest.raises(UnsupportedSuite):
        read_proofs(signed)
    assert ed25519_signature_2020.NAME not in SUITES
