"""By what a listener could be known again, in words, before they say yes.

Each stamp is shown once and has nothing in common with any other; so what can join two visits is what is disclosed. A
number that only one copy has joins all that ever saw it. Several things that are common each may be rare together. And
what this wallet has shown before tells which visits a new one would be joined with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from wallet import words
from wallet.linked import LinkedKind
from wallet.receipts import Receipt
from wallet.state import Copy

RECOGNISABLE: Final = frozenset({"copy", "membership"})
"""Claims that are another number for every copy: whoever learns one knows this listener again."""

_PUBLIC_NAME: Final = frozenset({"persona", "name", "catalogue"})
# Said of many listeners each; together they may be said of one.
_SOFT: Final = frozenset(
    {"acquisition", "acquired", "shareClass", "over16", "since", "period", "contribution", "role", "vouching"}
)
_FEW_SOFT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """One copy, the names of what would be disclosed of it, and by which proof.

    Attributes:
        kind: by which proof it would be shown; None for a single-use instance.
        nym_domain: what the number counts for that goes along; None where none does.
        scope: whose number that is.
    """

    copy: Copy
    title: str
    disclose: tuple[str, ...]
    kind: LinkedKind | None = None
    nym_domain: str | None = None
    scope: str = ""


def names_somebody(copy: Copy, disclose: Sequence[str]) -> bool:
    """Tell whether what is disclosed may hold somebody's name: an artist's, or whatever stands in a foreign type."""
    return copy.foreign is not None or ("persona" in copy.claims and not _PUBLIC_NAME.isdisjoint(disclose))


def is_known_again(copy: Copy, disclose: Sequence[str]) -> bool:
    """Tell whether somebody who saw this could know the listener again, as far as this wallet can tell."""
    return names_somebody(copy, disclose) or not RECOGNISABLE.isdisjoint(disclose)


def warn(showing: Sequence[Showing], *, site: str, receipts: Sequence[Receipt]) -> list[str]:
    """Say what a listener should know before answering."""
    found = [warning for each in showing for warning in (*_numbers(each, site, receipts), *_names(each))]
    found += list(dict.fromkeys(warning for each in showing for warning in _counted(each, receipts)))
    found += _rare(showing)
    return found + [warning for each in showing if (warning := _uses(each))]


def _numbers(shown: Showing, site: str, receipts: Sequence[Receipt]) -> list[str]:
    asked = RECOGNISABLE & set(shown.disclose)
    if not asked:
        return []
    asks = f"They ask for the number of {shown.title}, which nobody else has."
    found = [f"{asks} It makes you recognisable, here and elsewhere: gates that open only so often count by it."]
    seen = [each for each in receipts if _told(each, shown.copy, asked)]
    here = max((each.at for each in seen if each.site == site), default=None)
    if here:
        found.append(f"You gave this number here before, on {here:%d %B %Y}: they can tell that it is you again.")
    others = sorted({each.site for each in seen} - {site})
    if others:
        found.append(f"This number was given to {', '.join(others)} before: together they can tell that it is you.")
    return found


def _told(receipt: Receipt, copy: Copy, asked: frozenset[str]) -> bool:
    return any(shown.copy_id == copy.id and asked & shown.claims.keys() for shown in receipt.shown)


def _counted(shown: Showing, receipts: Sequence[Receipt]) -> list[str]:
    if shown.nym_domain is None:
        return []
    mine = (shown.nym_domain, shown.scope)
    before = [each.at for each in receipts if mine in ((told.nym_domain, told.scope) for told in each.shown)]
    if not before:
        return []
    return [
        f"You gave your number for this gate before, on {max(before):%d %B %Y}: they can tell that it is you again."
    ]


def _names(shown: Showing) -> list[str]:
    if shown.copy.foreign:
        return [f"This wallet does not know the kind of {shown.title} and cannot tell whether it marks you."]
    if names_somebody(shown.copy, shown.disclose):
        return ["They ask for your public name as an artist: by it, everybody knows you again."]
    return []


def _rare(showing: Sequence[Showing]) -> list[str]:
    if len({each.copy.key for each in showing}) > 1:
        return ["They ask for several of your records at once, which together may be rare."]
    soft = [name for each in showing for name in each.disclose if name in _SOFT]
    if len(soft) > _FEW_SOFT:
        return [f"They ask for several details ({', '.join(words.label_of(name) for name in soft)}), rare together."]
    return []


def _uses(shown: Showing) -> str | None:
    if shown.kind is not None:
        return None
    left = len(shown.copy.instances) - 1
    if left == 0:
        return f"This is the last use of {shown.title} in this wallet. For more: handstamp wallet top-up"
    if left <= words.FEW_USES:
        return f"After this {shown.title} can be shown once more; handstamp wallet top-up brings more."
    return None
