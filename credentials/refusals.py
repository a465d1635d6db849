"""Why `credentials.verify` refuses: one class for each reason, with a code that does not change."""

from credentials.errors import HandstampError, HolderError, IssuerError


class HiddenValidityClaim(IssuerError):
    """A claim that decides whether the credential is valid, and that its holder could show or hide."""

    code = "hidden_validity_claim"

    def __init__(self, name: str) -> None:
        super().__init__(f"`{name}` is selectively disclosable in this credential; its issuer must make it visible.")


class UnknownType(HolderError):
    """A credential of a type that was not asked for."""

    code = "unknown_type"

    def __init__(self, types: frozenset[str]) -> None:
        super().__init__(f"The credential is of another type than asked; one of {', '.join(sorted(types))} is needed.")


class Expired(HolderError):
    """A credential, or its key binding, after its `exp`."""

    code = "expired"

    def __init__(self, what: str) -> None:
        super().__init__(f"The {what} has expired; get a new one.")


class NotYetValid(HolderError):
    """A credential, or its key binding, before its `nbf` or its `iat`."""

    code = "not_yet_valid"

    def __init__(self, what: str) -> None:
        super().__init__(f"The {what} is not valid yet; come back later, or set the clock right.")


class MissingKeyBinding(HolderError):
    """A credential without proof that whoever shows it holds its key."""

    code = "missing_key_binding"

    def __init__(self) -> None:
        super().__init__("The presentation has no key binding; present the credential with the key it is bound to.")


class WrongKeyBinding(HolderError):
    """A key binding that another key signed: the credential is somebody else's, or was changed."""

    code = "wrong_key_binding"

    def __init__(self) -> None:
        super().__init__("The key binding is not signed by the key that the credential is bound to; use that key.")


class WrongSdHash(HolderError):
    """A key binding made for other disclosures: some were added or removed after the holder signed."""

    code = "wrong_sd_hash"

    def __init__(self) -> None:
        super().__init__("The key binding was made for other disclosures than those sent; present the credential anew.")


class WrongAudience(HolderError):
    """A presentation made for another verifier."""

    code = "wrong_audience"

    def __init__(self, audience: str) -> None:
        super().__init__(f"The presentation is made for someone else; present the credential to {audience}.")


class WrongNonce(HolderError):
    """A presentation made for another request, perhaps one that somebody recorded."""

    code = "wrong_nonce"

    def __init__(self) -> None:
        super().__init__("The presentation answers another request; answer this one anew.")


class StaleKeyBinding(HolderError):
    """A key binding that is too old."""

    code = "stale_key_binding"

    def __init__(self, max_age_s: int) -> None:
        super().__init__(
            f"The presentation is older than {max_age_s} seconds; present the credential anew, and set the "
            "device's clock right if that does not help."
        )


class EarlyKeyBinding(HolderError):
    """A key binding from the future."""

    code = "early_key_binding"

    def __init__(self) -> None:
        super().__init__("The presentation is dated in the future; set the device's clock right and present anew.")


class NotOurKey(HandstampError):
    """On receipt: a credential bound to a key that the wallet did not send."""

    code = "not_our_key"

    def __init__(self) -> None:
        super().__init__("The credential is bound to a key that this wallet does not hold; it could never be shown.")


class Recognisable(IssuerError):
    """On receipt: a credential that differs from others of its type, so that its holder could be recognised by it."""

    code = "recognisable"

    def __init__(self, difference: str) -> None:
        super().__init__(
            f"The credential could make you recognisable: {difference}. It is refused; ask its issuer for a usual one."
        )
        self.difference = difference
