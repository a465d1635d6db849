"""DID documents (DID Core 1.0 §5, Controlled Identifiers 1.0 §2): which keys a DID has, and for what.

Only what is needed to check a signature is read. A key of a kind that is not known here, or controlled by somebody
else, is passed over, because documents hold keys for other uses too; a document that contradicts itself is refused.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final

from credentials.bbs import BbsPublicKey
from credentials.dids.did import parse_did, parse_did_url
from credentials.dids.errors import DidKeyUnknown
from credentials.encoding import strict_json
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.keys.errors import PrivateKeyExposed
from credentials.keys.jwk import PublicKey

MAX_DOCUMENT_BYTES: Final = 65_536
_MAX_METHODS: Final = 64
_CONTEXTS: Final = ("https://www.w3.org/ns/did/v1", "https://w3id.org/security/jwk/v1")


class Relation(Enum):
    """What a DID's owner lets a key do (DID Core 1.0 §5.3); the value is the member that lists such keys."""

    ASSERTION = "assertionMethod"
    """Make statements: sign credentials."""
    AUTHENTICATION = "authentication"
    """Prove to be the owner: sign requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DidDocument:
    """The keys of one DID, each under its absolute DID URL."""

    did: str
    keys: Mapping[str, PublicKey]
    relations: Mapping[Relation, frozenset[str]] = field(default_factory=dict)
    bbs_keys: Mapping[str, BbsPublicKey] = field(default_factory=dict)
    """Keys of another kind, which make BBS signatures, under their absolute DID URLs too."""

    def find_key(self, kid: str, *, relation: Relation | None = None) -> PublicKey:
        """Find the key that a signature names.

        Args:
            kid: a DID URL of this DID, or its fragment alone with the `#`.
            relation: what the key must be listed for; None if any key of the document will do.

        Raises:
            DidKeyUnknown: there is none, or not for this use.
        """
        url = f"{self.did}{kid}" if kid.startswith("#") else kid
        key = self.keys.get(url)
        if key is None or (relation is not None and url not in self.relations.get(relation, frozenset())):
            raise DidKeyUnknown(self.did)
        return key

    def keys_for(self, relation: Relation) -> Mapping[str, PublicKey]:
        """Return the keys that are listed for a use, under their DID URLs."""
        listed = self.relations.get(relation, frozenset())
        return {url: key for url, key in self.keys.items() if url in listed}


def single_key_document(did: str, url: str, key: PublicKey) -> DidDocument:
    """Return the document of a DID that is its own one key, for every use."""
    return DidDocument(did=did, keys=MappingProxyType({url: key}), relations=dict.fromkeys(Relation, frozenset({url})))


def build_did_document(did: str, keys: Iterable[PublicKey]) -> dict[str, Json]:
    """Write a document in which each key is named by its thumbprint and may assert and authenticate."""
    parse_did(did, what="own DID")
    methods: list[Json] = []
    for key in keys:
        url = key_url(did, key)
        jwk: Json = {**key.jwk, "kid": key.thumbprint, "alg": key.algorithm, "use": "sig"}
        methods.append({"id": url, "type": "JsonWebKey", "controller": did, "publicKeyJwk": jwk})
    urls: list[Json] = [method["id"] for method in methods if isinstance(method, dict)]
    return {
        "@context": list(_CONTEXTS),
        "id": did,
        "verificationMethod": methods,
        **{relation.value: list(urls) for relation in Relation},
    }


def key_url(did: str, key: PublicKey) -> str:
    """Return the DID URL under which `build_did_document` lists a key: the `kid` to sign with."""
    return f"{did}#{key.thumbprint}"


def parse_did_document(data: bytes, *, did: str) -> DidDocument:
    """Read the document of a DID.

    Raises:
        Malformed: it is not one, too large, or contradicts itself.
        PrivateKeyExposed: it publishes a private key.
    """
    what = "DID document"
    members = strict_json.parse_object(data, what=what, max_bytes=MAX_DOCUMENT_BYTES)
    if members.get("id") != did:
        raise Malformed(what, "it speaks for another DID than the one that was asked for")
    keys: dict[str, PublicKey] = {}
    _collect(keys, _list(members, "verificationMethod"), did=did)
    relations: dict[Relation, frozenset[str]] = {}
    for relation in Relation:
        entries = _list(members, relation.value)
        # A key may stand in the list itself (DID Core 1.0 §5.3.1); then it is for this use only.
        urls = _collect(keys, [entry for entry in entries if isinstance(entry, dict)], did=did)
        named = {_absolute(entry, did) for entry in entries if isinstance(entry, str)}
        relations[relation] = frozenset(urls | (named & keys.keys()))
    return DidDocument(did=did, keys=MappingProxyType(keys), relations=MappingProxyType(relations))


def _list(members: dict[str, Json], name: str) -> list[Json]:
    value = members.get(name, [])
    if not isinstance(value, list) or len(value) > _MAX_METHODS:
        raise Malformed("DID document", f"`{name}` is not an array of at most {_MAX_METHODS} elements")
    return value


def _collect(keys: dict[str, PublicKey], methods: list[Json], *, did: str) -> set[str]:
    """Add the keys that can be read to `keys`, and return their DID URLs."""
    found: set[str] = set()
    for method in methods:
        if not isinstance(method, dict) or not isinstance(named := method.get("id"), str):
            raise Malformed("DID document", "one of its keys is not an object with an `id`")
        url = _absolute(named, did)
        key = _read_key(method) if method.get("controller") == did and _is_own(url, did) else None
        if key is None:
            continue
        if keys.setdefault(url, key) != key:
            raise Malformed("DID document", "it lists two keys under one name")
        found.add(url)
    return found


def _absolute(url: str, did: str) -> str:
    return f"{did}{url}" if url.startswith("#") else url


def _is_own(url: str, did: str) -> bool:
    try:
        return parse_did_url(url, what="name of a key").did.text == did
    except Malformed:
        return False


def _read_key(method: dict[str, Json]) -> PublicKey | None:
    try:
        if "publicKeyJwk" in method:
            return PublicKey.parse_jwk(method["publicKeyJwk"], what="key of the DID document")
        multikey = method.get("publicKeyMultibase")
        return PublicKey.from_multikey(multikey, what="key of the DID document") if isinstance(multikey, str) else None
    except PrivateKeyExposed:
        raise
    except Malformed:
        return None
