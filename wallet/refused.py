"""Why this wallet does not answer a site: what happened, that nothing was shown, what to do; each in two sentences."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from credentials.errors import HandstampError, HolderError, Malformed, VerifierError
from credentials.keys.errors import (
    BadSignature,
    CertificateError,
    CertificateExpired,
    CertificateNotYetValid,
    CertificateUntrusted,
    UnsupportedAlgorithm,
    UnsupportedHeader,
    WrongAlgorithm,
    WrongTyp,
)
from credentials.protocols.handshake import HandshakeMismatch
from credentials.protocols.openid4vp import (
    ForeignNymDomain,
    ForeignResponseUri,
    FormatsNotSupported,
    MissingClientIdPrefix,
    NoUsableEncryption,
    PublicUnsignedRequest,
    RequestExpired,
    RequestNotYetValid,
    RequestRefused,
    SignedRedirectUri,
    TransactionDataRefused,
    UnprovenDid,
    UnprovenNymDomain,
    UnsignedRequest,
    UnsupportedClientIdPrefix,
    UnsupportedResponse,
    WrongCertificateHash,
    WrongClientId,
    WrongRequestAudience,
    WrongWalletNonce,
)


class UncertifiedSite(HolderError):
    """No authority vouches for who asks; at best, its own web address does."""

    code = "uncertified_site"

    def __init__(self, host: str) -> None:
        super().__init__(
            f"No authority vouches for {host}: whoever holds that web address could be anybody. Nothing was shown; "
            "if you know the address and trust it, run the command again with --uncertified."
        )


class QuestionRefused(VerifierError):
    """What a site asks is not asked in a way that may be answered; the refusal of the kernel is the cause."""

    code = "question_refused"

    def __init__(self, host: str, reason: str, remedy: str) -> None:
        super().__init__(f"The question of {host} was not answered: {reason}. Nothing was shown; {remedy}.")


class QuestionAnswered(HolderError):
    """A request that this wallet has answered, and that was taken: shown again, it is a mistake or a trick."""

    code = "question_answered"

    def __init__(self, host: str, at: datetime) -> None:
        super().__init__(
            f"You answered this question of {host} on {at:%d %B %Y at %H:%M} UTC, and it was taken. Nothing was shown "
            "again; for another visit, start again at its page."
        )


class AnswerLost(VerifierError):
    """The answer was sent, and nobody said what became of it."""

    code = "answer_lost"

    def __init__(self, host: str, reason: str, *, used_up: bool = True) -> None:
        lost, again = "One stamp was used up, the copy stays yours", ": another stamp is used then"
        super().__init__(
            f"Your answer to {host} may have been lost ({reason}). {lost if used_up else 'Nothing was used up'}; look "
            f"at the site's page, and if it still waits, answer it again{again if used_up else ''}."
        )


class ProofEnded(HolderError):
    """What would answer has ended with its month, and nothing else that this site takes is here."""

    code = "proof_ended"

    def __init__(self, why: str, renewing: str) -> None:
        super().__init__(f"{why} Nothing was shown. To have it again: handstamp wallet renew --now. {renewing}")


class NumberLost(HolderError):
    """The secret behind the numbers of a credential is not in the wallet that holds it."""

    code = "number_lost"

    def __init__(self) -> None:
        super().__init__(
            "The secret that your number at this gate comes from is not in this wallet, so nothing was shown. Import "
            "the wallet that received it; or ask your co-op to set back the commitment, which it does twice a year."
        )


_AGAIN: Final = "start again at its page"
_TELL: Final = "tell the site, the fault is not yours"
_BEWARE: Final = "if you came here by somebody else's link or code, do not use it again"

_WORDS: Final[Mapping[type[HandstampError], tuple[str, str]]] = {
    RequestExpired: ("it is too old, unless the clock of this device is ahead", _AGAIN),
    RequestNotYetValid: ("it is dated in the future, so one of the two clocks is wrong", "look at yours"),
    WrongWalletNonce: ("it was not made for you just now, but kept from before or from somebody else", _BEWARE),
    WrongClientId: ("the link names another site than the one that signed it", _BEWARE),
    ForeignResponseUri: ("it wants the answer sent to another host than the one that asks", _BEWARE),
    BadSignature: ("the site that it names did not sign it", _BEWARE),
    UnprovenDid: ("the site that it names did not sign it", _BEWARE),
    WrongCertificateHash: ("the site that it names did not sign it", _BEWARE),
    UnsignedRequest: ("nobody signed it, though it says that it is signed", _BEWARE),
    SignedRedirectUri: ("it says of itself that nobody can prove who asks, and is signed all the same", _BEWARE),
    PublicUnsignedRequest: ("nobody signed it", _TELL),
    ForeignNymDomain: (
        "it asks for the number by which another site knows you again; with it, the two could tell that it is you",
        _TELL,
    ),
    UnprovenNymDomain: ("it asks for a number by which you are known again, and nothing proves who asks", _BEWARE),
    HandshakeMismatch: ("the terms that it shows are not those that you would sign", _BEWARE),
    NoUsableEncryption: ("it wants an answer that only the site can read, and gives no key for that", _TELL),
    TransactionDataRefused: ("it wants you to authorise something that this wallet does not know", _TELL),
    MissingClientIdPrefix: ("it does not say how to check who asks", _TELL),
    UnsupportedClientIdPrefix: ("it wants its name checked in a way that this wallet does not have", _TELL),
    UnsupportedResponse: ("it wants the answer in a way that this wallet does not have", _TELL),
    WrongRequestAudience: ("it was made for another wallet", _AGAIN),
    FormatsNotSupported: ("it cannot read what this wallet writes", _TELL),
    WrongAlgorithm: ("the site that it names did not sign it", _BEWARE),
    CertificateNotYetValid: ("what vouches for its name is not valid yet by the clock of this device", "look at it"),
    CertificateExpired: ("what vouches for the site's name has run out", _TELL),
    CertificateError: ("nothing that holds vouches for the site's name", _BEWARE),
}
_UNREADABLE: Final = (Malformed, UnsupportedAlgorithm, UnsupportedHeader, WrongTyp, RequestRefused)


@contextmanager
def refusing(host: str, *, reading: bool = False) -> Iterator[None]:
    """Say in a listener's words why a request is refused.

    Args:
        host: whose request it is.
        reading: whether the request itself is read inside, so that what cannot be read is its fault.

    Raises:
        QuestionRefused: in place of each refusal that has words here.
        CertificateUntrusted: as it is; the caller names the authority that is missing.
    """
    try:
        yield
    except CertificateUntrusted:
        raise
    except HandstampError as error:
        found = next((words for kind, words in _WORDS.items() if isinstance(error, kind)), None)
        if found is None and reading and isinstance(error, _UNREADABLE):
            found = ("it cannot be read", _TELL)
        if found is None:
            raise
        raise QuestionRefused(host, *found) from error
