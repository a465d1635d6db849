"""Token requests and responses (OpenID4VCI 1.0 §6): with a pre-authorized, a refresh or an authorization code."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

from credentials.encoding.strict_json import Json, parse
from credentials.errors import HandstampError
from credentials.protocols.members import Members, without_absent
from credentials.protocols.oauth import (
    InvalidGrant,
    InvalidRequest,
    UnsupportedGrantType,
    build_form,
    parse_form,
    refuse_as,
)
from credentials.protocols.openid4vci.details import (
    AuthorizedCredential,
    read_authorized_details,
    read_requested,
    read_scopes,
    write_requested,
)
from credentials.protocols.openid4vci.offers import AUTHORIZATION_CODE_GRANT, PRE_AUTHORIZED_CODE_GRANT

REFRESH_TOKEN_GRANT: Final = "refresh_token"  # noqa: S105 - a grant type
BEARER: Final = "Bearer"
DPOP: Final = "DPoP"
_WHAT: Final = "token request"
_MAX_ID: Final = 256
_MAX_CODE: Final = 1024
_MAX_TX_CODE: Final = 64
_MAX_VERIFIER: Final = 128
# A thousand copies, each in four forms, with the labels of two of them, are 250,000 bytes.
_MAX_RESPONSE_BYTES: Final = 1_048_576
_MAX_TOKEN: Final = 8192


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
        requested_configuration_ids: from `authorization_details`; with no scopes either, all that was offered is meant.
        scopes: from `scope`.
    """

    pre_authorized_code: str
    tx_code: str | None = None
    client_id: str | None = None
    requested_configuration_ids: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()

    @classmethod
    def parse_form(cls, data: bytes) -> Self:
        """Read the body of a token request; parameters that we do not know are ignored (§6.1).

        Raises:
            InvalidRequest, UnsupportedGrantType, InvalidAuthorizationDetails: with the exact OAuth error.
        """
        with refuse_as(InvalidRequest):
            fields = parse_form(data, what=_WHAT)
            if _grant_type(fields) != PRE_AUTHORIZED_CODE_GRANT:
                raise UnsupportedGrantType("Only the pre-authorized code grant is supported.")
        return cls.read(fields)

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> Self:
        """Read the fields of such a request; refusals as for `parse_form`."""
        with refuse_as(InvalidRequest):
            members = Members(dict(fields), what=_WHAT)
            code = members.text("pre-authorized_code", max_chars=_MAX_CODE)
            tx_code = members.optional_text("tx_code")
            client_id = members.optional_text("client_id")
            scopes = read_scopes(members)
        if tx_code is not None and len(tx_code) > _MAX_TX_CODE:
            raise InvalidGrant("The transaction code is wrong.")
        return cls(
            pre_authorized_code=code,
            tx_code=tx_code,
            client_id=client_id,
            requested_configuration_ids=read_requested(fields.get("authorization_details")),
            scopes=scopes,
        )

    def to_form(self) -> bytes:
        """Write the body of a token request."""
        return _form(
            grant_type=PRE_AUTHORIZED_CODE_GRANT,
            **{"pre-authorized_code": self.pre_authorized_code},
            tx_code=self.tx_code,
            client_id=self.client_id,
            authorization_details=write_requested(self.requested_configuration_ids),
            scope=" ".join(self.scopes),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshRequest:
    """A token request with a refresh token (RFC 6749 §6), for topping up.

    Attributes:
        refresh_token: the newest that the wallet has.
        client_id: absent for anonymous wallets.
        requested_configuration_ids: from `authorization_details`; with no scopes either, all is meant.
        scopes: from `scope`.
    """

    refresh_token: str
    client_id: str | None = None
    requested_configuration_ids: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> Self:
        """Read the fields of such a request.

        Raises:
            InvalidRequest, InvalidAuthorizationDetails: with the exact OAuth error.
        """
        with refuse_as(InvalidRequest):
            members = Members(dict(fields), what=_WHAT)
            return cls(
                refresh_token=members.text("refresh_token", max_chars=_MAX_CODE),
                client_id=members.optional_text("client_id"),
                requested_configuration_ids=read_requested(fields.get("authorization_details")),
                scopes=read_scopes(members),
            )

    def to_form(self) -> bytes:
        """Write the body of a token request."""
        return _form(
            grant_type=REFRESH_TOKEN_GRANT,
            refresh_token=self.refresh_token,
            client_id=self.client_id,
            authorization_details=write_requested(self.requested_configuration_ids),
            scope=" ".join(self.scopes),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRequest:
    """A token request with the code of an authorization response (RFC 6749 §4.1.3, RFC 7636 §4.5).

    Attributes:
        code: from the authorization response.
        code_verifier: whose SHA-256 the authorization request named.
        redirect_uri: the same as in the authorization request.
        client_id: the same as in the authorization request.
        requested_configuration_ids: from `authorization_details`, to ask for less than was authorized.
    """

    code: str
    code_verifier: str
    redirect_uri: str
    client_id: str
    requested_configuration_ids: tuple[str, ...] = ()

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> Self:
        """Read the fields of such a request; refusals as for `RefreshRequest.read`."""
        with refuse_as(InvalidRequest):
            members = Members(dict(fields), what=_WHAT)
            return cls(
                code=members.text("code", max_chars=_MAX_CODE),
                code_verifier=members.text("code_verifier", max_chars=_MAX_VERIFIER),
                redirect_uri=members.text("redirect_uri"),
                client_id=members.text("client_id"),
                requested_configuration_ids=read_requested(fields.get("authorization_details")),
            )

    def to_form(self) -> bytes:
        """Write the body of a token request."""
        return _form(
            grant_type=AUTHORIZATION_CODE_GRANT,
            code=self.code,
            code_verifier=self.code_verifier,
            redirect_uri=self.redirect_uri,
            client_id=self.client_id,
            authorization_details=write_requested(self.requested_configuration_ids),
        )


AnyTokenRequest: TypeAlias = TokenRequest | RefreshRequest | CodeRequest
_GRANTS: Final[Mapping[str, Callable[[Mapping[str, str]], AnyTokenRequest]]] = {
    PRE_AUTHORIZED_CODE_GRANT: TokenRequest.read,
    REFRESH_TOKEN_GRANT: RefreshRequest.read,
    AUTHORIZATION_CODE_GRANT: CodeRequest.read,
}


def parse_token_request(data: bytes) -> AnyTokenRequest:
    """Read the body of a token request of any grant that there is.

    Raises:
        UnsupportedGrantType: of another.
        InvalidRequest, InvalidAuthorizationDetails, InvalidGrant: with the exact OAuth error.
    """
    with refuse_as(InvalidRequest):
        fields = parse_form(data, what=_WHAT)
        read = _GRANTS.get(_grant_type(fields))
    if read is None:
        raise UnsupportedGrantType("The grant type is none of those that the server's metadata names.")
    return read(fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenResponse:
    """A successful token response.

    Attributes:
        access_token: opaque to the wallet.
        token_type: `DPoP`, so that only the key that asked can use the token, or `Bearer`.
        expires_in: seconds, if the server says.
        refresh_token: to come back with, once; its answer holds the next.
        authorization_details: what may be fetched; empty from servers that do not name credential identifiers.
    """

    access_token: str
    token_type: str = DPOP
    expires_in: int | None = None
    refresh_token: str | None = None
    authorization_details: tuple[AuthorizedCredential, ...] = ()

    @classmethod
    def parse(cls, data: bytes, *, allow_bearer: bool = False) -> Self:
        """Read the body of a token response; members that we do not know are ignored (§6.2).

        Args:
            data: the body.
            allow_bearer: whether a token that is bound to no key is taken, from a server that knows no DPoP.

        Raises:
            Malformed: it is no token response.
            NotSenderBound: it is a bearer token, or of a type that nobody knows.
        """
        what = "token response"
        members = Members(parse(data, what=what, max_bytes=_MAX_RESPONSE_BYTES), what=what)
        # RFC 6749 §5.1: the type is compared without regard to case.
        kind = members.text("token_type", max_chars=32).lower()
        if kind != "dpop" and not (allow_bearer and kind == "bearer"):
            raise NotSenderBound
        return cls(
            access_token=members.text("access_token", max_chars=_MAX_TOKEN),
            token_type=DPOP if kind == "dpop" else BEARER,
            expires_in=members.optional_integer("expires_in"),
            refresh_token=members.optional_text("refresh_token", max_chars=_MAX_TOKEN),
            authorization_details=read_authorized_details(members),
        )

    def to_json(self) -> dict[str, Json]:
        """Write the body of a token response."""
        return without_absent(
            access_token=self.access_token,
            token_type=self.token_type,
            expires_in=self.expires_in,
            refresh_token=self.refresh_token,
            authorization_details=[detail.to_json() for detail in self.authorization_details],
        )


def _grant_type(fields: Mapping[str, str]) -> str:
    return Members(dict(fields), what=_WHAT).text("grant_type", max_chars=_MAX_ID)


def _form(**fields: str | None) -> bytes:
    return build_form({name: value for name, value in fields.items() if value})
