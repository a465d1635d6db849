"""What a credential says: the types, their claims, JSON Schemas and SD-JWT VC type metadata."""

from schemas.types import (
    ALL,
    BY_CONFIGURATION,
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
