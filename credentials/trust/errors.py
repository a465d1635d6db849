"""Why an issuer, or a key, is not trusted here."""

from credentials.errors import HandstampError, VerifierError


class UntrustedIssuer(HandstampError):
    """An issuer that nobody here has said they trust."""

    code = "untrusted_issuer"

    def __init__(self, issuer: str) -> None:
        super().__init__(f"{issuer} is not on the list of trusted issuers. Add it if you trust it.")


class WrongIssuerKey(HandstampError):
    """A key that does not belong to the issuer that the credential names."""

    code = "wrong_issuer_key"

    def __init__(self, issuer: str) -> None:
        super().__init__(
            f"The credential says it is from {issuer}, but is signed with a key that is not known as theirs. "
            "If the issuer has changed keys, trust it anew."
        )


class TypeNotAllowed(HandstampError):
    """A type that this issuer is not trusted to issue."""

    code = "type_not_allowed"

    def __init__(self, issuer: str, vct: str) -> None:
        super().__init__(f"{issuer} is not trusted to issue {vct}.")


class AmbiguousPolicy(VerifierError):
    """A policy that says two things of one issuer."""

    code = "ambiguous_policy"

    def __init__(self, issuer: str) -> None:
        super().__init__(f"{issuer} is listed twice among the trusted issuers; list it once.")
