"""Why a proof is not accepted, or not made.

`ProofError` says what a checker found wrong with a proof; `ProofImpossible` says why none was made.
"""

from collections.abc import Iterable

from credentials.errors import HandstampError
from credentials.protocols.members import shown


class ProofError(HandstampError):
    """A proof inside a document that proves nothing here."""

    code = "proof_error"


class ProofMissing(ProofError):
    """A document that should carry a proof and does not."""

    code = "proof_missing"

    def __init__(self) -> None:
        super().__init__("The document carries no proof; ask whoever wrote it to sign it.")


class BadProof(ProofError):
    """A proof that does not belong to this document and this key."""

    code = "bad_proof"

    def __init__(self) -> None:
        super().__init__(
            "The proof does not fit: the document or its proof has been changed, or another key signed it."
        )


class ProofContextMismatch(ProofError):
    """A proof that was made under other contexts than those that the document begins with."""

    code = "proof_context_mismatch"

    def __init__(self) -> None:
        super().__init__("The proof was made under other contexts than those that the document begins with.")


class ProofContextsDiffer(ProofError):
    """Several proofs, each of which was made under other contexts."""

    code = "proof_contexts_differ"

    def __init__(self) -> None:
        super().__init__(
            "The proofs were made under different contexts, so that each could mean something else; send one of them."
        )


class UnsupportedSuite(ProofError):
    """A kind of proof that is not in the table of suites."""

    code = "unsupported_suite"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(
            f"Proofs of the kind {shown(name, max_chars=40)} are not read here; {', '.join(sorted(known))} are."
        )


class WrongSuite(ProofError):
    """A proof that was given to the check of another suite."""

    code = "wrong_suite"

    def __init__(self, expected: str) -> None:
        super().__init__(f"The proof is not of the kind {expected}, which was expected of it.")


class WrongKeyKind(ProofError):
    """A key of a kind that the suite does not sign with."""

    code = "wrong_key_kind"

    def __init__(self, suite: str, kinds: str) -> None:
        super().__init__(
            f"A proof of the kind {suite} needs a key of the kind {kinds}; the key named by it is another."
        )


class WrongPurpose(ProofError):
    """A proof that was made for something else."""

    code = "wrong_proof_purpose"

    def __init__(self, expected: str) -> None:
        super().__init__(f"The proof was not made for {expected}, which it is used for here.")


class WrongChallenge(ProofError):
    """A proof that answers another question, or one that was asked before."""

    code = "wrong_challenge"

    def __init__(self) -> None:
        super().__init__("The proof does not answer the challenge that was set. Ask again, and answer the new one.")


class WrongDomain(ProofError):
    """A proof that was made for somebody else."""

    code = "wrong_domain"

    def __init__(self) -> None:
        super().__init__("The proof was made for another domain than this one; answer here to what was asked here.")


class ProofExpired(ProofError):
    """A proof after its last moment."""

    code = "proof_expired"

    def __init__(self) -> None:
        super().__init__("The proof has expired; ask whoever made it for a new one.")


class ProofFromTheFuture(ProofError):
    """A proof that says that it was made later than now."""

    code = "proof_from_the_future"

    def __init__(self) -> None:
        super().__init__("The proof says that it was made in the future; its maker's clock, or this one, is wrong.")


class PreviousProofMissing(ProofError):
    """A proof in a chain whose predecessor is not there."""

    code = "previous_proof_missing"

    def __init__(self) -> None:
        super().__init__("The proof builds on another that is not in the document; send all of them.")


class ChainUnsupported(ProofError):
    """A proof of selective disclosure that builds on another proof."""

    code = "proof_chain_unsupported"

    def __init__(self, suite: str) -> None:
        super().__init__(f"A proof of the kind {suite} cannot build on another proof here; send it without.")


class WrongController(ProofError):
    """A proof by somebody else than the one who speaks in the document."""

    code = "wrong_controller"

    def __init__(self, role: str) -> None:
        super().__init__(
            f"The key that made the proof belongs to somebody else than the {role} that the document names."
        )


class ProofImpossible(HandstampError):
    """A proof that cannot be made as was asked."""

    code = "proof_impossible"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The proof cannot be made: {reason}.")
