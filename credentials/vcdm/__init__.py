"""The Verifiable Credentials Data Model 2.0, and 1.1 for reading: what every credential and presentation must be.

Proofs are checked in `credentials.data_integrity`; that every term has a meaning, in `credentials.linked_data`.
"""

from credentials.vcdm.credential import Version, check_credential, check_valid_at, read_issuer, read_version
from credentials.vcdm.presentation import (
    ENVELOPED_CREDENTIAL,
    ENVELOPED_PRESENTATION,
    MAX_CREDENTIALS,
    check_presentation,
    is_envelope_of,
    read_credentials,
    read_holder,
)

__all__ = [
    "ENVELOPED_CREDENTIAL",
    "ENVELOPED_PRESENTATION",
    "MAX_CREDENTIALS",
    "Version",
    "check_credential",
    "check_presentation",
    "check_valid_at",
    "is_envelope_of",
    "read_credentials",
    "read_holder",
    "read_issuer",
    "read_version",
]
