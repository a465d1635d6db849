"""What a credential says: the types, their claims, JSON Schemas, SD-JWT VC type metadata and the JSON-LD context."""

from schemas.types import (
    ALL,
    BY_CONFIGURATION,
    BY_LDP_TYPE,
    BY_VCT,
    CONTRIBUTION,
    COOP_MEMBERSHIP,
    NOT_KNOWN,
    RELEASE_OWNERSHIP,
    TRACK_OWNERSHIP,
    VERIFIED_ARTIST,
    CredentialType,
    pad_catalogue,
)

__all__ = [
    "ALL",
    "BY_CONFIGURATION",
    "BY_LDP_TYPE",
    "BY_VCT",
    "CONTRIBUTION",
    "COOP_MEMBERSHIP",
    "NOT_KNOWN",
    "RELEASE_OWNERSHIP",
    "TRACK_OWNERSHIP",
    "VERIFIED_ARTIST",
    "CredentialType",
    "pad_catalogue",
]
