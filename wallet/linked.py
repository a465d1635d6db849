"""Linked credentials and door passes as a wallet keeps them, and the secret numbers behind their pseudonyms.

Unlike an instance (`wallet.state.Instance`) such a credential is never used up: each showing is a new proof, which
nobody can join with another. It lives for its cohort's month and the ten days after, and is replaced by the next one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final

from credentials.linked_credential import OVERLAP_DAYS
from credentials.months import months_after


class LinkedKind(Enum):
    """What one thing of ours can come as, beside SD-JWT VCs; the value is how a co-op's name for it ends."""

    PSEUDONYM = "pseudonym"
    """bbs-2023 with a pseudonym, for gates that count."""
    DOOR = "door"
    """The door pass, which a door checks offline."""
    BASELINE = "bbs"
    """bbs-2023 without a number, for gates that do not count."""
    SIGNED = "eddsa"
    """eddsa-rdfc-2022: an artist's stamp to publish as it is."""


COUNTED: Final = frozenset({LinkedKind.PSEUDONYM, LinkedKind.DOOR})
"""Those that are bound to a nym, and so to the one commitment that its co-op keeps."""


_MOMENT_BYTES: Final = 8


def draw_renewal(month: str, *, random: Callable[[int], bytes]) -> datetime:
    """Draw the moment at which credentials of a cohort are to be renewed: any of the ten days after its month.

    At its very turn everybody would ask; at a moment that one's own habits choose, the moment would be a mark.
    """
    start = datetime.fromtimestamp(
        months_after(int(datetime.fromisoformat(f"{month}-01T00:00:00+00:00").timestamp()), 1), UTC
    )
    return start + timedelta(seconds=int.from_bytes(random(_MOMENT_BYTES)) % (OVERLAP_DAYS * 86_400))


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedCredential:
    """One credential that is shown by proofs: of one kind, for one cohort.

    Attributes:
        kind: what it is.
        credential: as the co-op handed it out; JSON, or the text of a door pass.
        month: its cohort, such as "2026-11".
        expires_at: the first moment at which it is good no more.
        issuer_key: the Multikey that it was signed with, as the co-op stated it in public.
        scope: who counts: the label that its nym goes by; "" where nothing counts.
        commitment: which nym of that scope it was made for (`Nym.commitment`); "" where nothing counts.
        key: the private key (PEM) of whom it names, for what is published: its holder signs as that; "" for the others.
        notification_id: by which the co-op hears what became of it.
    """

    kind: LinkedKind
    credential: str = field(repr=False)
    month: str
    expires_at: datetime
    issuer_key: str
    scope: str = ""
    commitment: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    notification_id: str | None = field(default=None, repr=False)

    def is_valid(self, at: datetime) -> bool:
        """Tell whether it can be shown at this time."""
        return at < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Nym:
    """A secret number that this wallet made, from which all pseudonyms of one scope come.

    A co-op takes one commitment for each scope, for life, so a nym is made once and used for every credential of the
    scope, also after a renewal. Losing it means to ask the co-op for a reset.

    Attributes:
        issuer: the co-op's URL.
        scope: the co-op's label for who counts: a listener's release with its tracks, a membership, a persona.
        secret: the number (base64url), known to nobody else.
        blind: what hides it in the commitment (base64url); the same each time, for the commitment must be.
        commitment: the commitment's point (base64url), which the co-op keeps.
        accepted_at: when the co-op first handed something out for it; None if it may never have heard of it.
    """

    issuer: str
    scope: str
    secret: str = field(repr=False)
    blind: str = field(repr=False)
    commitment: str = field(repr=False)
    made_at: datetime
    accepted_at: datetime | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells two nyms apart."""
        return (self.issuer, self.scope, self.commitment)
