"""Notifications (OpenID4VCI 1.0 §11): what became of credentials, told by the wallet."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from credentials.encoding.strict_json import Json, parse
from credentials.errors import Malformed
from credentials.protocols.members import Members, without_absent
from credentials.protocols.oauth import InvalidNotificationRequest, refuse_as

_WHAT: Final = "notification request"
_MAX_ID: Final = 256
_MAX_DESCRIPTION: Final = 1000
_DESCRIPTION: Final = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")


class NotificationEvent(StrEnum):
    """What happened (§11.1)."""

    ACCEPTED = "credential_accepted"
    FAILURE = "credential_failure"
    DELETED = "credential_deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What became of the credentials of one response.

    Attributes:
        notification_id: from the credential response.
        event: all were stored, or one was not, or the listener did not want them.
        description: for developers; printable ASCII.
    """

    notification_id: str
    event: NotificationEvent
    description: str | None = None

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the body of a notification request; parameters that we do not know are ignored.

        Raises:
            InvalidNotificationRequest: it is malformed.
        """
        with refuse_as(InvalidNotificationRequest):
            members = Members(parse(data, what=_WHAT), what=_WHAT)
            return cls(
                notification_id=members.text("notification_id", max_chars=_MAX_ID),
                event=_read_event(members),
                description=members.optional_text(
                    "event_description", max_chars=_MAX_DESCRIPTION, pattern=_DESCRIPTION
                ),
            )

    def to_json(self) -> dict[str, Json]:
        """Write the body of a notification request."""
        return without_absent(
            notification_id=self.notification_id, event=self.event.value, event_description=self.description
        )


def _read_event(members: Members) -> NotificationEvent:
    event = members.text("event", max_chars=64)
    try:
        return NotificationEvent(event)
    except ValueError as error:
        known = ", ".join(NotificationEvent)
        raise Malformed(members.named("event"), f"it is none of {known}") from error
