"""Why a gate stays shut: each refusal of the verifier with its stable code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credentials.errors import HandstampError, HolderError, OperatorError, VerifierError

if TYPE_CHECKING:
    from datetime import datetime


class NoSuchGate(HandstampError):
    """Nobody made this gate here, or it was taken away."""

    code = "no_such_gate"

    def __init__(self) -> None:
        super().__init__("There is no such gate here. Check the link, or ask whoever gave it to you.")


class GateClosed(HandstampError):
    """The site closed this gate for good."""

    code = "gate_closed"

    def __init__(self) -> None:
        super().__init__("The site has closed this gate. Nothing of yours is lost: what you own stays yours.")


class NoSuchCover(HandstampError):
    """No picture is kept beside this gate."""

    code = "no_such_cover"

    def __init__(self) -> None:
        super().__init__("There is no picture of this record here.")


class NoSuchVisit(HandstampError):
    """The visit is over and forgotten, or it never was."""

    code = "no_such_visit"

    def __init__(self) -> None:
        super().__init__("This visit has ended, and nothing of it was kept. Open the gate again to start a new one.")


class NoSuchRequest(HolderError):
    """A request that is over and forgotten, or never was."""

    code = "no_such_request"

    def __init__(self) -> None:
        super().__init__("This request has ended or never existed. Start again at the gate.")


class VisitExpired(HolderError):
    """The answer, or the listener, came too late."""

    code = "visit_expired"

    def __init__(self) -> None:
        super().__init__("The time for this visit is over. Start again at the gate.")


class AlreadyAnswered(HolderError):
    """A visit takes one answer, once."""

    code = "already_answered"

    def __init__(self) -> None:
        super().__init__("This visit was answered already; an answer is taken once. Start again at the gate.")


class TooManyFailedAnswers(HolderError):
    """The visit ended because answer after answer was refused."""

    code = "too_many_failed_answers"

    def __init__(self) -> None:
        super().__init__("Too many answers to this visit were refused, so it has ended. Start again at the gate.")


class AlreadyUsed(HolderError):
    """The copy, or membership, opened this limited gate as often as it may."""

    code = "already_used"

    def __init__(self, first_use: datetime) -> None:
        super().__init__(
            f"This stamp was already used here, first on {first_use:%Y-%m-%d at %H:%M} UTC, as often as it may be. "
            "You still own what you own. If that was not you, ask whoever runs this gate."
        )
        self.first_use = first_use


class MonthTurned(HolderError):
    """The pseudonym is one of a month that ended between the answer and the opening of the door."""

    code = "month_turned"

    def __init__(self) -> None:
        super().__init__("The month has turned since this was shown, and it is good for one month. Start again.")


class WrongIssuerForClaim(HolderError):
    """A co-op vouched for a membership of another one."""

    code = "wrong_issuer_for_claim"

    def __init__(self) -> None:
        super().__init__("Only the co-op itself can say who belongs to it; this was said by another one.")


class NoLongerTrusted(HolderError):
    """A co-op that vouched was struck out, or its trust ended, before the door opened."""

    code = "no_longer_trusted"

    def __init__(self) -> None:
        super().__init__("This site no longer trusts the co-op that vouched for this. You still own what you own.")


class NoSuchCode(HandstampError):
    """A page with a short code that is over and forgotten, or never was."""

    code = "no_such_code"

    def __init__(self) -> None:
        super().__init__("This code was used already, or its time is over. Start again at the gate.")


class NoCodeWanted(HandstampError):
    """A short code was typed into a visit that waits for none."""

    code = "no_code_wanted"

    def __init__(self) -> None:
        super().__init__("This visit waits for no code. Go back to its page to see how it stands.")


class NotADoor(VerifierError):
    """The gate asks for what no door pass can say."""

    code = "not_a_door"

    def __init__(self, reason: str) -> None:
        """`reason` in words, to end a sentence."""
        super().__init__(f"This gate opens online only: {reason}.")


class WrongDoorKey(HandstampError):
    """A device sent a pass without the key of its gate."""

    code = "wrong_door_key"

    def __init__(self) -> None:
        super().__init__(
            "Only the site's own devices may send passes here; `handstamp door GATE --key` shows their key."
        )


class NoDid(HandstampError):
    """The site is not known by a DID."""

    code = "no_did"

    def __init__(self) -> None:
        super().__init__("This site is not known by a DID; its requests are proven in another way.")


class WalletNotServed(HolderError):
    """A wallet said that it cannot read the kind of request, or of credential, that this site works with."""

    code = "wallet_not_served"

    def __init__(self, wants: str) -> None:
        super().__init__(f"This wallet cannot answer here: it does not know {wants}.")


class WrongState(HolderError):
    """The answer does not carry this request's own `state` (OpenID4VP 1.0 §14.3.2)."""

    code = "wrong_state"

    def __init__(self) -> None:
        super().__init__("The answer's `state` is not the one of this request.")


