"""SD-JWT VC type metadata: what a type says of itself, by whom it may be trusted, and whether a credential keeps to it.

Pure: whoever has a network fetches a document when `TypeMetadataNeeded` names one, and asks again.
"""

from credentials.type_metadata.checking import ClaimRuleBroken, check_claims
from credentials.type_metadata.documents import ClaimLabel, ClaimMetadata, Disclosable, Logo, TypeDisplay, TypeDocument
from credentials.type_metadata.extending import (
    CircularType,
    LongTypeChain,
    LoosenedRule,
    OtherType,
    TypeMetadata,
    TypeMetadataNeeded,
    resolve_type,
)
from credentials.type_metadata.integrity import WrongIntegrity, build_integrity, check_integrity

__all__ = [
    "CircularType",
    "ClaimLabel",
    "ClaimMetadata",
    "ClaimRuleBroken",
    "Disclosable",
    "Logo",
    "LongTypeChain",
    "LoosenedRule",
    "OtherType",
    "TypeDisplay",
    "TypeDocument",
    "TypeMetadata",
    "TypeMetadataNeeded",
    "WrongIntegrity",
    "build_integrity",
    "check_claims",
    "check_integrity",
    "resolve_type",
]
