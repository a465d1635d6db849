"""did:key: the identifier is the key itself, as a Multikey (W3C CCG, The did:key Method, §3.1)."""

from credentials.dids.did import Did
from credentials.dids.document import AnyKey, DidDocument, read_multikey, single_key_document


def read_did_key(did: Did) -> DidDocument:
    """Return the document of a did:key.

    Raises:
        Malformed: its identifier is no Multikey of P-256, P-384, Ed25519 or BLS12-381 in G2.
    """
    key = read_multikey(did.identifier, what="key in the DID")
    return single_key_document(did.text, f"{did.text}#{did.identifier}", key)


def build_did_key(key: AnyKey) -> str:
    """Return the did:key of a key."""
    return f"did:key:{key.multikey}"
