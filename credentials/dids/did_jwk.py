"""did:jwk: the identifier is a JWK in base64url (did:jwk method specification, "To resolve a did:jwk")."""

from credentials.dids.did import Did
from credentials.dids.document import DidDocument, single_key_document
from credentials.encoding import base64url, strict_json
from credentials.encoding.strict_json import dump
from credentials.keys.jwk import PublicKey

_MAX_JWK_BYTES = 1_536


def read_did_jwk(did: Did) -> DidDocument:
    """Return the document of a did:jwk; its one key is `#0`.

    Raises:
        Malformed: its identifier is no JWK for verifying signatures.
        PrivateKeyExposed: it is a private key.
    """
    what = "key in the DID"
    jwk = strict_json.parse(base64url.decode(did.identifier, what=what), what=what, max_bytes=_MAX_JWK_BYTES)
    return single_key_document(did.text, f"{did.text}#0", PublicKey.parse_jwk(jwk, what=what))


def build_did_jwk(key: PublicKey) -> str:
    """Return the did:jwk of a key, of the members that make it and no others."""
    return f"did:jwk:{base64url.encode(dump(key.jwk))}"
