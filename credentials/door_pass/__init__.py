"""Door passes: a record, or a membership, shown as a QR code, and checked where there is no network.

A pass is a raw BBS proof with a pseudonym over four messages, all shown: the type, what it is about, the cohort and a
member's share class (design/protocols.md, "Door pass"). It is made for one gate, thirty seconds and, where the door
names it, one scanning device; so a photograph of it is worth nothing a minute later, or elsewhere.

`check_door_pass` raises at the first step that fails:

    1. Read it: base45 of deterministic CBOR, of at most 800 bytes.
    2. It was made for this slot of thirty seconds, or the one before or after it: clocks differ.
    3. It is of a type, and about something, that the door asks for.
    4. The key that it names is one that was known beforehand to be a trusted issuer's, who may issue the type; of its
       members no co-op but their own says anything.
    5. Its cohort has begun, and has not ended: passes are renewed each month, and so they are taken back, too.
    6. The proof holds, with its pseudonym, for this gate, slot and device: it was made for no other.
"""

from credentials.door_pass.checking import Door, check_door_pass
from credentials.door_pass.errors import (
    EarlyPass,
    PosterUntrusted,
    StalePass,
    UnknownPassKey,
    WrongPass,
    WrongRecord,
    WrongVoice,
)
from credentials.door_pass.issuing import HeldDoorPass, IssuedPass, issue_door_pass, open_door_pass
from credentials.door_pass.poster import Poster, check_poster, sign_poster
from credentials.door_pass.showing import DoorPass, parse_door_pass, show_door_pass
from credentials.door_pass.values import SLOT_S, Limit, PassContent, month_of, slot_of

__all__ = [
    "SLOT_S",
    "Door",
    "DoorPass",
    "EarlyPass",
    "HeldDoorPass",
    "IssuedPass",
    "Limit",
    "PassContent",
    "Poster",
    "PosterUntrusted",
    "StalePass",
    "UnknownPassKey",
    "WrongPass",
    "WrongRecord",
    "WrongVoice",
    "check_door_pass",
    "check_poster",
    "issue_door_pass",
    "month_of",
    "open_door_pass",
    "parse_door_pass",
    "show_door_pass",
    "sign_poster",
    "slot_of",
]
