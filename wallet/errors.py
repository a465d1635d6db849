"""What can go wrong in a wallet: each says what happened, whether anything is lost, and what to do now."""

from collections.abc import Sequence
from pathlib import Path

from credentials.errors import HandstampError, HolderError, IssuerError, OperatorError, VerifierError

LOCK_WAIT_S = 10.0
"""How long a command waits for another one that is writing to the same wallet."""


class NoWallet(HolderError):
    """There is no wallet file where one was looked for."""

    code = "no_wallet"

    def __init__(self, path: Path) -> None:
        super().__init__(f"There is no wallet at {path}. Make one with: handstamp wallet create")


class WalletExists(HolderError):
    """A wallet is already where a new one was to be made."""

    code = "wallet_exists"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"There is already a wallet at {path}. Nothing was changed; choose another place for a second one."
        )


class WrongPassphrase(HolderError):
    """The passphrase does not open this wallet; the file itself is intact as far as it can be seen."""

    code = "wrong_passphrase"

    def __init__(self) -> None:
        super().__init__("This passphrase does not open the wallet. Nothing is lost; try again.")


class WeakPassphrase(HolderError):
    """A new wallet's passphrase is too short."""

    code = "weak_passphrase"

    def __init__(self, least: int) -> None:
        super().__init__(f"The passphrase is too short. Take at least {least} characters: four words are easy to keep.")


class DamagedVault(HolderError):
    """The wallet file was changed or cut since it was written."""

    code = "damaged_wallet"

    def __init__(self, path: Path, how: str) -> None:
        super().__init__(
            f"The wallet file {path} is damaged: {how}. It was left as it is; put back a copy of it, or make a "
            "new wallet and ask your co-op for a new offer: what you own is in its ledger."
        )


class ExposedVault(HolderError):
    """Others on this machine may read the wallet file."""

    code = "exposed_wallet"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"Others on this computer may read the wallet file. Nothing was opened; first run: chmod 600 '{path}'"
        )


class VaultInUse(HolderError):
    """Another command is writing to this wallet."""

    code = "wallet_in_use"

    def __init__(self) -> None:
        super().__init__("Another command is using this wallet. Nothing was changed; try again when it has finished.")


class UnwritableVault(OperatorError):
    """The disk refused to keep the wallet."""

    code = "wallet_not_saved"

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"The wallet {path} could not be saved ({reason}). It is as it was before; make room and try again."
        )


class UnreadableFile(HolderError):
    """A file that was named on the command line, such as an authority's certificate, cannot be used."""

    code = "unreadable_file"

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be used: {reason}. Nothing was changed.")


class NoCodeInPicture(HolderError):
    """A picture holds no QR code of the kind that is needed."""

    code = "no_code_in_picture"

    def __init__(self, path: Path, found: int) -> None:
        seen = "no QR code was found in it" if not found else f"its {found} QR code(s) are not for a wallet"
        super().__init__(
            f"{path}: {seen}. Nothing was sent; take a picture that shows the whole code, sharp and straight."
        )


class UnknownAuthority(HolderError):
    """Nobody this wallet trusts vouches for the co-op or site."""

    code = "unknown_authority"

    def __init__(self, host: str) -> None:
        super().__init__(
            f"This wallet does not know the authority that vouches for {host}, so nothing was shown to it or taken "
            "from it. If you trust it, get its certificate and run: handstamp wallet trust add CA.pem --name NAME"
        )


class CodeNeeded(HolderError):
    """The offer takes a code that was not given."""

    code = "code_needed"

    def __init__(self, words: str) -> None:
        super().__init__(f"This offer needs its code: {words}. Nothing was used up; run the command again with --code.")


class WrongCode(HolderError):
    """The co-op did not take the code."""

    code = "wrong_code"

    def __init__(self) -> None:
        super().__init__(
            "The co-op did not take this offer or its code: a wrong code, or an offer that is used up or too old. "
            "Nothing is lost; look at the code again, or ask for a new offer at the co-op."
        )


class AlreadyReceived(HolderError):
    """The offer was received whole before; asking the co-op again would look like a theft of its code."""

    code = "already_received"

    def __init__(self) -> None:
        super().__init__(
            "You have received this offer before; all that it holds is in your wallet. Nothing was changed."
        )