class WalletDeclined(HolderError):
    """The wallet, or its owner, said no (OpenID4VP 1.0 §8.5)."""

    code = "wallet_declined"

    def __init__(self) -> None:
        super().__init__("The wallet said no. Nothing was shown to this site.")


class ForeignBrowser(HolderError):
    """Only the browser that started a visit may end it (OpenID4VP 1.0 §14.2)."""

    code = "foreign_browser"

    def __init__(self) -> None:
        super().__init__("This visit was started in another browser. Go back to that one, or start again here.")


class UsedResponseCode(HolderError):
    """A response code is unknown, or was used before."""

    code = "used_response_code"

    def __init__(self) -> None:
        super().__init__("This return link was used already, or is not one of ours. Go back to the gate's page.")


class NotAccepted(HolderError):
    """A grant was asked for a visit that no accepted answer opened."""

    code = "not_accepted"

    def __init__(self) -> None:
        super().__init__("Nothing has opened yet: this visit waits for an answer from your wallet.")


class GrantsSpent(HolderError):
    """The visit gave as many grants as mend a broken download."""

    code = "grants_spent"

    def __init__(self) -> None:
        super().__init__("This visit opened the files as often as it may. Start again at the gate; you can, any time.")


class TrackserverRefused(VerifierError):
    """The trackserver did not take the grant, or answered what may not be followed."""

    code = "trackserver_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The trackserver did not open the files: {reason}. The site must mend this; try again later.")


class NoCertificate(OperatorError):
    """Requests are signed with a certificate for the site's host (`x509_san_dns`), and there is none."""

    code = "no_certificate"

    def __init__(self, host: str) -> None:
        super().__init__(
            f"This verifier has no certificate for {host}. Give it one: "
            "handstamp verifier keys import --key KEY.pem --chain CHAIN.pem"
        )


class UnusableRelease(VerifierError):
    """What the trackserver says about a release cannot become a gate."""

    code = "unusable_release"

    def __init__(self, reason: str) -> None:
        super().__init__(f"No gate can be made for this: {reason}.")


class UntrustworthyIssuer(VerifierError):
    """The co-op's own statement about its keys cannot be used to trust it."""

    code = "untrustworthy_issuer"

    def __init__(self, reason: str) -> None:
        super().__init__(f"This co-op cannot be trusted yet: {reason}. Nothing was changed.")


class ListNotFollowed(OperatorError):
    """The list of co-ops that should be left is not followed."""

    code = "list_not_followed"

    def __init__(self, url: str) -> None:
        super().__init__(f"No list at {url} is followed here; `handstamp verifier trusted` names those that are.")


class VisitTooBusy(HandstampError):
    """More steps at one moment than a visit has; cannot happen unless rows are changed by hand."""

    code = "visit_too_busy"

    def __init__(self) -> None:
        super().__init__("Too much happens to this visit at once. Nothing was changed; try again.")
