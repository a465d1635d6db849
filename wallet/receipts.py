"""What a wallet remembers of what it showed: to whom, under which terms, and by what they could know it again."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from pydantic import JsonValue

from wallet.linked import LinkedKind

RECEIPT_LIFE: Final = timedelta(days=365)
"""A receipt is erased after twelve months, on this side as at the gate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What one copy told a site: the sentence that the listener said yes to, and the claims, by their paths.

    `proof` is by which proof it was shown; None for a single-use instance. `nym_domain` is what the number that went
    with it counts for, and `scope` whose number it is; None and "" where none did.
    """

    copy_id: str
    title: str
    claims: dict[str, JsonValue]
    statement: str = ""
    foreign: bool = False
    proof: LinkedKind | None = None
    nym_domain: str | None = None
    scope: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One presentation: when, where, under which terms, and what was disclosed.

    `salt`, `nonce` and `bindings` (the signed key binding of each instance, or the proof itself) prove later which
    terms were accepted; a proof signs `client_id` and `response_uri`, too. Of a pass that was drawn for a `door` there
    are none of these, and nobody says whether it was taken.
    """

    id: str
    at: datetime
    site: str
    terms: str | None
    salt: str | None
    nonce: str
    shown: tuple[Shown, ...]
    bindings: tuple[str, ...] = field(repr=False)
    accepted: bool = False
    client_id: str = ""
    response_uri: str = ""
    door: str | None = None
