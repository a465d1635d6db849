"""What can be wrong with a BBS signature, proof or commitment that could be read. What could not is `Malformed`."""

from credentials.errors import HandstampError


class BadBbsSignature(HandstampError):
    """A BBS signature that does not belong to these messages, this header and this key."""

    code = "bad_bbs_signature"

    def __init__(self) -> None:
        super().__init__(
            "The BBS signature does not fit: a message or the header has been changed, or another key signed it."
        )


class BadBbsProof(HandstampError):
    """A BBS proof that does not prove what it should."""

    code = "bad_bbs_proof"

    def __init__(self) -> None:
        super().__init__(
            "The BBS proof does not hold: what it discloses, its headers or its pseudonym have been changed, it was "
            "made for another occasion, or another key signed the credential."
        )


class BadCommitment(HandstampError):
    """A commitment whose sender did not prove to know what it hides."""

    code = "bad_commitment"

    def __init__(self) -> None:
        super().__init__("The commitment does not come with a proof that its sender knows what it hides. Make it anew.")


class UnknownMessage(HandstampError):
    """A message asked to be shown by a number that no message has."""

    code = "unknown_message"

    def __init__(self, count: int) -> None:
        super().__init__(f"There are {count} messages, numbered from 0; one was asked for that is not among them.")
