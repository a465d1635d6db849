"""What lets a visit be answered: presentations that passed the pipeline and are what the gate asked for."""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from typing import TYPE_CHECKING, Final

from credentials.protocols.dcql import Query, check_answer
from credentials.status import StatusCheck

if TYPE_CHECKING:
    from collections.abc import Mapping

    from credentials.verify import Verified

_SEAL: Final = object()
# The least certain first.
_BY_CERTAINTY: Final = (
    StatusCheck.NOT_ASKED,
    StatusCheck.UNKNOWN,
    StatusCheck.STALE,
    StatusCheck.NONE,
    StatusCheck.CURRENT,
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Says that the requirement was met, and which part of it. Only `build_evidence` makes one; no claim is in it."""

    seal: InitVar[object]
    met: str
    """The id of the credential query that was answered."""
    status: StatusCheck
    """What was found out about the statuses: of several presentations, the least."""

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("Evidence comes from build_evidence() only.")


def build_evidence(query: Query, verified: Mapping[str, Verified]) -> Evidence:
    """Check verified presentations against what was asked, and forget what they disclosed.

    Raises:
        AnswerRefused: they are not what was asked; `values` are compared here (OpenID4VP 1.0 §6.4.1).
    """
    check_answer(query, verified)
    least = min((each.status for each in verified.values()), key=_BY_CERTAINTY.index)
    return Evidence(_SEAL, met=next(iter(verified)), status=least)
