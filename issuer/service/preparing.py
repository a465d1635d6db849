"""Read all that is to be signed for a copy, and decide what it is counted by."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, assert_never

from credentials.data_integrity.selection import could_name_blank_node
from credentials.protocols.oauth import CredentialRequestDenied, OAuthError
from credentials.protocols.openid4vci import Form
from issuer.copies import Copy
from issuer.deliveries import NOTIFICATION_TTL
from issuer.orders import Admitted, BaselineOrder, Contents, CountedOrder, DoorPassOrder, InstanceOrder, PublicOrder
from issuer.ports import Issuing
from issuer.secrets import stored
from issuer.service.claims import claims_for
from issuer.service.counting import commit, is_counted_by_copy
from issuer.service.proving import Proven
from plumbing.ids import new_public_id
from schemas import NOT_KNOWN

MOST_IN_A_MONTH: Final = 1_000
"""Of one copy: many a day, and too few for one listener to fill the month's status lists, which would tell of all
others that they came late in the month. Of what has no entry there, so many answers to one wallet are made."""
_IN_LISTS: Final = (Form.SD_JWT, Form.EDDSA)
_OF_STATEMENTS: Final = (Form.BBS, Form.PSEUDONYM)
"""A door pass holds no titles: it comes all the same, and a wallet holds it against the instances."""
_UNWRITABLE: Final = (
    "A title or name in it has `_:` or `urn:bnid:`, which this form cannot hold. "
    "It comes as single-use stamps and as pass for doors."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """For whom and when something is prepared.

    Attributes:
        delivery: that it is for.
        coop: the co-op's own address.
        random: for what must be drawn.
        now: the request's moment.
    """

    delivery: str
    coop: str
    random: Callable[[int], bytes]
    now: datetime

    @property
    def month(self) -> str:
        """The cohort of whatever is issued now."""
        return f"{self.now:%Y-%m}"


def prepare(store: Issuing, copy: Copy, proven: Proven, occasion: Occasion) -> Admitted | OAuthError:
    """Read all that is to be signed for a copy that may be sent, or say why nothing is: that is committed, too."""
    contents = _read_contents(store, copy, occasion)
    if proven.form in _OF_STATEMENTS and any(could_name_blank_node(text) for text in contents.claims.values()):
        # Before anything is decided: what could not be signed would else bind the record to a wallet that gets nothing.
        return CredentialRequestDenied(_UNWRITABLE)
    match proven.form:
        case Form.SD_JWT:
            return _prepare_instances(store, copy, proven, contents, occasion)
        case Form.BBS:
            return BaselineOrder(contents=contents)
        case Form.PSEUDONYM | Form.DOOR:
            return _prepare_counted(store, copy, proven, contents, occasion)
        case Form.EDDSA:
            (entry,) = store.draw(copy.id, count=1, month=occasion.month, now=occasion.now)
            return PublicOrder(contents=contents, subject_key=proven.keys[0], entry=entry)
        case _:
            assert_never(proven.form)


def check_not_too_many(store: Issuing, copy: Copy, proven: Proven, *, delivery: str, now: datetime) -> None:
    """Check that a copy was not asked for too often this month.

    Raises:
        CredentialRequestDenied: it was.
    """
    if proven.form in _IN_LISTS:
        made = store.drawn(copy.id, month=f"{now:%Y-%m}") + len(proven.keys)
    else:
        made = store.count_answers(delivery, copy.id, now=now) + 1
    if made > MOST_IN_A_MONTH:
        raise CredentialRequestDenied("No more is made of this record this month; come back in the next.")


def _read_contents(store: Issuing, copy: Copy, occasion: Occasion) -> Contents:
    now, notification_id = occasion.now, new_public_id()
    store.add_notification(
        stored(notification_id), delivery=occasion.delivery, copy_id=copy.id, until=now + NOTIFICATION_TTL
    )
    return Contents(
        kind=copy.kind.credential_type,
        claims=claims_for(store, copy, coop=occasion.coop, now=now),
        month_start=now.replace(day=1, hour=0, minute=0, second=0, microsecond=0),
        notification_id=notification_id,
    )


def _prepare_instances(
    store: Issuing, copy: Copy, proven: Proven, contents: Contents, occasion: Occasion
) -> InstanceOrder:
    if not is_counted_by_copy(store, copy, month=occasion.month):
        # Whoever has pseudonyms would pass a gate once with one, and once more with a number.
        contents = replace(contents, claims={**contents.claims, contents.kind.countable_claim: NOT_KNOWN})
    entries = store.draw(copy.id, count=len(proven.keys), month=occasion.month, now=occasion.now)
    return InstanceOrder(contents=contents, keys=proven.keys, entries=entries)


def _prepare_counted(
    store: Issuing, copy: Copy, proven: Proven, contents: Contents, occasion: Occasion
) -> CountedOrder | DoorPassOrder | OAuthError:
    commitment = proven.commitment
    if commitment is None:
        raise TypeError("A form with pseudonyms is prepared without a commitment.")
    try:
        entropy = commit(store, copy, commitment.point, month=occasion.month, random=occasion.random)
    except OAuthError as refusal:
        return refusal
    order = DoorPassOrder if proven.form is Form.DOOR else CountedOrder
    return order(contents=contents, commitment=commitment.with_proof, entropy=entropy)
