"""Why an SD-JWT cannot be taken: the rejection rules of RFC 9901 §4 and §7."""

from credentials.errors import HandstampError, HolderError, IssuerError


class UnreferencedDisclosure(HandstampError):
    """RFC 9901 §7.1 step 5: a disclosure that nothing signed refers to; anybody could have added it."""

    code = "unreferenced_disclosure"

    def __init__(self) -> None:
        super().__init__("The credential comes with a disclosure that its issuer did not sign. Send it without.")


class DuplicateDisclosure(HandstampError):
    """RFC 9901 §4: a holder must not send a disclosure more than once."""

    code = "duplicate_disclosure"

    def __init__(self) -> None:
        super().__init__("The credential comes with the same disclosure twice. Send each once.")


class DuplicateDigest(HandstampError):
    """RFC 9901 §7.1 step 4: the same digest in two places would put one claim in two places."""

    code = "duplicate_digest"

    def __init__(self) -> None:
        super().__init__("The credential holds the same digest twice; its issuer must issue it anew.")


class ForbiddenClaimName(HandstampError):
    """RFC 9901 §7.1 step 3.3.2.2 and §4.1 rule 7: a claim with a name that only digests may have."""

    code = "forbidden_claim_name"

    def __init__(self, name: str) -> None:
        super().__init__(f"The credential uses `{name}` as the name of a claim; that name is kept for digests.")


class ClaimNameTaken(HandstampError):
    """RFC 9901 §7.1 step 3.3.2.3: a disclosure would overwrite a claim that is there already."""

    code = "claim_name_taken"

    def __init__(self) -> None:
        super().__init__("A disclosure names a claim that is there already; its issuer must issue the credential anew.")


class WrongDisclosureShape(HandstampError):
    """RFC 9901 §7.1 steps 3.3.2.1 and 3.3.3.1: an element where a claim is due, or a claim where an element is due."""

    code = "wrong_disclosure_shape"

    def __init__(self) -> None:
        super().__init__(
            "A disclosure does not fit its place: a claim has a salt, a name and a value, an element no name."
        )


class UnsupportedHash(HandstampError):
    """RFC 9901 §7.1 step 2.5: digests made in a way that is not understood, or not safe."""

    code = "unsupported_hash"

    def __init__(self) -> None:
        super().__init__("The credential's digests use a hash that is not supported; sha-256, sha-384 and sha-512 are.")


class UnexpectedKeyBinding(HandstampError):
    """RFC 9901 §7.2: an issued credential that comes with a key binding has been presented to someone before."""

    code = "unexpected_key_binding"

    def __init__(self) -> None:
        super().__init__("The credential comes with a key binding, which only a presentation has. Ask for it anew.")


class UnknownClaim(HolderError):
    """A claim to disclose that the credential does not have."""

    code = "unknown_claim"

    def __init__(self, name: str) -> None:
        super().__init__(f"The credential has no claim `{name}` to disclose; choose another credential.")


class NotTheHoldersKey(HolderError):
    """A key other than the one that the credential is bound to."""

    code = "not_the_holders_key"

    def __init__(self) -> None:
        super().__init__("The credential is bound to another key than the one about to sign; use the key it came with.")


class ReservedClaim(IssuerError):
    """A claim that SD-JWT VC keeps always visible, asked to be selectively disclosable."""

    code = "reserved_claim"

    def __init__(self, name: str) -> None:
        super().__init__(f"`{name}` must be visible to everyone and cannot be a claim to disclose; rename the claim.")


class TooManyClaims(IssuerError):
    """More claims than the fixed number of digests of the type."""

    code = "too_many_claims"

    def __init__(self, digest_count: int) -> None:
        super().__init__(f"The type has room for {digest_count} claims; more would tell credentials apart by size.")


class NothingToHide(IssuerError):
    """A path of what is to be selectively disclosable that leads to nothing."""

    code = "nothing_to_hide"

    def __init__(self, path: str) -> None:
        super().__init__(f"There is nothing at `{path}` that could be disclosable; mend the path or the claims.")
