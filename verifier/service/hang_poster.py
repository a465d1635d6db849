"""Sign what hangs at the door: which gate this is and what it asks, so that a wallet needs no network to believe it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from credentials.door_pass import Poster, sign_poster
from credentials.errors import OperatorError
from verifier.doors import build_door

if TYPE_CHECKING:
    from datetime import datetime

    from credentials.keys.signer import Signer
    from verifier.gates import Gate
    from verifier.party import Party

_MAX_NAME: Final = 120
_DAYS_OF_A_MONTH: Final = 31


class NothingToSignWith(OperatorError):
    """The site proves itself by no key, so nobody could check its poster."""

    code = "nothing_to_sign_with"

    def __init__(self) -> None:
        super().__init__(
            "This verifier signs nothing (client_id_prefix is redirect_uri), so no wallet could check its poster. Give "
            "it a certificate, or let it be known by its DID."
        )


def hang_poster(gate: Gate, *, party: Party, signer: Signer | None, months: int, now: datetime) -> str:
    """Return the signed text of a door's poster; wallets check it with the key that signs the site's requests.

    Raises:
        NotADoor: the gate asks for more than a pass can say.
        GateClosed: it is closed.
        NothingToSignWith: the site has no such key.
        Malformed: it names more than a code holds.
    """
    gate.check_open()
    if signer is None:
        raise NothingToSignWith
    door = build_door(gate, party)
    return sign_poster(
        Poster(
            gate=door.gate,
            name=gate.title[:_MAX_NAME],
            accepts=tuple((vct, tuple(sorted(subjects or ()))) for vct, subjects in door.accepts.items()),
            limit=door.limit,
            issued_at=now,
            expires_at=now + timedelta(days=_DAYS_OF_A_MONTH * months),
        ),
        signer,
    )
