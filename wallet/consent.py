"""What is put before a listener before anything is shown: who asks, what they learn, what they do not, the terms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from credentials.protocols.dcql import Choice
from credentials.protocols.openid4vp import AuthorizationRequest
from credentials.protocols.urls import host_of
from wallet import words
from wallet.state import Copy

RECOGNISABLE: Final = frozenset({"copy", "membership"})
"""Claims that are another number for every copy: whoever learns one knows this listener again."""

NEVER_LEARNED: Final = (
    "your name, your e-mail address or any account",
    "what else you own",
    "whether you were here before, or anywhere else",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCopy:
    """One copy that would be shown.

    Attributes:
        key: which copy of the wallet.
        query_id: which question of the site it answers.
        title: title and artist.
        kind: track, EP and so on.
        co_op: the host of the co-op that vouches for it; the site learns this, too.
        disclose: the names of the claims that are disclosed.
        learned: the same in words, label and value.
        hidden: labels of what stays hidden.
        left: how often it can be shown after this.
    """

    key: tuple[str, str, str]
    query_id: str
    title: str
    kind: str
    co_op: str
    disclose: tuple[str, ...]
    learned: tuple[tuple[str, str], ...]
    hidden: tuple[str, ...]
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Everything that a listener says yes or no to.

    Attributes:
        site: who asks: the host name that a pinned authority certified.
        copies: what would be shown.
        terms: what the listener signs by answering, word for word; None if the site gave no terms.
        language: of the terms.
        warnings: what a listener should know before saying yes.
        opens: what the gate says it opens, if it says so; nothing certifies that.
    """

    site: str
    copies: tuple[ShownCopy, ...]
    terms: str | None
    language: str | None
    warnings: tuple[str, ...]
    opens: str | None = None

    @property
    def not_learned(self) -> tuple[str, ...]:
        """What the site does not learn, in words."""
        return NEVER_LEARNED[:2] if any(RECOGNISABLE & set(copy.disclose) for copy in self.copies) else NEVER_LEARNED


def build_consent(request: AuthorizationRequest, choice: Choice, copies: Mapping[str, Copy]) -> Consent:
    """Put a request and the wallet's answer to it into words; `copies` are by the holding ids of `choice`."""
    shown = tuple(
        _show(copies[selection.holding_id], selection.query_id, selection.disclose) for selection in choice.selections
    )
    return Consent(
        site=request.host,
        copies=shown,
        terms=request.handshake.text if request.handshake else None,
        language=request.handshake.language if request.handshake else None,
        warnings=tuple(_warnings(shown)),
    )


def _show(copy: Copy, query_id: str, disclose: tuple[str, ...]) -> ShownCopy:
    labels = words.labels_for(copy)
    return ShownCopy(
        key=copy.key,
        query_id=query_id,
        title=words.title_of(copy),
        kind=words.kind_of(copy.vct, copy.claims),
        co_op=host_of(copy.issuer),
        disclose=disclose,
        learned=tuple((labels[name], words.value_in_words(name, copy.claims[name])) for name in disclose),
        hidden=tuple(label for name, label in labels.items() if name not in disclose),
        left=len(copy.instances) - 1,
    )


def _warnings(shown: Sequence[ShownCopy]) -> list[str]:
    found = []
    for copy in shown:
        if RECOGNISABLE & set(copy.disclose):
            found.append(
                f"They ask for the number of your copy of {copy.title}. It makes you recognisable, here and elsewhere."
            )
        if copy.left == 0:
            found.append(f"This is the last use of {copy.title} in this wallet. For more: handstamp wallet top-up")
        elif copy.left <= words.FEW_USES:
            found.append(f"After this {copy.title} can be shown once more; handstamp wallet top-up brings more.")
    if len({copy.key for copy in shown}) > 1:
        found.append("They ask for several of your records at once, which together may be rare.")
    return found
