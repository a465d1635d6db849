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


class TrustExpired(HandstampError):
    """An issuer that was vouched for by a list, which has ended since."""

    code = "trust_expired"

    def __init__(self, issuer: str) -> None:
        super().__init__(
            f"{issuer} was trusted because a list of co-ops named it, and that list has ended. Fetch the list anew."
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


class CoopListRefused(HandstampError):
    """A list of co-ops that is not the one that was subscribed to."""

    code = "coop_list_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The list of co-ops is refused: {reason}. The one that was read before still counts.")


class CoopListExpired(CoopListRefused):
    """A list after its end: nobody stands by it any more."""

    code = "coop_list_expired"

    def __init__(self) -> None:
        super().__init__("it has ended, and its publisher must publish a new one")


class CoopListRolledBack(CoopListRefused):
    """A list older than one that was read before, or another one under the same version."""

    code = "coop_list_rolled_back"

    def __init__(self) -> None:
        super().__init__("it is older than the one that was read before, or was changed without a new version")
