"""The numbered steps of each pipeline in words for people, and which step a refusal belongs to.

The numbers are those of `credentials.verify`, `credentials.verify_linked` and `credentials.statement`. A refusal has a
code and no number, because a program that asks needs none; the tables here give it back. What stands in no table is a
file that could not be read, the first step.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its number, what it asks, and why."""

    number: int
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What is done with one kind of file."""

    what: str
    """What the file is, in words."""
    steps: tuple[Step, ...]
    failing: Mapping[str, int]
    """Which step a refusal belongs to, by its code."""

    def step_of(self, code: str) -> int:
        """Return the number of the step that a refusal belongs to."""
        return self.failing.get(code, self.steps[0].number)


_SD_JWT_ISSUED: Final = (
    Step(1, "It can be read", "Nothing in it is hidden twice, unreferenced, or under a forbidden name."),
    Step(2, "It is a credential", "What was signed for another purpose does not pass for one."),
    Step(3, "Nothing that decides is hidden", "No holder can leave out an end date, or whose it is."),
    Step(4, "You trust the issuer for this", "Anybody can sign anything; what counts is who."),
    Step(5, "The key is the issuer's", "It is one that the issuer states, or that somebody certified for its host."),
    Step(6, "The issuer signed it", "Not a letter was changed since."),
    Step(7, "It is valid now", "It has begun, and has not ended."),
)
_SD_JWT_FAILING: Final = {
    "wrong_typ": 2,
    "hidden_validity_claim": 3,
    "untrusted_issuer": 4,
    "unknown_type": 4,
    "type_not_allowed": 4,
    "trust_expired": 5,
    "wrong_issuer_key": 5,
    "certificate_error": 5,
    "certificate_untrusted": 5,
    "certificate_expired": 5,
    "certificate_not_yet_valid": 5,
    "certificate_wrong_name": 5,
    "certificate_self_signed": 5,
    "certificate_key_unsupported": 5,
    "bad_signature": 6,
    "wrong_algorithm": 6,
    "not_yet_valid": 7,
    "expired": 7,
    "status_elsewhere": 7,
    "status_not_supported": 7,
}
SD_JWT_SHOWN: Final = Pipeline(
    "an SD-JWT VC as it was shown to somebody",
    (
        *_SD_JWT_ISSUED,
        Step(8, "It comes with a key binding", "Who shows it must sign that they do."),
        Step(9, "Its holder signed", "With the key that the credential is bound to; a copy is worth nothing."),
        Step(10, "For exactly these lines", "None was added or taken away on the way."),
        Step(11, "For this site and this question", "What was shown elsewhere cannot be sent on."),
        Step(12, "Just now", "What was recorded does not count later."),
        Step(13, "It was not taken back", "The issuer's list says that it is still good."),
    ),
    {
        **_SD_JWT_FAILING,
        "missing_key_binding": 8,
        "wrong_key_binding": 9,
        "wrong_sd_hash": 10,
        "wrong_audience": 11,
        "wrong_nonce": 11,
        "stale_key_binding": 12,
        "early_key_binding": 12,
        "credential_revoked": 13,
        "credential_suspended": 13,
        "unknown_status": 13,
        "status_out_of_range": 13,
        "status_list_needed": 13,
        "wrong_status_list": 13,
    },
)
SD_JWT_HELD: Final = Pipeline(
    "an SD-JWT VC as its holder keeps it",
    (
        *_SD_JWT_ISSUED,
        Step(14, "It is bound to a key", "Only who holds that key can show it; whose it is, this file does not say."),
        Step(15, "It is like every other of its type", "Whatever differs would let sites recognise its holder."),
    ),
    {**_SD_JWT_FAILING, "unexpected_key_binding": 14, "not_our_key": 14, "recognisable": 15, "schema_mismatch": 15},
)

_LINKED_FRAME: Final = (
    Step(1, "It can be read", "It keeps every rule for credentials, has one proof, and that says no more than others."),
    Step(2, "Its type and form", "It has the form that its type's schema says."),
    Step(3, "You trust the issuer for this", "Anybody can sign anything; what counts is who."),
    Step(4, "The key is the issuer's", "It is one that the issuer states for making credentials."),
    Step(5, "It is valid now", "Its month has begun, and its days are not over."),
)
_LINKED_PROOF: Final = Step(6, "The issuer's proof holds", "For exactly what is shown; not a letter was changed since.")
_LINKED_FAILING: Final = {
    "unknown_type": 2,
    "schema_mismatch": 2,
    "untrusted_issuer": 3,
    "type_not_allowed": 3,
    "wrong_controller": 4,
    "wrong_issuer_key": 4,
    "trust_expired": 4,
    "did_key_unknown": 4,
    "did_key_ended": 4,
    "did_not_resolved": 4,
    "not_yet_valid": 5,
    "expired": 5,
    "bad_proof": 6,
    "wrong_key_kind": 6,
    "dropped_term": 6,
    "relative_reference": 6,
    "unknown_context": 6,
    "protected_term_redefined": 6,
    "invalid_linked_data": 6,
    "oversized_linked_data": 6,
    "too_much_work": 6,
}
LINKED_SHOWN: Final = Pipeline(
    "a part of a linked credential, as it was shown to somebody",
    (
        *_LINKED_FRAME,
        _LINKED_PROOF,
        Step(7, "For this site and this question", "What was shown elsewhere cannot be sent on."),
        Step(8, "The pseudonym asked for, and no other", "One of another gate or month does not count here."),
    ),
    {
        **_LINKED_FAILING,
        "wrong_presentation_header": 7,
        "unasked_pseudonym": 8,
        "missing_pseudonym": 8,
        "wrong_nym_domain": 8,
    },
)
LINKED_HELD: Final = Pipeline(
    "a linked credential as its holder keeps it",
    (
        *_LINKED_FRAME,
        Step(9, "The issuer signed the whole", "With the wallet's secrets in it, where it has pseudonyms."),
        Step(10, "Signed as was asked for", "With pseudonyms, or without."),
        Step(11, "It is like every other of its type", "Whatever differs would let sites recognise its holder."),
    ),
    {
        **{code: 9 if number == _LINKED_PROOF.number else number for code, number in _LINKED_FAILING.items()},
        "proof_impossible": 9,
        "wrong_feature": 10,
        "recognisable": 11,
    },
)
PUBLISHED: Final = Pipeline(
    "a credential to publish",
    (*_LINKED_FRAME, _LINKED_PROOF, Step(12, "It was not taken back", "The issuer's list says that it is still good.")),
    {
        **_LINKED_FAILING,
        **dict.fromkeys(
            (
                "credential_revoked",
                "credential_suspended",
                "unknown_status",
                "status_out_of_range",
                "status_list_needed",
                "status_list_too_short",
                "status_elsewhere",
                "status_not_supported",
                "wrong_status_list",
            ),
            12,
        ),
    },
)
STATEMENT: Final = Pipeline(
    "a signed statement",
    (
        Step(1, "It can be read", "It holds the persona's credential and its word, and nothing else."),
        Step(2, "It was made to assert", "What answered somebody's question is no statement."),
        Step(3, "The persona signed it", "With a key that is its own name; not a letter was changed since."),
        Step(
            4,
            "A co-op says whose key it is",
            "You trust it, and its credential for the persona holds and is valid now.",
        ),
        Step(5, "For this persona, about its own", "The persona may speak for what the statement is about."),
        Step(6, "Not made in the future", "When it was made is the persona's own word."),
    ),
    {
        **dict.fromkeys({**_LINKED_FAILING, **PUBLISHED.failing}, 4),
        "wrong_proof_purpose": 2,
        "bad_proof": 3,
        "wrong_controller": 3,
        "did_method_unsupported": 3,
        "did_key_unknown": 3,
        "not_the_holders": 4,
        "not_yours": 5,
        "not_its_to_say": 5,
    },
)
_ANY: Final = (
    Step(1, "It can be read", "It keeps every rule of the data model, 2.0 or 1.1."),
    Step(2, "What its proofs say of themselves", "Made for this purpose, not expired, not in the future."),
    Step(3, "Its keys are known", "They are listed for this purpose by who is named as their controller."),
    Step(4, "Every proof holds", "Not a letter was changed since."),
    Step(5, "Issuer and keys belong together", "The keys are the issuer's, or the holder's, and nobody else's."),
    Step(6, "It is valid now", "It has begun, and has not ended."),
)
_ANY_FAILING: Final = {
    **dict.fromkeys(("wrong_proof_purpose", "wrong_challenge", "wrong_domain", "proof_expired"), 2),
    **dict.fromkeys(("proof_from_the_future", "unsupported_suite", "previous_proof_missing"), 2),
    **dict.fromkeys(("did_key_unknown", "did_key_ended", "did_not_resolved", "did_method_unsupported"), 3),
    **dict.fromkeys(("bad_proof", "bad_signature", "wrong_key_kind", "proof_chain_unsupported"), 4),
    **dict.fromkeys(("proof_context_mismatch", "proof_contexts_differ"), 4),
    **{code: 4 for code, number in _LINKED_FAILING.items() if number == _LINKED_PROOF.number},
    **dict.fromkeys(("wrong_controller", "wrong_token_issuer"), 5),
    **dict.fromkeys(("not_yet_valid", "expired"), 6),
}
ANY_CREDENTIAL: Final = Pipeline("a credential of a type that is not ours", _ANY, _ANY_FAILING)
ANY_PRESENTATION: Final = Pipeline("a presentation, with every credential in it", _ANY, _ANY_FAILING)
