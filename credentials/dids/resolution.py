"""Resolution results (DID Core 1.0 §7.1 and its HTTP binding): a document, or an error of the closed list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from credentials.dids.did import parse_did
from credentials.dids.document import AnyKey, DidDocument, Relation, write_multikey
from credentials.dids.errors import DidMethodUnsupported, DidNotResolved
from credentials.dids.resolving import DidResolver
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed

CONTENT_TYPE: Final = "application/did+ld+json"
RESULT_TYPE: Final = 'application/ld+json;profile="https://w3id.org/did-resolution"'
_RESULT_CONTEXT: Final = "https://w3id.org/did-resolution/v1"
_CONTEXTS: Final = ("https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1")
# Every document is JSON; what asks for any of these gets it.
_KNOWN_TYPES: Final = frozenset(
    {"*/*", "application/*", "application/json", "application/ld+json", "application/did+json", CONTENT_TYPE}
)
# Their documents follow from the DID, so there is nothing to find: where one cannot be had, the DID is wrong.
_SELF_CONTAINED: Final = frozenset({"key", "jwk"})
_MORE_USES: Final = ("capabilityInvocation", "capabilityDelegation")


class ResolutionError(Enum):
    """Why there is no document (DID Core 1.0 §7.1.2); the value is its name there."""

    INVALID_DID = "invalidDid"
    NOT_FOUND = "notFound"
    METHOD_NOT_SUPPORTED = "methodNotSupported"
    REPRESENTATION_NOT_SUPPORTED = "representationNotSupported"

    @property
    def status(self) -> int:
        """What the HTTP binding answers with."""
        return _STATUSES[self]


_STATUSES: Final = {
    ResolutionError.INVALID_DID: 400,
    ResolutionError.NOT_FOUND: 404,
    ResolutionError.REPRESENTATION_NOT_SUPPORTED: 406,
    ResolutionError.METHOD_NOT_SUPPORTED: 501,
}


@dataclass(frozen=True, slots=True)
class Resolution:
    """What became of a DID: exactly one of document and error."""

    document: Mapping[str, Json] | None = None
    error: ResolutionError | None = None

    @property
    def status(self) -> int:
        """What the HTTP binding answers with."""
        return 200 if self.error is None else self.error.status

    @property
    def result(self) -> dict[str, Json]:
        """The whole result, as JSON."""
        metadata: dict[str, Json] = {"error": self.error.value} if self.error else {"contentType": CONTENT_TYPE}
        return {
            "@context": _RESULT_CONTEXT,
            "didDocument": None if self.document is None else dict(self.document),
            "didResolutionMetadata": metadata,
            "didDocumentMetadata": {},
        }


async def resolve_did(did: str, *, resolver: DidResolver, accept: Sequence[str] = ()) -> Resolution:
    """Resolve a DID; nothing that is wrong with it, or on the way, is raised.

    Args:
        did: what somebody asks for.
        resolver: reads the document.
        accept: the media types that they can read; none means any.
    """
    if accept and _KNOWN_TYPES.isdisjoint(each.partition(";")[0].strip().lower() for each in accept):
        return Resolution(error=ResolutionError.REPRESENTATION_NOT_SUPPORTED)
    try:
        parsed = parse_did(did, what="DID")
    except Malformed:
        return Resolution(error=ResolutionError.INVALID_DID)
    try:
        document = await resolver.resolve(did)
    except DidMethodUnsupported:
        return Resolution(error=ResolutionError.METHOD_NOT_SUPPORTED)
    except (DidNotResolved, Malformed):
        wrong = parsed.method in _SELF_CONTAINED
        return Resolution(error=ResolutionError.INVALID_DID if wrong else ResolutionError.NOT_FOUND)
    return Resolution(document=write_document(document))


def write_document(document: DidDocument) -> Mapping[str, Json]:
    """Write a document: as its owner did, or from its keys where the DID says all (did:key, did:jwk)."""
    if document.published is not None:
        return document.published
    methods: list[Json] = [{**write_multikey(document.did, key), "id": url} for url, key in _all_keys(document)]
    uses = {each.value: sorted(document.relations.get(each, ())) for each in Relation}
    uses |= dict.fromkeys(_MORE_USES, uses[Relation.AUTHENTICATION.value])
    return {
        "@context": list(_CONTEXTS),
        "id": document.did,
        "verificationMethod": methods,
        **{name: [*urls] for name, urls in uses.items() if urls},
    }


def _all_keys(document: DidDocument) -> Sequence[tuple[str, AnyKey]]:
    return [*document.keys.items(), *document.bbs_keys.items()]
