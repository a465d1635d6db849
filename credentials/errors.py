"""One error root, split by who must act.

Every refusal in Handstamp is a class below `HandstampError` with a stable `code`; its text is built in the class, in
words for whoever has to act. Only a service's `api.py` and `web/` turn an error into HTTP.
"""

from typing import ClassVar


class HandstampError(Exception):
    """Something was refused or went wrong, in words, with a code that does not change.

    Attributes:
        code: stable, lower case, for programs and for support.
        detail: one or two sentences: what is wrong, where, what to do.
    """

    code: ClassVar[str] = "handstamp_error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class HolderError(HandstampError):
    """The holder, or the wallet that acts for them, must do something else."""

    code = "holder_error"


class VerifierError(HandstampError):
    """The site that runs the gate, or its verifier, must mend something."""

    code = "verifier_error"


class IssuerError(HandstampError):
    """The co-op must mend something."""

    code = "issuer_error"


class OperatorError(HandstampError):
    """Whoever runs this service must mend its configuration or its machine."""

    code = "operator_error"


class Malformed(HandstampError):
    """Input that cannot be read as what it should be. Whoever sent it must send it right."""

    code = "malformed"

    def __init__(self, what: str, reason: str) -> None:
        """Say which input (`what`) is wrong and why (`reason`), without repeating the input itself."""
        super().__init__(f"The {what} cannot be read: {reason}.")
        self.what = what
        self.reason = reason
