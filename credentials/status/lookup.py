"""What a status list says of one credential, and what a gate does when none can be had."""

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum

from credentials.status.errors import (
    CredentialRevoked,
    CredentialSuspended,
    StatusListNeeded,
    UnknownStatus,
    WrongStatusList,
)
from credentials.status.packed import INVALID, SUSPENDED, VALID
from credentials.status.reference import StatusReference
from credentials.status.token import StatusList


class StatusPolicy(StrEnum):
    """What a gate does while a status list is out of date or out of reach: its owner decides."""

    REFUSE = "refuse"
    """Let nobody in whose credential may have been taken back."""
    ADMIT = "admit"
    """Let them in unless the last list that was had says otherwise; the evidence says so."""


class StatusCheck(StrEnum):
    """What was found out about a credential's status; part of the evidence."""

    NONE = "none"
    """The credential has no status: its issuer cannot take it back."""
    CURRENT = "current"
    """A list that is neither stale nor expired says that it is good."""
    STALE = "stale"
    """A list says so that should have been fetched again; the policy admits."""
    NOT_ASKED = "not_asked"
    """Nobody asked: what was issued just now was not taken back."""
    UNKNOWN = "unknown"
    """No list could be had; the policy admits."""


def check_status(
    reference: StatusReference | None,
    *,
    issuer: str,
    lists: Mapping[str, StatusList],
    lenient: Collection[str],
    at: datetime,
) -> StatusCheck:
    """Look a credential's status up (Token Status List §8.3 steps 6 and 7).

    Args:
        reference: the entry that the credential names; None if it has no status.
        issuer: `iss` of the credential.
        lists: the lists at hand, under their addresses.
        lenient: addresses of lists that could not be had, and without which the gate's policy admits.
        at: the time of the check.

    Raises:
        StatusListNeeded: the list is not at hand, or should be fetched again, and the policy does not admit without.
        CredentialRevoked, CredentialSuspended, UnknownStatus, StatusOutOfRange: what the list says.
        WrongStatusList: the list at hand is another issuer's.
        Expired: the list has expired.
    """
    if reference is None:
        return StatusCheck.NONE
    found = lists.get(reference.uri)
    if (found is None or found.stale) and reference.uri not in lenient:
        raise StatusListNeeded(reference.uri, issuer)
    if found is None:
        return StatusCheck.UNKNOWN
    if found.uri != reference.uri or found.issuer != issuer:
        raise WrongStatusList("it is another issuer's")
    found.check_not_expired(at)
    _check_value(found.statuses[reference.index])
    return StatusCheck.STALE if found.stale else StatusCheck.CURRENT


def _check_value(status: int) -> None:
    if status == INVALID:
        raise CredentialRevoked
    if status == SUSPENDED:
        raise CredentialSuspended
    if status != VALID:
        raise UnknownStatus
