"""Token requests and responses of the pre-authorized code flow (OpenID4VCI 1.0 §6)."""

from dataclasses import dataclass
from typing import Final, Self

from credentials.encoding.strict_json import Json, dump, parse
from credentials.errors import HandstampError
from credentials.protocols.members import Members, check_text, without_absent
from credentials.protocols.oauth import (
    InvalidAuthorizationDetails,
    InvalidGrant,
    InvalidRequest,
    UnsupportedGrantType,
    build_form,
    parse_form,
    refuse_as,
)
from credentials.protocols.openid4vci.offers import PRE_AUTHORIZED_CODE_GRANT

_MAX_DETAILS: Final = 64
_MAX_IDENTIFIERS: Final = 1000
_MAX_ID: Final = 256
_MAX_CODE: Final = 1024
_MAX_TX_CODE: Final = 64
_MAX_RESPONSE_BYTES: Final = 262_144


class NotSenderBound(HandstampError):
    """The authorization server gave a bearer token though we asked for one bound to our key (RFC 9449 §5)."""

    code = "not_sender_bound"

    def __init__(self) -> None:
        super().__init__("The issuer gave a token that anybody could use who sees it. It was thrown away.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """A token request with a pre-authorized code.

    Attributes:
        pre_authorized_code: from the offer.
        tx_code: what the listener typed, if the offer wants one.
        client_id: absent for anonymous wallets.
        requested_configuration_ids: from `authorization_details`; empty when the wallet wants all that was offered.
    """

    pre_authorized_code: str
    tx_code: str | None = None
    client_id: str | None = None
    requested_configuration_ids: tuple[str, ...] = ()

    @classmethod
    def parse_form(cls, data: bytes) -> Self:
        """Read the body of a token request; parameters that we do not know are ignored (§6.1).

        Raises:
            InvalidRequest, UnsupportedGrantType, InvalidAuthorizationDetails: with the exact OAuth error.
        """
        with refuse_as(InvalidRequest):
            fields = parse_form(data, what="token request")
            members = Members(dict(fields), what="token request")
            if members.text("grant_type", max_chars=_MAX_ID) != PRE_AUTHORIZED_CODE_GRANT:
                raise UnsupportedGrantType("Only the pre-authorized code grant is supported.")
            code = members.text("pre-authorized_code", max_chars=_MAX_CODE)
            tx_code = members.optional_text("tx_code")
            client_id = members.optional_text("client_id")
        if tx_code is not None and len(tx_code) > _MAX_TX_CODE:
            raise InvalidGrant("The transaction code is wrong.")
        return cls(
            pre_authorized_code=code,
            tx_code=tx_code,
            client_id=client_id,
            requested_configuration_ids=_read_requested(fields.get("authorization_details")),
        )

    def to_form(self) -> bytes:
        """Write the body of a token request."""
        fields = {"grant_type": PRE_AUTHORIZED_CODE_GRANT, "pre-authorized_code": self.pre_authorized_code}
        if self.tx_code is not None:
            fields["tx_code"] = self.tx_code
        if self.client_id is not None:
            fields["client_id"] = self.client_id
        if self.requested_configuration_ids:
            details: list[Json] = [
                {"type": "openid_credential", "credential_configuration_id": configuration}
                for configuration in self.requested_configuration_ids
            ]
            fields["authorization_details"] = dump(details).decode("utf-8")
        return build_form(fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizedCredential:
    """What the token may fetch under one configuration: one identifier per copy."""

    credential_configuration_id: str
    credential_identifiers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenResponse:
    """A successful token response.

    Attributes:
        access_token: opaque to the wallet.
        token_type: always `DPoP`: only the key that asked can use the token.
        expires_in: seconds, if the server says.
        authorization_details: what may be fetched; empty from servers that do not name credential identifiers.
    """

    access_token: str
    token_type: str = "DPoP"  # noqa: S105 - a scheme's name, not a secret
    expires_in: int | None = None
    authorization_details: tuple[AuthorizedCredential, ...] = ()

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the body of a token response; members that we do not know are ignored (§6.2).

        Raises:
            Malformed: it is no token response.
            NotSenderBound: it is a bearer token.
        """
        what = "token response"
        members = Members(parse(data, what=what, max_bytes=_MAX_RESPONSE_BYTES), what=what)
        # RFC 6749 §5.1: the type is compared without regard to case.
        if members.text("token_type", max_chars=32).lower() != "dpop":
            raise NotSenderBound
        details = members.optional_array("authorization_details", _read_authorized, max_items=_MAX_DETAILS)
        return cls(
            access_token=members.text("access_token", max_chars=8192),
            expires_in=members.optional_integer("expires_in"),
            authorization_details=tuple(detail for detail in details if detail is not None),
        )

    def to_json(self) -> dict[str, Json]:
        """Write the body of a token response."""
        return without_absent(
            access_token=self.access_token,
            token_type=self.token_type,
            expires_in=self.expires_in,
            authorization_details=[
                {
                    "type": "openid_credential",
                    "credential_configuration_id": detail.credential_configuration_id,
                    "credential_identifiers": list(detail.credential_identifiers),
                }
                for detail in self.authorization_details
            ],
        )


def _read_authorized(value: Json, what: str) -> AuthorizedCredential | None:
    """One element of a response's `authorization_details`; None when of a type that is not ours (RFC 9396 §2)."""
    members = Members(value, what=what)
    if members.text("type", max_chars=_MAX_ID) != "openid_credential":
        return None
    return AuthorizedCredential(
        credential_configuration_id=members.text("credential_configuration_id", max_chars=_MAX_ID),
        credential_identifiers=members.texts("credential_identifiers", max_items=_MAX_IDENTIFIERS, max_chars=_MAX_ID),
    )


def _read_requested(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    what = "authorization details"
    # RFC 9396 §5: whatever is wrong with them, unknown types included, has this one error.
    with refuse_as(InvalidAuthorizationDetails):
        wrapped = Members({"authorization_details": parse(text, what=what)}, what="token request")
        return wrapped.array("authorization_details", _read_wanted, max_items=_MAX_DETAILS)


def _read_wanted(value: Json, what: str) -> str:
    members = Members(value, what=what)
    if check_text(members.required("type"), what=what, max_chars=_MAX_ID) != "openid_credential":
        raise InvalidAuthorizationDetails("Only authorization details of type openid_credential are supported.")
    return members.text("credential_configuration_id", max_chars=_MAX_ID)
