"""What a listener pastes: told in their words when it is not a link, or is one that another command takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from credentials.errors import Malformed

_COMMANDS: Final = {
    "openid-credential-offer": "receive",
    "haip-vci": "receive",
    "openid4vp": "answer",
    "haip-vp": "answer",
}
OFFER: Final = "the link of an offer"
REQUEST: Final = "the link of a request"
GATE: Final = "the link of a gate"
_OWN: Final = {OFFER: "receive", REQUEST: "answer"}


class WrongLink(Malformed):
    """What was pasted cannot be what the command takes."""

    code = "wrong_link"

    def __init__(self, wanted: str, pasted: str, reason: str) -> None:
        """`wanted` is what the command takes; `reason` is the parser's."""
        super().__init__(wanted, reason)
        command = _COMMANDS.get(pasted.strip().partition(":")[0].lower())
        self.detail = (
            f"This is not {wanted}: a link of this kind is taken by: handstamp wallet {command} 'LINK'"
            if command and command != _OWN.get(wanted)
            else f"This is not {wanted} ({reason}). Copy all of it and try again."
        )
        self.args = (self.detail,)


@contextmanager
def expecting(wanted: str, pasted: str) -> Iterator[None]:
    """Say what `pasted` should have been, if it cannot be read.

    Raises:
        WrongLink: in place of any `Malformed` inside.
    """
    try:
        yield
    except Malformed as error:
        raise WrongLink(wanted, pasted, error.reason) from error
