"""The steps that the published vectors of suites for whole documents give, held against ours one by one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from credentials.data_integrity.hashing import hash_data
from credentials.data_integrity.proofs import without_proof
from credentials.encoding.multibase import decode_base58btc, encode_base58btc
from credentials.keys.jwk import PublicKey
from credentials.keys.signer import LocalSigner

if TYPE_CHECKING:
    from pathlib import Path

    from credentials.data_integrity.hashing import HashName, WriteCanonical
    from credentials.data_integrity.proofs import Proof

_CODEC_BYTES = 2


def read(folder: Path, name: str) -> Any:
    """Read one file."""
    text = (folder / name).read_text(encoding="utf-8")
    return json.loads(text) if name.endswith(".json") else text


def read_key(url: str) -> PublicKey:
    """Read the key that a did:key URL carries."""
    return PublicKey.from_multikey(url.partition("#")[2], what="key")


def read_signer(secret: str) -> LocalSigner:
    """Read a published secret key."""
    data = decode_base58btc(secret, what="key", max_characters=80)
    codec, number = data[:_CODEC_BYTES], data[_CODEC_BYTES:]
    if codec == b"\x80\x26":
        return LocalSigner(ed25519.Ed25519PrivateKey.from_private_bytes(number))
    curve = {b"\x86\x26": ec.SECP256R1(), b"\x87\x26": ec.SECP384R1()}[codec]
    return LocalSigner(ec.derive_private_key(int.from_bytes(number), curve))


def check_steps(
    vectors: Path, suffix: str, proof: Proof, configuration: dict[str, Any], write: WriteCanonical, hash_name: HashName
) -> None:
    """Check every step from the document to the value of its proof.

    Args:
        vectors: the folder.
        suffix: how its files' names end.
        proof: the one of the signed document.
        configuration: what of the proof is hashed, as the suite reads it.
        write: the suite's canonical form.
        hash_name: the suite's hash for the key.
    """
    document = without_proof(read(vectors, f"signed{suffix}.json"))
    assert configuration == read(vectors, f"proofConfig{suffix}.json")
    canonical, options = write(document, hash_name), write(configuration, hash_name)
    assert canonical.decode() == read(vectors, f"canonDoc{suffix}.txt")
    assert options.decode() == read(vectors, f"proofCanon{suffix}.txt")
    assert hash_name.digest(canonical).hex() == read(vectors, f"docHash{suffix}.txt")
    assert hash_name.digest(options).hex() == read(vectors, f"proofHash{suffix}.txt")
    data = hash_data(document, configuration, hash_name=hash_name, write=write)
    assert data.hex() == read(vectors, f"combinedHash{suffix}.txt")
    signature = bytes.fromhex(read(vectors, f"sigHex{suffix}.txt"))
    assert encode_base58btc(signature) == read(vectors, f"sigBTC58{suffix}.txt") == proof.proof_value
