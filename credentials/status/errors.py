"""Why a status list, or a credential because of its status, is refused."""

from credentials.errors import HandstampError, HolderError, IssuerError, VerifierError


class StatusNotSupported(VerifierError):
    """A credential that can be revoked, in a way that nobody here knows how to ask about."""

    code = "status_not_supported"

    def __init__(self) -> None:
        super().__init__("The credential has a status of a kind that cannot be looked up here; it cannot be accepted.")


class StatusElsewhere(IssuerError):
    """A credential whose status is kept at another host than its issuer's."""

    code = "status_elsewhere"

    def __init__(self) -> None:
        super().__init__(
            "The credential's status is kept at another address than its issuer's own. It is not asked for there; "
            "the issuer must keep its status lists itself."
        )


class StatusListNeeded(HandstampError):
    """Everything else is right; whether the credential is still good stands in a list that is not at hand.

    Attributes:
        uri: where the list is, which is at the issuer's own host.
        issuer: whose list it is.
    """

    code = "status_list_needed"

    def __init__(self, uri: str, issuer: str) -> None:
        super().__init__(
            "Whether this is still valid could not be found out just now, because the co-op's list of what was taken "
            "back could not be had. No visit was counted; try again in a few minutes."
        )
        self.uri = uri
        self.issuer = issuer


class CredentialRevoked(HolderError):
    """A credential that its issuer took back."""

    code = "credential_revoked"

    def __init__(self) -> None:
        super().__init__("The issuer has taken this credential back; ask them why, or get a new one.")


class CredentialSuspended(HolderError):
    """A credential that its issuer holds up for a while."""

    code = "credential_suspended"

    def __init__(self) -> None:
        super().__init__("The issuer has suspended this credential for now; ask them why, or come back later.")


class UnknownStatus(IssuerError):
    """A status that only its issuer knows the meaning of (Token Status List §7.1)."""

    code = "unknown_status"

    def __init__(self) -> None:
        super().__init__("The credential has a status that is neither valid, revoked nor suspended; it is refused.")


class StatusOutOfRange(IssuerError):
    """An index beyond the end of its list: the list makes no statement about it (Token Status List §8.3)."""

    code = "status_out_of_range"

    def __init__(self) -> None:
        super().__init__("The status list of the issuer has no entry for this credential, so it is refused.")


class WrongStatusList(IssuerError):
    """A status list that is another list, or another issuer's, than the one asked for."""

    code = "wrong_status_list"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The status list is not the one that was asked for: {reason}.")


class StatusListTooShort(IssuerError):
    """A list of so few entries that each tells too much of one holder (Bitstring Status List 1.0 §3.2)."""

    code = "status_list_too_short"

    def __init__(self, min_entries: int) -> None:
        super().__init__(
            f"The issuer's status list has fewer than {min_entries} entries, so that each would tell who is looked up; "
            "the issuer must publish longer ones."
        )
