"""Decentralized identifiers (DID Core 1.0): bytes in, document out. Whoever fetches the bytes is not here."""

from credentials.dids.did import Did, DidUrl, parse_did, parse_did_url
from credentials.dids.document import (
    AnyKey,
    DidDocument,
    Relation,
    build_did_document,
    fingerprint_keys,
    multikey_url,
    parse_did_document,
    read_multikey,
    type_key_url,
    write_multikey,
)
from credentials.dids.resolving import DidResolver

__all__ = [
    "AnyKey",
    "Did",
    "DidDocument",
    "DidResolver",
    "DidUrl",
    "Relation",
    "build_did_document",
    "fingerprint_keys",
    "multikey_url",
    "parse_did",
    "parse_did_document",
    "parse_did_url",
    "read_multikey",
    "type_key_url",
    "write_multikey",
]
