"""Why a DID leads to no key."""

from credentials.errors import HandstampError
from credentials.protocols.members import shown


class DidMethodUnsupported(HandstampError):
    """A DID of a method that is not in the table."""

    code = "did_method_unsupported"

    def __init__(self, method: str, known: tuple[str, ...]) -> None:
        super().__init__(
            f"The DID method {shown(method, max_chars=20)} is not supported here; "
            f"{', '.join(f'did:{name}' for name in known)} are."
        )


class DidNotResolved(HandstampError):
    """A DID whose document could not be had."""

    code = "did_not_resolved"

    def __init__(self, did: str, reason: str) -> None:
        super().__init__(f"The DID document of {shown(did, max_chars=100)} could not be had: {reason}.")
        self.reason = reason


class DidKeyUnknown(HandstampError):
    """A key that the DID's document does not list, or not for this use."""

    code = "did_key_unknown"

    def __init__(self, did: str) -> None:
        super().__init__(
            f"The DID document of {shown(did, max_chars=100)} does not list the key that signed, or not for this use."
        )


class DidKeyEnded(HandstampError):
    """A key that the DID's document lists as expired or revoked."""

    code = "did_key_ended"

    def __init__(self, did: str) -> None:
        super().__init__(
            f"The key that signed has expired or was revoked by the DID document of {shown(did, max_chars=100)}."
        )
