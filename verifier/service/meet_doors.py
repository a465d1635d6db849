"""Two devices of one door meet: what each remembered alone, both know from then on, and what passed at both is found.

A device without a network refuses a second use of what it saw itself, exactly. What was used at two devices at once it
cannot know before they meet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

from credentials.encoding import base64url, strict_json
from credentials.errors import Malformed
from credentials.protocols.members import Members
from plumbing.clock import epoch_s
from verifier.limits import SLOT, Mark
from verifier.service.start_visit import load_gate

if TYPE_CHECKING:
    from credentials.encoding.strict_json import Json
    from verifier.gates import Gate
    from verifier.ports import Work

MAX_MEMORY_BYTES: Final = 16 * 1024 * 1024
_WHAT: Final = "memory of another door"
_MAX_MARKS: Final = 100_000
_MAX_PERIOD: Final = 16
_MARK_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What one device remembers of one gate; it means nothing to who lacks the gate's key."""

    gate_id: str
    marks: tuple[Mark, ...]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read what `to_json` wrote on another device.

        Raises:
            Malformed: it is nothing of the kind.
        """
        members = Members(strict_json.parse(data, what=_WHAT, max_bytes=MAX_MEMORY_BYTES), what=_WHAT)
        marks = members.optional_array("marks", _read_mark, max_items=_MAX_MARKS)
        return cls(gate_id=members.text("gate", max_chars=64), marks=marks)

    def to_json(self) -> dict[str, Json]:
        """Write it, for another device."""
        return {"gate": self.gate_id, "marks": [_write_mark(mark) for mark in self.marks]}


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedTwice:
    """One pseudonym that passed at both devices more often than it may, and when it did first at each."""

    here: datetime
    there: datetime


def remember(work: Work, gate: Gate) -> Memory:
    """Return what this device remembers of a gate: for another to meet."""
    with work.read() as stores:
        marks = stores.load_marks(gate.gate_id)
    return Memory(gate_id=gate.gate_id, marks=tuple(mark for mark in marks if not mark.period.startswith(SLOT)))


def meet(work: Work, gate: Gate, other: Memory) -> tuple[UsedTwice, ...]:
    """Take over what another device remembers, and say what passed at both; meeting again changes nothing more.

    Of a gate that opens several times a month, the larger of both numbers counts, and nothing is reported.

    Raises:
        GateClosed: it is closed, and forgot what it counted: nothing brings that back.
        Malformed: the memory is one of another gate, or of one that counts nothing.
    """
    if other.gate_id != gate.gate_id or gate.counting is None:
        raise Malformed(_WHAT, "it is one of another gate, or the gate counts nothing")
    twice = []
    with work.write() as stores:
        load_gate(stores, gate.gate_id).check_open()
        known = {(mark.period, mark.value): mark for mark in stores.load_marks(gate.gate_id)}
        for theirs in other.marks:
            own = known.get((theirs.period, theirs.value), theirs)
            if own.first_use != theirs.first_use and gate.counting.limit.times == 1:
                twice.append(UsedTwice(here=own.first_use, there=theirs.first_use))
            earlier, more = min(own.first_use, theirs.first_use), max(own.uses, theirs.uses)
            stores.save_mark(gate.gate_id, replace(own, first_use=earlier, uses=more))
    return tuple(sorted(twice, key=lambda each: each.here))


def _write_mark(mark: Mark) -> Json:
    return {
        "period": mark.period,
        "mark": base64url.encode(mark.value),
        "uses": mark.uses,
        "first_use": epoch_s(mark.first_use),
    }


def _read_mark(value: Json, what: str) -> Mark:
    members = Members(value, what=what)
    mark = base64url.decode(members.text("mark", max_chars=64), what=what)
    if len(mark) != _MARK_BYTES:
        raise Malformed(what, f"its mark is not {_MARK_BYTES} bytes")
    return Mark(
        period=members.text("period", max_chars=_MAX_PERIOD),
        value=mark,
        uses=members.integer("uses", minimum=1, maximum=1_000_000),
        first_use=datetime.fromtimestamp(members.time("first_use"), UTC),
    )
