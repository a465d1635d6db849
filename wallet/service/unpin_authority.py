"""Unpin an authority: its word about who runs a host is taken no longer. What was received stays."""

from credentials.errors import HolderError
from wallet.ports import Tools
from wallet.state import Authority


class NoSuchAuthority(HolderError):
    """A name or fingerprint matches no pinned authority, or several."""

    code = "no_such_authority"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}; `handstamp wallet trust list` shows whom your wallet trusts.")


def find_authority(name_or_fingerprint: str, *, tools: Tools) -> Authority:
    """Return the pinned authority of that name, in any case of letters, or of that fingerprint, with colons or not.

    Raises:
        NoSuchAuthority: none has it, or several have the name.
    """
    name, fingerprint = name_or_fingerprint.casefold(), name_or_fingerprint.replace(":", "").casefold()
    match [
        each
        for each in tools.keeper.load().authorities
        if each.name.casefold() == name or each.fingerprint.replace(":", "").casefold() == fingerprint
    ]:
        case [authority]:
            return authority
        case []:
            raise NoSuchAuthority(f"Your wallet trusts no authority “{name_or_fingerprint}”")
        case several:
            raise NoSuchAuthority(
                f"{len(several)} authorities are called “{name_or_fingerprint}”: give the fingerprint"
            )


def unpin_authority(authority: Authority, *, tools: Tools) -> None:
    """Unpin what `find_authority` gave."""
    tools.keeper.change(lambda wallet: (wallet.without_authority(authority.fingerprint), None))
