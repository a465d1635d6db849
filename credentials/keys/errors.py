"""What can be wrong with a key, a signature or a certificate."""

from credentials.errors import HandstampError


class BadSignature(HandstampError):
    """A signature that does not belong to these bytes and this key."""

    code = "bad_signature"

    def __init__(self) -> None:
        super().__init__("The signature does not fit: what was signed has been changed, or another key signed it.")


class UnsupportedAlgorithm(HandstampError):
    """A signature algorithm that is not accepted here; `none` is one of them."""

    code = "unsupported_algorithm"

    def __init__(self, what: str, algorithms: frozenset[str]) -> None:
        super().__init__(f"The {what} must be signed with {' or '.join(sorted(algorithms))}; it is not.")


class WrongAlgorithm(HandstampError):
    """A header that names another algorithm than the one its key is for (RFC 8725 §2.1)."""

    code = "wrong_algorithm"

    def __init__(self, what: str, algorithm: str) -> None:
        super().__init__(f"The {what} names another algorithm in its header than {algorithm}, which its key is for.")


class WrongTyp(HandstampError):
    """A signed message of another kind: what was signed for one purpose must not serve another (RFC 8725 §3.11)."""

    code = "wrong_typ"

    def __init__(self, what: str, expected: str) -> None:
        super().__init__(f"The {what} must carry the type {expected} in its header; it does not.")


class UnsupportedHeader(HandstampError):
    """A header that demands an extension which is not understood (RFC 7515 §4.1.11), so it must be refused."""

    code = "unsupported_header"

    def __init__(self, what: str, member: str) -> None:
        super().__init__(f"The header of the {what} uses `{member}`, which is not supported; send it without.")


class PrivateKeyExposed(HandstampError):
    """A key sent as public that holds private members."""

    code = "private_key_exposed"

    def __init__(self, what: str) -> None:
        super().__init__(f"The {what} holds private members. Send the public key only, and never use this key again.")


class KeyUnreadable(HandstampError):
    """A private key file that cannot be opened."""

    code = "key_unreadable"

    def __init__(self) -> None:
        super().__init__(
            "The private key cannot be read: it needs to be a P-256, P-384 or Ed25519 key in PEM, "
            "with its right password."
        )


class UnreadableEncryption(HandstampError):
    """Something encrypted that did not open. It is never said why: that would help whoever guesses."""

    code = "unreadable_encryption"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The {what} cannot be decrypted: it was encrypted to another key, in another way than was offered, "
            "or changed. Encrypt it again, to the key that was sent last."
        )


class EncryptionImpossible(HandstampError):
    """A key or an algorithm that was asked for, and that nothing can be encrypted with here."""

    code = "encryption_impossible"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The answer cannot be encrypted as was asked: {reason}.")


class CertificateError(HandstampError):
    """A certificate chain that does not prove the key."""

    code = "certificate_error"


class CertificateUntrusted(CertificateError):
    """No path from the certificate to an anchor that is trusted here."""

    code = "certificate_untrusted"

    def __init__(self, dns_name: str) -> None:
        super().__init__(
            f"The certificate for {dns_name} does not lead to an authority that is trusted for it. "
            "Add the authority if you trust it, or ask the sender for a complete chain."
        )


class CertificateExpired(CertificateError):
    """A certificate used after its last day."""

    code = "certificate_expired"

    def __init__(self, dns_name: str) -> None:
        super().__init__(f"The certificate for {dns_name} has expired; its owner must renew it.")


class CertificateNotYetValid(CertificateError):
    """A certificate used before its first day."""

    code = "certificate_not_yet_valid"

    def __init__(self, dns_name: str) -> None:
        super().__init__(
            f"The certificate for {dns_name} is not valid yet; its owner, or this clock, is ahead or behind."
        )


class CertificateWrongName(CertificateError):
    """A certificate for another host."""

    code = "certificate_wrong_name"

    def __init__(self, dns_name: str) -> None:
        super().__init__(f"The certificate is not for {dns_name}; its owner must use one that names this host.")


class CertificateSelfSigned(CertificateError):
    """A leaf that signed itself, which HAIP 1.0 §6.1.1 refuses: it proves nothing beyond the key."""

    code = "certificate_self_signed"

    def __init__(self) -> None:
        super().__init__("The certificate signed itself; its owner must have it certified by an authority.")


class CertificateKeyUnsupported(CertificateError):
    """A leaf whose key cannot sign with an algorithm that is accepted here."""

    code = "certificate_key_unsupported"

    def __init__(self) -> None:
        super().__init__(
            "The certificate's key is not a P-256, P-384 or Ed25519 key for signatures; its owner must use one that is."
        )
