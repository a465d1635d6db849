"""What a wallet asks for and what a token opens (OpenID4VCI 1.0 §5.1): `authorization_details` and `scope`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from credentials.encoding.strict_json import Json, dump, parse
from credentials.protocols.members import Members, check_text, without_absent
from credentials.protocols.oauth import InvalidAuthorizationDetails, refuse_as

TYPE: Final = "openid_credential"
_MAX_DETAILS: Final = 64
_MAX_IDENTIFIERS: Final = 1000
_MAX_ID: Final = 256
_MAX_SCOPE: Final = 1024
_COMMITMENTS: Final = "handstamp_commitments"
# RFC 6749 §3.3: tokens of printable ASCII without quote and backslash, parted by single spaces.
_SCOPE: Final = re.compile(r"[!#-\[\]-~]+(?: [!#-\[\]-~]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizedCredential:
    """What the token may fetch under one configuration: one identifier per copy.

    Attributes:
        credential_configuration_id: which kind of credential.
        credential_identifiers: of the copies.
        commitments: by identifier, where the credential wants a commitment: who counts there, as a random label that
            lasts. All identifiers of one label need one commitment, made once.
    """

    credential_configuration_id: str
    credential_identifiers: tuple[str, ...]
    commitments: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """Write one element of a response's `authorization_details` (§6.2)."""
        commitments: dict[str, Json] = dict(self.commitments)
        return without_absent(
            type=TYPE,
            credential_configuration_id=self.credential_configuration_id,
            credential_identifiers=list(self.credential_identifiers),
            **{_COMMITMENTS: commitments},
        )


def read_authorized_details(members: Members) -> tuple[AuthorizedCredential, ...]:
    """The `authorization_details` of a token response; those of a type that is not ours are left out (RFC 9396 §2)."""
    details = members.optional_array("authorization_details", _read_authorized, max_items=_MAX_DETAILS)
    return tuple(detail for detail in details if detail is not None)


def read_requested(text: str | None) -> tuple[str, ...]:
    """The configurations that the `authorization_details` of a request name, given as JSON text; empty when absent.

    Raises:
        InvalidAuthorizationDetails: whatever is wrong with them, unknown types included (RFC 9396 §5).
    """
    if text is None:
        return ()
    what = "authorization details"
    with refuse_as(InvalidAuthorizationDetails):
        wrapped = Members({"authorization_details": parse(text, what=what)}, what="token request")
        return wrapped.array("authorization_details", _read_wanted, max_items=_MAX_DETAILS)


def write_requested(configuration_ids: Sequence[str]) -> str | None:
    """Write `authorization_details` that name some configurations, as JSON text; None for none."""
    if not configuration_ids:
        return None
    details: list[Json] = [{"type": TYPE, "credential_configuration_id": each} for each in configuration_ids]
    return dump(details).decode("utf-8")


def read_scopes(members: Members) -> tuple[str, ...]:
    """The `scope` of a request, taken apart (RFC 6749 §3.3); empty when absent."""
    text = members.optional_text("scope", max_chars=_MAX_SCOPE, pattern=_SCOPE)
    return tuple(dict.fromkeys(text.split(" "))) if text else ()


def _read_authorized(value: Json, what: str) -> AuthorizedCredential | None:
    members = Members(value, what=what)
    if members.text("type", max_chars=_MAX_ID) != TYPE:
        return None
    return AuthorizedCredential(
        credential_configuration_id=members.text("credential_configuration_id", max_chars=_MAX_ID),
        credential_identifiers=members.texts("credential_identifiers", max_items=_MAX_IDENTIFIERS, max_chars=_MAX_ID),
        commitments=_read_commitments(members),
    )


def _read_commitments(members: Members) -> dict[str, str]:
    labels = members.optional_object(_COMMITMENTS)
    found = labels.entries(max_items=_MAX_IDENTIFIERS) if labels else {}
    what = f"label in {members.named(_COMMITMENTS)}"
    return {identifier: check_text(label, what=what, max_chars=_MAX_ID) for identifier, label in found.items()}


def _read_wanted(value: Json, what: str) -> str:
    members = Members(value, what=what)
    if check_text(members.required("type"), what=what, max_chars=_MAX_ID) != TYPE:
        raise InvalidAuthorizationDetails("Only authorization details of type openid_credential are supported.")
    return members.text("credential_configuration_id", max_chars=_MAX_ID)
