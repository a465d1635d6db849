"""Why `credentials.verify_linked` refuses, beside what proofs, pseudonyms and the data model have errors for."""

from credentials.errors import HolderError, IssuerError


class UnaskedPseudonym(HolderError):
    """A pseudonym where none was asked for: it would make the holder recognisable for nothing."""

    code = "unasked_pseudonym"

    def __init__(self) -> None:
        super().__init__(
            "A pseudonym is shown that was not asked for, so the answer is not looked at any further; show the "
            "credential in its plain form."
        )


class MissingPseudonym(HolderError):
    """No pseudonym where a gate counts by them."""

    code = "missing_pseudonym"

    def __init__(self) -> None:
        super().__init__(
            "This gate counts by a pseudonym, and none was shown; show the credential in its form for pseudonyms."
        )


class WrongFeature(IssuerError):
    """On receipt: a credential signed in another way than was asked for."""

    code = "wrong_feature"

    def __init__(self) -> None:
        super().__init__(
            "The credential is signed for another kind of use (with a pseudonym, or without) than was asked for; it is "
            "refused, because it could not be shown where it is needed."
        )


class NotOneCredential(HolderError):
    """A presentation that holds none, several, or one in an envelope."""

    code = "not_one_credential"

    def __init__(self) -> None:
        super().__init__("The presentation must hold exactly one credential, as it is; send one presentation for each.")


class ReusableProof(HolderError):
    """A proof that was tied to another occasion than the presentation around it."""

    code = "reusable_proof"

    def __init__(self) -> None:
        super().__init__(
            "The credential's own proof was made for another occasion than this presentation, so it may be somebody "
            "else's; derive a new one."
        )


class NotTheHolders(HolderError):
    """A credential about somebody else than the one who shows it."""

    code = "not_the_holders"

    def __init__(self) -> None:
        super().__init__("The credential is about somebody else than the one who shows it; only its subject may.")


class HolderUnknown(HolderError):
    """A presentation signed by a key that cannot be looked up without asking somebody."""

    code = "holder_unknown"

    def __init__(self) -> None:
        super().__init__(
            "Whoever shows this must sign with a key that is its own name (did:key or did:jwk): no other is looked up "
            "here, so that nobody learns of it."
        )


class NotYours(IssuerError):
    """A published credential whose subject is another than the one who speaks by it."""

    code = "not_yours"

    def __init__(self) -> None:
        super().__init__("The statement is signed by somebody else than the persona that the credential is about.")
