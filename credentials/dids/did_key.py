"""did:key: the identifier is the key itself, as a Multikey (W3C CCG, The did:key Method, §3.1)."""

from credentials.dids.did import Did
from credentials.dids.document import DidDocument, single_key_document
from credentials.keys.jwk import PublicKey


def read_did_key(did: Did) -> DidDocument:
    """Return the document of a did:key.

    Raises:
        Malformed: its identifier is no P-256, P-384 or Ed25519 Multikey.
    """
    key = PublicKey.from_multikey(did.identifier, what="key in the DID")
    return single_key_document(did.text, f"{did.text}#{did.identifier}", key)


def build_did_key(key: PublicKey) -> str:
    """Return the did:key of a key."""
    return f"did:key:{key.multikey}"
