"""What is kept of an answer, as JSON and back; our own column, so nothing is refused here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from credentials.encoding import base64url
from verifier.receipts import SignedTerms
from verifier.visits import TakenAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping


def answer_to_json(answer: TakenAnswer) -> dict[str, Any]:
    """Write what is kept of an answer until its door opens."""
    members: dict[str, Any] = {"met": answer.met, "vouched_by": list(answer.vouched_by)}
    if answer.marks:
        members["marks"] = [base64url.encode(mark) for mark in answer.marks]
    if answer.period is not None:
        members["period"] = answer.period
    if answer.signed is not None:
        signed = answer.signed
        members["signed"] = {
            "binding": signed.binding,
            "holder_key": signed.holder_key,
            "salt": base64url.encode(signed.salt),
        }
    return members


def answer_from_json(members: Mapping[str, Any]) -> TakenAnswer:
    """Read what `answer_to_json` wrote."""
    signed = members.get("signed")
    # An answer that was taken before several could be counted, and whose door opens only now.
    marks = members.get("marks") or [mark for mark in (members.get("mark"),) if mark]
    return TakenAnswer(
        met=members.get("met", ""),
        vouched_by=tuple(members.get("vouched_by", ())),
        marks=tuple(base64url.decode(mark, what="mark") for mark in marks),
        period=members.get("period"),
        signed=None
        if signed is None
        else SignedTerms(
            binding=signed["binding"],
            holder_key=signed["holder_key"],
            salt=base64url.decode(signed["salt"], what="salt"),
        ),
    )
