"""DCQL, the query language of OpenID4VP 1.0 §6: the query, what a wallet chooses to show, what a verifier checks."""

from credentials.protocols.dcql.checking import (
    Answer,
    AnswerRefused,
    MissingAnswer,
    MissingClaim,
    NotOnePresentation,
    UnaskedAnswer,
    UnaskedClaim,
    WrongAnswerType,
    WrongClaimValue,
    check_answer,
    check_several,
    check_shape,
)
from credentials.protocols.dcql.choosing import (
    Choice,
    Holding,
    NothingMatches,
    Selection,
    UnsupportedQuery,
    choose,
)
from credentials.protocols.dcql.query import ClaimQuery, CredentialQuery, CredentialSet, Query, TrustedAuthority

__all__ = [
    "Answer",
    "AnswerRefused",
    "Choice",
    "ClaimQuery",
    "CredentialQuery",
    "CredentialSet",
    "Holding",
    "MissingAnswer",
    "MissingClaim",
    "NotOnePresentation",
    "NothingMatches",
    "Query",
    "Selection",
    "TrustedAuthority",
    "UnaskedAnswer",
    "UnaskedClaim",
    "UnsupportedQuery",
    "WrongAnswerType",
    "WrongClaimValue",
    "check_answer",
    "check_several",
    "check_shape",
    "choose",
]
