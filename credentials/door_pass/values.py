"""What a door pass says, and where and when it is shown: values that both sides make alike."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Final, Self, assert_never

from credentials.bbs import BbsPublicKey
from credentials.encoding.cbor import Cbor, encode
from credentials.errors import Malformed
from credentials.months import months_after
from credentials.protocols.members import check_text
from credentials.protocols.openid4vp.linked import build_gate_domain
from schemas import BY_VCT, COOP_MEMBERSHIP, NOT_KNOWN

HEADER: Final = b"urn:handstamp:door-pass:1"
"""The BBS header of every door pass; no linked credential has it, whose headers are two hashes."""
VERSION: Final = 1
SLOT_S: Final = 30
"""For so many seconds a pass is shown before the wallet draws another."""
MESSAGE_COUNT: Final = 4
MAX_SUBJECT: Final = 200
MAX_SHARE_CLASS: Final = 60
MAX_DEVICE_BYTES: Final = 32
KEY_ID_BYTES: Final = 8
VCT_PREFIX: Final = "urn:handstamp:credential:"
_MONTHS: Final = 12
_FIRST_MONTH: Final = 1970 * _MONTHS
_LAST_MONTH: Final = 9998 * _MONTHS


class Limit(Enum):
    """How often a door lets the same holder in; it decides what the holder's pseudonym is good for."""

    NONE = "none"
    """As often as they come: the pseudonym is another in every slot."""
    EVER = "ever"
    MONTH = "month"

    def nym_domain(self, gate: str, slot: int) -> str:
        """Return where the pseudonym counts; the same as online (`handstamp_nym_domains`), but where nothing counts.

        Raises:
            HandstampError: the gate's address is none that a wallet accepts.
        """
        check_gate(gate)
        match self:
            case Limit.NONE:
                return f"{gate}#slot-{slot}"
            case Limit.EVER:
                return gate
            case Limit.MONTH:
                return build_gate_domain(gate, month=f"{datetime.fromtimestamp(slot * SLOT_S, UTC):%Y-%m}")
        assert_never(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassContent:
    """The four things that a door pass says, all shown each time.

    Attributes:
        vct: the type, by its identifier.
        subject: the track, release, persona, contribution or co-op.
        month: the cohort, counted in months from the year 0.
        share_class: a member's; the word "none" for every other type.
    """

    vct: str
    subject: str
    month: int
    share_class: str = NOT_KNOWN

    @classmethod
    def parse(cls, vct: Cbor, subject: Cbor, month: Cbor, share_class: Cbor, *, what: str) -> Self:
        """Read the four as they stand in CBOR; the type without the beginning that all ours have.

        Raises:
            Malformed: a type that is none of ours, a text too long or with control characters, an impossible month, a
                share class of what has none.
        """
        text = check_text(_text(vct, what), what=f"type in the {what}", max_chars=MAX_SUBJECT)
        if VCT_PREFIX + text not in BY_VCT:
            raise Malformed(what, "it is of a type that is not known here")
        if not isinstance(month, int) or isinstance(month, bool) or not _FIRST_MONTH <= month < _LAST_MONTH:
            raise Malformed(what, "its month is none")
        content = cls(
            vct=VCT_PREFIX + text,
            subject=check_text(_text(subject, what), what=f"subject in the {what}", max_chars=MAX_SUBJECT),
            month=month,
            share_class=check_text(
                _text(share_class, what), what=f"share class in the {what}", max_chars=MAX_SHARE_CLASS
            ),
        )
        if content.vct != COOP_MEMBERSHIP.vct and content.share_class != NOT_KNOWN:
            raise Malformed(what, "it has a share class, which only members have")
        return content

    def write(self) -> tuple[str, str, int, str]:
        """Write the four for CBOR."""
        return self.vct.removeprefix(VCT_PREFIX), self.subject, self.month, self.share_class

    def messages(self) -> list[bytes]:
        """Give the messages that are signed, in their order."""
        year, month = divmod(self.month, _MONTHS)
        return [each.encode() for each in (self.vct, self.subject, f"{year:04}-{month + 1:02}", self.share_class)]

    @property
    def type_name(self) -> str:
        """The type's name, as the keys for it are called."""
        return BY_VCT[self.vct].configuration_id

    @property
    def month_s(self) -> int:
        """The first second of the cohort's month, in seconds since 1970."""
        return months_after(0, self.month - _FIRST_MONTH)

    @property
    def claims(self) -> Mapping[str, str]:
        """What is said about the subject, under the names of the type's claims."""
        kind = BY_VCT[self.vct]
        claims = {kind.subject_claim: self.subject}
        return {**claims, "shareClass": self.share_class} if kind is COOP_MEMBERSHIP else claims


def check_gate(gate: str) -> str:
    """Give the address of a gate back if it is written in its one spelling.

    Raises:
        Malformed, RequestRefused: it is not, or goes on with a fragment, which months and slots are named in.
    """
    if "#" in gate:
        raise Malformed("address of the gate", "it has a fragment")
    return build_gate_domain(gate)


def month_of(start_s: int) -> int:
    """Count the months from the year 0 to the one that begins at `start_s`, as `PassContent` does."""
    start = datetime.fromtimestamp(start_s, UTC)
    return start.year * _MONTHS + start.month - 1


def slot_of(at: datetime) -> int:
    """Return the slot that a moment is in."""
    return int(at.timestamp()) // SLOT_S


def key_id(public_key: BbsPublicKey) -> bytes:
    """Name a key in few bytes; whoever reads it looks among keys that are trusted already."""
    return hashlib.sha256(public_key.data).digest()[:KEY_ID_BYTES]


def build_pass_header(gate: str, slot: int, device: bytes | None) -> bytes:
    """Return the presentation header of a pass: 32 bytes for one gate, one slot and, if it has a name, one device."""
    return hashlib.sha256(encode([HEADER, gate, slot, device])).digest()


def _text(value: Cbor, what: str) -> str:
    if not isinstance(value, str):
        raise Malformed(what, "a text is due where something else stands")
    return value