class IssuerRefused(IssuerError):
    """The co-op answered with an error."""

    code = "issuer_refused"

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(
            f"{host} did not hand over: {reason}. What was already received is kept; ask the co-op for a new offer."
        )


class IssuerDenied(IssuerRefused):
    """The co-op will not hand out this in this form, or not to this wallet (OpenID4VCI §8.3.1.2)."""

    code = "issuer_denied"


class NotYoursAnyMore(IssuerError):
    """The co-op knows of a copy no more: unknown_credential_identifier (OpenID4VCI §8.3.1.2)."""

    code = "not_yours_any_more"

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} counts this no longer among what is yours: it was paid back, given on, or struck out. If that is "
            "a mistake, tell the co-op."
        )


class UnwantedCredential(IssuerError):
    """What the co-op handed over is not what the type allows, or could mark the listener."""

    code = "unwanted_credential"

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(
            f"What {host} handed over was refused: {reason}. It was not kept; tell the co-op, the fault is not yours."
        )


class RenewalOver(IssuerError):
    """The co-op takes the wallet's right to come back no longer."""

    code = "renewal_over"

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} hands out no more on this wallet's word. What you hold stays; ask the co-op for a new offer."
        )


class OfferedNoLonger(IssuerError):
    """The co-op knows nothing more of what it announced for later."""

    code = "offered_no_longer"

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} knows nothing more of what it announced for later. Nothing that you hold is lost; "
            "ask the co-op for a new offer."
        )


class ComesLater(HolderError):
    """All that an offer still holds was announced for later."""

    code = "comes_later"

    def __init__(self, host: str, when: str) -> None:
        super().__init__(
            f"{host} hands this out later, not before {when}. Nothing is lost; then run: handstamp wallet top-up"
        )


class NothingOffered(HolderError):
    """The offer names nothing that this wallet can keep."""

    code = "nothing_offered"

    def __init__(self, host: str, reasons: Sequence[str] = ()) -> None:
        because = f": {'; '.join(reasons)}" if reasons else ""
        super().__init__(f"{host} offers nothing that this wallet can keep{because}. Nothing was used up.")


class NotForThisGate(HolderError):
    """The wallet holds nothing that the gate asks for."""

    code = "not_for_this_gate"

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"Nothing in this wallet opens the gate of {host}: {reason}. Nothing was shown.")


class NoUsesLeft(HolderError):
    """The right copy is here, but each of its single-use instances has been shown."""

    code = "no_uses_left"

    def __init__(self, title: str) -> None:
        super().__init__(
            f"You own {title}, but each of its stamps has been shown once and none is left. Nothing was shown; "
            "for more, run: handstamp wallet top-up"
        )


class ConsentDeclined(HolderError):
    """The listener said no."""

    code = "declined"

    def __init__(self) -> None:
        super().__init__("You said no. Nothing was shown and nothing was used up.")


class SiteRefused(VerifierError):
    """The site answered the wallet with an error or with something that does not fit."""

    code = "site_refused"

    def __init__(self, host: str, reason: str, *, shown: bool, used_up: bool = True) -> None:
        lost = "Nothing was shown"
        if shown:
            lost = "One stamp was used up, the copy stays yours" if used_up else "Nothing was used up"
        in_vain = "tart again" in reason or "already used" in reason
        again = "" if in_vain else "; start again at the gate"
        super().__init__(f"{host} did not let you pass: {reason}. {lost}{again}.")


class NoSuchThing(HolderError):
    """A name or number on the command line matches nothing, or too much."""

    code = "no_such_thing"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}. See what there is with: handstamp wallet list")


class DownloadFailed(HandstampError):
    """The files could not be fetched whole."""

    code = "download_failed"

    def __init__(self, host: str, reason: str, *, remedy: str = "run: handstamp wallet download") -> None:
        super().__init__(f"{host}: {reason}. What was fetched so far is kept; to go on, {remedy}")


class FileInTheWay(HolderError):
    """A different file has the name of one that is to be fetched."""

    code = "file_in_the_way"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is already there and is another file. It was not touched; move it, or choose a folder with --to."
        )


class UnwritableFolder(HolderError):
    """The folder for the files cannot be used."""

    code = "unwritable_folder"

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"{folder} cannot take the files: {reason}. Nothing is lost; make room, or choose another folder with --to."
        )
