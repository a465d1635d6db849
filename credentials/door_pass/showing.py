"""From the wallet to the door: text for a QR code, and reading it."""

from dataclasses import dataclass
from typing import Final, Self

from credentials.bbs import prove_with_nym
from credentials.bbs.curve import G1_BYTES
from credentials.bbs.secret import Random
from credentials.door_pass.issuing import HeldDoorPass
from credentials.door_pass.values import (
    HEADER,
    KEY_ID_BYTES,
    MAX_DEVICE_BYTES,
    MESSAGE_COUNT,
    VERSION,
    Limit,
    PassContent,
    build_pass_header,
    key_id,
)
from credentials.encoding import base45
from credentials.encoding.cbor import decode, encode
from credentials.errors import Malformed

MAX_BYTES: Final = 800
"""As much as a QR code of version 20 holds, the largest that cameras read surely; a usual pass has under 500."""
MAX_CHARACTERS: Final = 3 * MAX_BYTES // 2
_PROOF_BYTES: Final = 336
_WHAT: Final = "door pass"
_MEMBERS: Final = 8
_MAX_SLOT: Final = 2**33


def show_door_pass(
    held: HeldDoorPass, *, gate: str, slot: int, limit: Limit, device: bytes | None = None, random: Random
) -> str:
    """Make the text for a QR code that opens one door during one slot.

    Args:
        held: the pass.
        gate: the address of the door's gate. Whoever calls this knows it from the gate itself: from a link saved
            before, or a signed poster. A pseudonym for one gate must never be made for another's asking.
        slot: `slot_of` now.
        limit: how often the door lets the same holder in.
        device: what the scanning device calls itself, if the door shows it.
        random: where the numbers come from that hide the rest.

    Raises:
        Malformed: the gate's address is none that a wallet accepts, or the pass would not fit.
    """
    if device is not None and not 0 < len(device) <= MAX_DEVICE_BYTES:
        raise Malformed("name of the scanning device", f"it does not have 1 to {MAX_DEVICE_BYTES} bytes")
    shown = prove_with_nym(
        held.public_key,
        held.signature,
        held.content.messages(),
        header=HEADER,
        presentation_header=build_pass_header(gate, slot, device),
        context_id=limit.nym_domain(gate, slot).encode(),
        nym=held.nym,
        blind=held.blind,
        disclosed=range(MESSAGE_COUNT),
        random=random,
    )
    proven = shown.proof + shown.pseudonym
    data = encode([VERSION, key_id(held.public_key), *held.content.write(), slot, proven])
    if len(data) > MAX_BYTES:
        raise Malformed(_WHAT, "it would not fit into a code that cameras read")
    return base45.encode(data)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorPass:
    """What was scanned, read; nothing in it is proven yet."""

    key_id: bytes
    content: PassContent
    slot: int
    proof: bytes
    pseudonym: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what a camera or a hand scanner read.

        Raises:
            Malformed: it is not base45 of deterministic CBOR with exactly the members of a pass.
        """
        data = base45.decode(text, what=_WHAT, max_characters=MAX_CHARACTERS)
        members = decode(data, what=_WHAT, max_bytes=MAX_BYTES, max_depth=1, max_items=_MEMBERS + 1)
        if not isinstance(members, list) or len(members) != _MEMBERS or members[0] != VERSION:
            raise Malformed(_WHAT, "it is not a door pass of the version that is read here")
        _, named, vct, subject, month, share_class, slot, proof = members
        if not isinstance(named, bytes) or len(named) != KEY_ID_BYTES:
            raise Malformed(_WHAT, "it does not name a key")
        if not isinstance(slot, int) or isinstance(slot, bool) or not 0 <= slot < _MAX_SLOT:
            raise Malformed(_WHAT, "its slot is none")
        if not isinstance(proof, bytes) or len(proof) != _PROOF_BYTES + G1_BYTES:
            raise Malformed(_WHAT, "its proof has another length")
        return cls(
            key_id=named,
            content=PassContent.parse(vct, subject, month, share_class, what=_WHAT),
            slot=slot,
            proof=proof[:_PROOF_BYTES],
            pseudonym=proof[_PROOF_BYTES:],
        )


def parse_door_pass(text: str) -> DoorPass:
    """Read what a camera or a hand scanner read; raises what `DoorPass.parse` raises."""
    return DoorPass.parse(text)
