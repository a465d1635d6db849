"""What the tests of DIDs have in common."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from credentials.dids import (
    DidDocument,
    build_did_document,
    parse_did_document,
)
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner

if TYPE_CHECKING:
    from credentials.keys.jwk import PublicKey

COOP = "did:web:coop.example"
KEYS = {kind: LocalSigner.generate(kind).public_key for kind in KeyKind}
KEY = KEYS[KeyKind.P256]


def read(**change: Any) -> DidDocument:
    document: dict[str, Any] = build_did_document(COOP, [KEY, KEYS[KeyKind.ED25519]])
    changed = {name: value for name, value in (document | change).items() if value is not ...}
    return parse_did_document(json.dumps(changed).encode(), did=COOP)


def method(key: PublicKey, name: str = "#1", **change: Any) -> dict[str, Any]:
    return {"id": name, "type": "JsonWebKey", "controller": COOP, "publicKeyJwk": key.jwk} | change
