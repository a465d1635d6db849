"""Linked credentials of our types (VCDM 2.0): built in one shape, and on receipt held to it.

Every bbs-2023 credential of a type has the same members in the same order, the same two blank nodes, the same mandatory
pointers and the dates of its cohort: the month that it was issued in (design/protocols.md, "What must not link a
holder", rules 1, 2 and 7; decision 20). A verifier sees the frame of it each time it is shown, so whatever differs in
the frame would tell its holder from others.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from credentials.data_integrity.proofs import Proof
from credentials.encoding.date_time import write_date_time
from credentials.encoding.strict_json import Json
from credentials.months import months_after, start_of_month
from credentials.refusals import Recognisable
from schemas import CredentialType
from schemas.linked import CONTEXTS, MEMBERS

MANDATORY_POINTERS: Final = ("/issuer", "/validFrom", "/validUntil")
"""What every presentation shows, as JSON pointers (RFC 6901); `@context` and `type` come along."""
SUBJECT: Final = "credentialSubject"
OVERLAP_DAYS: Final = 10
"""For so long after its month a cohort is still good, so that nobody must renew at its very turn."""

# What bbs-2023 writes, in its order; no `created`, no `id`: both could tell one holder from another.
_PROOF_MEMBERS: Final = ("type", "cryptosuite", "verificationMethod", "proofPurpose", "proofValue")


class BaseProof(Protocol):
    """What is looked at of a bbs-2023 base proof; `bbs_2023.BaseCredential` has it."""

    @property
    def document(self) -> Mapping[str, Json]:
        """The credential without its proof."""

    @property
    def proof(self) -> Proof:
        """The proof, with all its members."""

    @property
    def mandatory(self) -> Sequence[str]:
        """The mandatory pointers."""

    @property
    def message_count(self) -> int:
        """How many statements can be hidden."""

    @property
    def labels_in_document_order(self) -> bool:
        """Whether the labels of blank nodes are in the order in which the nodes stand in the document."""


def cohort_start(month_s: int) -> str:
    """Return `validFrom` of a cohort: the first second of its month."""
    return _write(month_s)


def cohort_end(month_s: int) -> str:
    """Return `validUntil` of a cohort: ten days into the month after."""
    return _write(months_after(month_s, 1) + int(timedelta(days=OVERLAP_DAYS).total_seconds()))


def build_linked_credential(
    kind: CredentialType, *, issuer_did: str, month_start: int, claims: Mapping[str, str]
) -> dict[str, Json]:
    """Build the unlinkable form of a credential, to be signed with bbs-2023.

    Args:
        kind: its type.
        issuer_did: who issues it.
        month_start: the first second of its cohort's month, in seconds since 1970 (`credentials.months`).
        claims: all claims of the type; the countable one is left out if it is there.
    """
    subject: dict[str, Json] = {name: claims[name] for name in kind.linked_claim_names}
    return {
        "@context": list(CONTEXTS),
        "type": list(kind.ldp_types),
        "issuer": issuer_did,
        "validFrom": cohort_start(month_start),
        "validUntil": cohort_end(month_start),
        SUBJECT: subject,
    }


def build_public_credential(
    kind: CredentialType,
    *,
    issuer_did: str,
    month_start: int,
    claims: Mapping[str, str],
    subject_id: str,
    status: Mapping[str, Json] | None = None,
) -> dict[str, Json]:
    """Build the form of a credential that is published: whole, naming its subject, good for the type's lifetime.

    Args:
        kind: its type, which must have a lifetime.
        issuer_did: who issues it.
        month_start: the first second of the month of issuance, in seconds since 1970.
        claims: all claims of the type; the countable one is left out if it is there.
        subject_id: the subject's DID, whose keys may then speak as the subject.
        status: an entry of a Bitstring Status List, if it can be taken back.

    Raises:
        ValueError: the type has no lifetime; what is published must end by itself.
    """
    if kind.lifetime_months is None:
        raise ValueError(kind.configuration_id)
    built = build_linked_credential(kind, issuer_did=issuer_did, month_start=month_start, claims=claims)
    built["validUntil"] = _write(months_after(month_start, kind.lifetime_months))
    built[SUBJECT] = {"id": subject_id, **{name: claims[name] for name in kind.linked_claim_names}}
    return built if status is None else {**built, "credentialStatus": dict(status)}


def claim_pointers(names: Sequence[str]) -> list[str]:
    """Return the JSON pointers of claims of the subject, to disclose them."""
    return [f"/{SUBJECT}/{name}" for name in names]


def check_linked_shape(
    base: BaseProof, kind: CredentialType, *, issuer_did: str, at: datetime, clock_skew_s: int = 60
) -> None:
    """Check that a credential just issued differs from others of its type in nothing but its claims (rule 7).

    Args:
        base: the credential, its signature checked.
        kind: the type that was asked for.
        issuer_did: the co-op's DID.
        at: the time of receipt; the cohort must be this month's.
        clock_skew_s: how far the issuer's clock may be off, around the turn of a month.

    Raises:
        Recognisable: it differs, and how.
    """
    document = base.document
    skew = timedelta(seconds=clock_skew_s)
    months = {start_of_month(at - skew), start_of_month(at + skew)}
    comparisons = (
        *_compare_frame(document, kind, issuer_did, months),
        *_compare_subject(document.get(SUBJECT), kind),
        ("what it always shows differs from others", tuple(base.mandatory) == MANDATORY_POINTERS),
        ("it has more or fewer parts than others", base.message_count == kind.message_count),
        ("its parts are labelled in another order than they stand in", base.labels_in_document_order),
        ("its proof says more, or says it otherwise, than others", _is_bare_proof(base.proof.members)),
    )
    for difference, same in comparisons:
        if not same:
            raise Recognisable(difference)


def _compare_frame(
    document: Mapping[str, Json], kind: CredentialType, issuer_did: str, months: set[int]
) -> Iterator[tuple[str, bool]]:
    yield "it has other members than others, or in another order", tuple(document) == MEMBERS
    yield "its terms are explained otherwise than those of others", document.get("@context") == list(CONTEXTS)
    yield "its type is written otherwise than that of others", document.get("type") == list(kind.ldp_types)
    yield "its issuer is written otherwise than in others", document.get("issuer") == issuer_did
    dates = (document.get("validFrom"), document.get("validUntil"))
    cohorts = [(cohort_start(month), cohort_end(month)) for month in months]
    yield "its dates are not those of this month's cohort", dates in cohorts


def _compare_subject(subject: Json, kind: CredentialType) -> Iterator[tuple[str, bool]]:
    members = subject if isinstance(subject, dict) else {}
    yield "it has other claims than others, or in another order", tuple(members) == kind.linked_claim_names
    yield "one of its claims is not plain text", all(isinstance(value, str) and value for value in members.values())


def _is_bare_proof(members: Mapping[str, Json]) -> bool:
    # Whatever else a proof says is shown each time the credential is.
    return tuple(members) == _PROOF_MEMBERS


def _write(seconds: int) -> str:
    return write_date_time(datetime.fromtimestamp(seconds, UTC))
