"""Refusals in the words of W3C: which problem type (RFC 9457) each class of error is.

The types are listed in Data Integrity 1.0 §4.7, VCDM 2.0 §7.2, Bitstring Status List 1.0 §3.5, Controlled Identifiers
1.0 §3.5 and VCALM §3.9.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from credentials.data_integrity import errors as proofs
from credentials.dids.errors import DidKeyEnded, DidKeyUnknown, DidMethodUnsupported, DidNotResolved
from credentials.encoding.strict_json import Json
from credentials.errors import HandstampError, HolderError, IssuerError, Malformed
from credentials.linked_data import UnsafeLinkedData
from credentials.linked_data.errors import TooMuchWork
from credentials.refusals import Expired, NotYetValid
from credentials.status import errors as statuses

_SECURITY: Final = "https://w3id.org/security#"
_MODEL: Final = "https://www.w3.org/TR/vc-data-model#"
_STATUS: Final = "https://www.w3.org/ns/credentials/status-list#"
_API: Final = "https://www.w3.org/TR/vcalm#"


class UnknownOption(HandstampError):
    """An option that this service does not know, or not at this endpoint (VCALM §2.7: it must be refused)."""

    code = "unknown_option"

    def __init__(self, names: str) -> None:
        super().__init__(f"These options are not understood here: {names}. Send the request without them.")


class WrongIssuer(HandstampError):
    """A credential or presentation to be signed in somebody else's name."""

    code = "wrong_issuer"

    def __init__(self, role: str, did: str) -> None:
        super().__init__(f"This instance signs as {did}; the {role} that was sent is another.")


class NotOffered(HandstampError):
    """Something that an instance does not do with its suite."""

    code = "not_offered"

    def __init__(self, what: str) -> None:
        super().__init__(f"This instance cannot {what}; ask one of another suite.")


class InstanceUnknown(HandstampError):
    """A path of no instance of this service."""

    code = "instance_unknown"

    def __init__(self, known: Iterable[str]) -> None:
        super().__init__(f"There is no such instance here; there are {', '.join(known)}.")


class CredentialUnknown(HandstampError):
    """A credential, or a status list, that this service did not make since it started."""

    code = "credential_unknown"

    def __init__(self) -> None:
        super().__init__("This service made no such credential, or no such list, since it started.")


TYPES: Final[Mapping[type[HandstampError], str]] = {
    HandstampError: _MODEL + "CRYPTOGRAPHIC_SECURITY_ERROR",
    Malformed: _MODEL + "MALFORMED_VALUE_ERROR",
    Expired: _MODEL + "RANGE_ERROR",
    NotYetValid: _MODEL + "RANGE_ERROR",
    UnsafeLinkedData: _SECURITY + "DATA_LOSS_DETECTION_ERROR",
    TooMuchWork: _SECURITY + "PROOF_TRANSFORMATION_ERROR",
    proofs.ProofError: _SECURITY + "PROOF_VERIFICATION_ERROR",
    proofs.ProofImpossible: _SECURITY + "PROOF_GENERATION_ERROR",
    proofs.WrongDomain: _SECURITY + "INVALID_DOMAIN_ERROR",
    proofs.WrongChallenge: _SECURITY + "INVALID_CHALLENGE_ERROR",
    proofs.WrongController: _SECURITY + "INVALID_VERIFICATION_METHOD",
    DidKeyUnknown: _SECURITY + "INVALID_VERIFICATION_METHOD",
    DidKeyEnded: _SECURITY + "INVALID_VERIFICATION_METHOD",
    DidNotResolved: _SECURITY + "INVALID_CONTROLLED_IDENTIFIER_DOCUMENT",
    DidMethodUnsupported: _SECURITY + "INVALID_CONTROLLED_IDENTIFIER_DOCUMENT",
    HolderError: _STATUS + "STATUS_VERIFICATION_ERROR",
    IssuerError: _STATUS + "STATUS_VERIFICATION_ERROR",
    statuses.StatusNotSupported: _STATUS + "STATUS_VERIFICATION_ERROR",
    statuses.StatusListNeeded: _STATUS + "STATUS_RETRIEVAL_ERROR",
    statuses.StatusListTooShort: _STATUS + "STATUS_LIST_LENGTH_ERROR",
    UnknownOption: _API + "UNKNOWN_OPTION_PROVIDED",
}


def build_problem(error: HandstampError) -> dict[str, Json]:
    """Write an error as a problem, by its own class or the nearest parent in the table."""
    kind = next(TYPES[parent] for parent in type(error).__mro__ if parent in TYPES)
    return {"type": kind, "title": kind.partition("#")[2], "detail": error.detail, "code": error.code}
