"""DIDs that are their own key: looked up without asking anybody, so that nobody learns of it."""

from types import MappingProxyType
from typing import Final

from credentials.dids.did import parse_did
from credentials.dids.did_jwk import read_did_jwk
from credentials.dids.did_key import read_did_key
from credentials.dids.document import DidDocument
from credentials.dids.errors import DidMethodUnsupported

_READERS: Final = MappingProxyType({"key": read_did_key, "jwk": read_did_jwk})


def read_own_key(did: str) -> DidDocument:
    """Return the document of a did:key or did:jwk.

    Raises:
        Malformed: it is no DID, or its key cannot be read.
        DidMethodUnsupported: it is of another method.
    """
    parsed = parse_did(did, what="DID of a key")
    reader = _READERS.get(parsed.method)
    if reader is None:
        raise DidMethodUnsupported(parsed.method, tuple(_READERS))
    return reader(parsed)
