"""DID documents (DID Core 1.0 §5, Controlled Identifiers 1.0 §2): which keys a DID has, and for what.

Only what is needed to check a signature is read. A key of a kind that is not known here, or controlled by somebody
else, is passed over, because documents hold keys for other uses too; a document that contradicts itself is refused.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Final, TypeAlias

from credentials.bbs import BbsPublicKey
from credentials.dids.did import parse_did, parse_did_url
from credentials.dids.errors import DidKeyEnded, DidKeyUnknown
from credentials.encoding import base64url, strict_json
from credentials.encoding.date_time import parse_date_time
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.keys.errors import PrivateKeyExposed
from credentials.keys.jwk import PublicKey

MAX_DOCUMENT_BYTES: Final = 65_536
_WHAT: Final = "DID document"
_LONGEST_MULTIKEY_ON_A_CURVE: Final = 80
_MAX_METHODS: Final = 64
_KEY_DIGEST_BYTES: Final = 6
_CONTEXTS: Final = ("https://www.w3.org/ns/did/v1", "https://w3id.org/security/jwk/v1")
_MULTIKEY_CONTEXT: Final = "https://w3id.org/security/multikey/v1"

AnyKey: TypeAlias = PublicKey | BbsPublicKey
"""A key that signs once, or one whose signatures are shown in parts."""


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
    """Keys for credentials that are shown in parts. They never prove who is asking: they only make statements."""
    ends: Mapping[str, datetime] = field(default_factory=dict)
    """When a key expires, or was revoked (Controlled Identifiers 1.0 §2.2); most never do."""
    ended: frozenset[str] = frozenset()
    """The keys that are no longer among the others, because `as_of` found that they had ended."""
    published: Mapping[str, Json] | None = field(default=None, compare=False, repr=False)
    """The whole document as its owner wrote it; None if it follows from the DID."""

    def find_key(self, kid: str, *, relation: Relation | None = None) -> PublicKey:
        """Find the key that a signature names.

        Args:
            kid: a DID URL of this DID, or its fragment alone with the `#`.
            relation: what the key must be listed for; None if any key of the document will do.

        Raises:
            DidKeyEnded: it has expired, or was revoked.
            DidKeyUnknown: there is none, or not for this use.
        """
        url = _absolute(kid, self.did)
        if url in self.ended:
            raise DidKeyEnded(self.did)
        key = self.keys.get(url)
        if key is None or (relation is not None and url not in self.relations.get(relation, frozenset())):
            raise DidKeyUnknown(self.did)
        return key

    def find_bbs_key(self, kid: str, *, relation: Relation = Relation.ASSERTION) -> BbsPublicKey:
        """Find the BBS key that a proof names; as `find_key` otherwise.

        Raises:
            DidKeyEnded: it has expired, or was revoked.
            DidKeyUnknown: there is none, or not for this use.
        """
        url = _absolute(kid, self.did)
        if url in self.ended:
            raise DidKeyEnded(self.did)
        key = self.bbs_keys_for(relation).get(url)
        if key is None:
            raise DidKeyUnknown(self.did)
        return key

    def keys_for(self, relation: Relation) -> Mapping[str, PublicKey]:
        """Return the keys that are listed for a use, under their DID URLs."""
        listed = self.relations.get(relation, frozenset())
        return {url: key for url, key in self.keys.items() if url in listed}

    def bbs_keys_for(self, relation: Relation) -> Mapping[str, BbsPublicKey]:
        """Return the BBS keys that are listed for a use, under their DID URLs."""
        listed = self.relations.get(relation, frozenset())
        return {url: key for url, key in self.bbs_keys.items() if url in listed}

    def as_of(self, at: datetime) -> "DidDocument":
        """Return the document without the keys that have ended by a time."""
        ended = frozenset(url for url, end in self.ends.items() if at >= end)
        if not ended:
            return self
        return replace(
            self,
            keys={url: key for url, key in self.keys.items() if url not in ended},
            bbs_keys={url: key for url, key in self.bbs_keys.items() if url not in ended},
            relations={relation: urls - ended for relation, urls in self.relations.items()},
            ended=self.ended | ended,
        )


def single_key_document(did: str, url: str, key: AnyKey) -> DidDocument:
    """Return the document of a DID that is its own one key, for every use that such a key has."""
    if isinstance(key, BbsPublicKey):
        relations = {Relation.ASSERTION: frozenset({url})}
        return DidDocument(did=did, keys={}, bbs_keys=MappingProxyType({url: key}), relations=relations)
    return DidDocument(did=did, keys=MappingProxyType({url: key}), relations=dict.fromkeys(Relation, frozenset({url})))


def build_did_document(
    did: str,
    keys: Iterable[PublicKey],
    *,
    multikeys: Iterable[AnyKey] = (),
    type_keys: Iterable[tuple[str, BbsPublicKey]] = (),
) -> dict[str, Json]:
    """Write a document.

    Args:
        did: whose it is.
        keys: keys named by their thumbprint, as JSON Web Keys; they may assert and authenticate.
        multikeys: keys named by themselves, as Multikeys; they may assert only. Here are the keys of Data Integrity.
        type_keys: names of types, each with a key for its credentials, the newest first. They may assert only.
    """
    parse_did(did, what="own DID")
    methods: list[Json] = []
    for key in keys:
        jwk: Json = {**key.jwk, "kid": key.thumbprint, "alg": key.algorithm, "use": "sig"}
        methods.append({"id": key_url(did, key), "type": "JsonWebKey", "controller": did, "publicKeyJwk": jwk})
    urls: list[Json] = [method["id"] for method in methods if isinstance(method, dict)]
    added = [write_multikey(did, key, url=type_key_url(did, name, key)) for name, key in type_keys]
    added += [write_multikey(did, key) for key in multikeys]
    return {
        "@context": [*_CONTEXTS, *([_MULTIKEY_CONTEXT] if added else [])],
        "id": did,
        "verificationMethod": [*methods, *added],
        Relation.ASSERTION.value: [*urls, *(method["id"] for method in added)],
        Relation.AUTHENTICATION.value: list(urls),
    }


def write_multikey(did: str, key: AnyKey, *, url: str | None = None) -> dict[str, Json]:
    """Write a key as a verification method (Controlled Identifiers 1.0 §2.2.2), named by the key unless otherwise."""
    name = multikey_url(did, key) if url is None else url
    return {"id": name, "type": "Multikey", "controller": did, "publicKeyMultibase": key.multikey}


def fingerprint_keys(keys: Iterable[AnyKey]) -> str:
    """Return one fingerprint of several keys, for two people to compare: SHA-256 of their sorted Multikeys."""
    text = "\n".join(sorted({key.multikey for key in keys}))
    return base64url.encode(hashlib.sha256(text.encode("ascii")).digest())


def multikey_url(did: str, key: AnyKey) -> str:
    """Return the DID URL under which a document lists a Multikey: what a Data Integrity proof names."""
    return f"{did}#{key.multikey}"


def type_key_url(did: str, type_name: str, key: BbsPublicKey) -> str:
    """Return the one DID URL of a key for the credentials of one type: the type's name, and a few digits of the key.

    Who reads it knows what the key is for, and that nobody got another name of it: a co-op that chose among keys, or
    among names of one, could tell its listeners apart.
    """
    return f"{did}#{type_name}.{base64url.encode(hashlib.sha256(key.data).digest()[:_KEY_DIGEST_BYTES])}"


def key_url(did: str, key: PublicKey) -> str:
    """Return the DID URL under which `build_did_document` lists a key: the `kid` to sign with."""
    return f"{did}#{key.thumbprint}"


def parse_did_document(data: bytes, *, did: str) -> DidDocument:
    """Read the document of a DID.

    Raises:
        Malformed: it is not one, too large, or contradicts itself.
        PrivateKeyExposed: it publishes a private key.
    """
    members = strict_json.parse_object(data, what=_WHAT, max_bytes=MAX_DOCUMENT_BYTES)
    if members.get("id") != did:
        raise Malformed(_WHAT, "it speaks for another DID than the one that was asked for")
    found = _Found(did)
    found.collect(_list(members, "verificationMethod"))
    relations: dict[Relation, frozenset[str]] = {}
    for relation in Relation:
        entries = _list(members, relation.value)
        # A key may stand in the list itself (DID Core 1.0 §5.3.1); then it is for this use only.
        urls = found.collect([entry for entry in entries if isinstance(entry, dict)])
        named = {_absolute(entry, did) for entry in entries if isinstance(entry, str)}
        relations[relation] = frozenset(urls | (named & found.keys.keys()))
    # A BBS signature can be shown in parts by whoever was handed it, so it never says who is asking.
    bbs_keys = {url: key for url, key in found.keys.items() if isinstance(key, BbsPublicKey)}
    relations[Relation.AUTHENTICATION] -= bbs_keys.keys()
    return DidDocument(
        did=did,
        keys=MappingProxyType({url: key for url, key in found.keys.items() if isinstance(key, PublicKey)}),
        bbs_keys=MappingProxyType(bbs_keys),
        relations=MappingProxyType(relations),
        ends=MappingProxyType(found.ends),
        published=MappingProxyType(members),
    )


def _list(members: dict[str, Json], name: str) -> list[Json]:
    value = members.get(name, [])
    if not isinstance(value, list) or len(value) > _MAX_METHODS:
        raise Malformed(_WHAT, f"`{name}` is not an array of at most {_MAX_METHODS} elements")
    return value


class _Found:
    """The keys of a document that can be read, while it is read."""

    def __init__(self, did: str) -> None:
        self._did = did
        self.keys: dict[str, AnyKey] = {}
        self.ends: dict[str, datetime] = {}

    def collect(self, methods: list[Json]) -> set[str]:
        """Add what can be read, and return its DID URLs."""
        found: set[str] = set()
        for method in methods:
            if not isinstance(method, dict) or not isinstance(named := method.get("id"), str):
                raise Malformed(_WHAT, "one of its keys is not an object with an `id`")
            url = _absolute(named, self._did)
            own = method.get("controller") == self._did and _is_own(url, self._did)
            key = _read_key(method) if own else None
            if key is None:
                continue
            if self.keys.setdefault(url, key) != key:
                raise Malformed(_WHAT, "it lists two keys under one name")
            self._note_end(url, method)
            found.add(url)
        return found

    def _note_end(self, url: str, method: dict[str, Json]) -> None:
        for name in ("expires", "revoked"):
            if name in method:
                end = parse_date_time(method[name], what=f"`{name}` of a key of the DID document")
                self.ends[url] = min(end, self.ends.get(url, end))


def _absolute(url: str, did: str) -> str:
    return f"{did}{url}" if url.startswith("#") else url


def _is_own(url: str, did: str) -> bool:
    try:
        return parse_did_url(url, what="name of a key").did.text == did
    except Malformed:
        return False


def _read_key(method: dict[str, Json]) -> AnyKey | None:
    what = "key of the DID document"
    try:
        if "publicKeyJwk" in method:
            return PublicKey.parse_jwk(method["publicKeyJwk"], what=what)
        multikey = method.get("publicKeyMultibase")
        return read_multikey(multikey, what=what) if isinstance(multikey, str) else None
    except PrivateKeyExposed:
        raise
    except Malformed:
        return None


def read_multikey(text: str, *, what: str) -> AnyKey:
    """Read a Multikey of any kind that is known here: P-256, P-384, Ed25519, BLS12-381 in G2.

    Raises:
        Malformed: it is of another kind, or no key.
    """
    # By their length: a point of G2 is three times the others'.
    read = BbsPublicKey.from_multikey if len(text) > _LONGEST_MULTIKEY_ON_A_CURVE else PublicKey.from_multikey
    return read(text, what=what)
