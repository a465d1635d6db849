"""Authorization server metadata (RFC 8414, with what RFC 9449, RFC 9126, RFC 9207 and OpenID4VCI 1.0 §12.3 add)."""

from dataclasses import dataclass
from typing import Final, Self

from credentials.encoding.strict_json import Json, parse
from credentials.protocols.members import Members, without_absent
from credentials.protocols.openid4vci.metadata import (
    MAX_METADATA_BYTES,
    WrongIssuerIdentifier,
    read_endpoint,
    read_optional_endpoint,
)
from credentials.protocols.urls import build_well_known_url, parse_issuer_url

_ANONYMOUS: Final = "pre-authorized_grant_anonymous_access_supported"
_RESPONSE_ISS: Final = "authorization_response_iss_parameter_supported"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationServerMetadata:
    """What an authorization server publishes (RFC 8414 §2, RFC 9449 §5.1, OpenID4VCI 1.0 §12.3).

    Attributes:
        issuer: its identifier, compared exactly.
        token_endpoint: where codes become tokens.
        grant_types_supported: RFC 8414 names its default if absent.
        dpop_signing_alg_values_supported: empty when it says nothing of DPoP.
        token_endpoint_auth_methods_supported: `none` for wallets without registration.
        anonymous_pre_authorized: takes a pre-authorized code without `client_id`.
        authorization_endpoint: where a browser asks its listener; None without the authorization code grant.
        pushed_authorization_request_endpoint: where the request is left before that (RFC 9126 §5).
        pushed_authorization_requests_required: takes no other (RFC 9126 §5).
        code_challenge_methods_supported: of PKCE (RFC 7636).
        response_iss: names itself in the authorization response (RFC 9207 §3).
        scopes_supported: one for each kind of credential.
        status_list_aggregation_endpoint: where all status lists are named (Token Status List §9.1).
    """

    issuer: str
    token_endpoint: str
    grant_types_supported: tuple[str, ...] = ("authorization_code", "implicit")
    dpop_signing_alg_values_supported: tuple[str, ...] = ()
    token_endpoint_auth_methods_supported: tuple[str, ...] = ()
    anonymous_pre_authorized: bool = False
    authorization_endpoint: str | None = None
    pushed_authorization_request_endpoint: str | None = None
    pushed_authorization_requests_required: bool = False
    code_challenge_methods_supported: tuple[str, ...] = ()
    response_iss: bool = False
    scopes_supported: tuple[str, ...] = ()
    status_list_aggregation_endpoint: str | None = None

    @classmethod
    def parse(cls, data: bytes, *, issuer: str) -> Self:
        """Read metadata that was fetched for `issuer`; members that we do not know are ignored.

        Raises:
            Malformed: it is no such metadata.
            WrongIssuerIdentifier: it is another server's (RFC 8414 §3.3).
            LeadsToLoopback: a public server names an address on this machine.
        """
        what = "authorization server metadata"
        members = Members(parse(data, what=what, max_bytes=MAX_METADATA_BYTES), what=what)
        if members.text("issuer") != issuer:
            raise WrongIssuerIdentifier(what)
        return cls(
            issuer=parse_issuer_url(issuer, what=members.named("issuer")),
            token_endpoint=read_endpoint(members, "token_endpoint", issuer=issuer),
            grant_types_supported=_names(members, "grant_types_supported") or ("authorization_code", "implicit"),
            dpop_signing_alg_values_supported=_names(members, "dpop_signing_alg_values_supported"),
            token_endpoint_auth_methods_supported=_names(members, "token_endpoint_auth_methods_supported"),
            anonymous_pre_authorized=members.flag(_ANONYMOUS, default=False),
            authorization_endpoint=read_optional_endpoint(members, "authorization_endpoint", issuer=issuer),
            pushed_authorization_request_endpoint=read_optional_endpoint(
                members, "pushed_authorization_request_endpoint", issuer=issuer
            ),
            pushed_authorization_requests_required=members.flag("require_pushed_authorization_requests", default=False),
            code_challenge_methods_supported=_names(members, "code_challenge_methods_supported"),
            response_iss=members.flag(_RESPONSE_ISS, default=False),
            scopes_supported=_names(members, "scopes_supported"),
            status_list_aggregation_endpoint=read_optional_endpoint(
                members, "status_list_aggregation_endpoint", issuer=issuer
            ),
        )

    def to_json(self) -> dict[str, Json]:
        """Write the metadata document."""
        written = without_absent(
            issuer=self.issuer,
            authorization_endpoint=self.authorization_endpoint,
            token_endpoint=self.token_endpoint,
            pushed_authorization_request_endpoint=self.pushed_authorization_request_endpoint,
            require_pushed_authorization_requests=self.pushed_authorization_requests_required or None,
            response_types_supported=["code"] if self.authorization_endpoint else None,
            grant_types_supported=list(self.grant_types_supported),
            scopes_supported=list(self.scopes_supported),
            status_list_aggregation_endpoint=self.status_list_aggregation_endpoint,
            code_challenge_methods_supported=list(self.code_challenge_methods_supported),
            authorization_details_types_supported=["openid_credential"],
            dpop_signing_alg_values_supported=list(self.dpop_signing_alg_values_supported),
            token_endpoint_auth_methods_supported=list(self.token_endpoint_auth_methods_supported),
        )
        return (
            written | {_ANONYMOUS: self.anonymous_pre_authorized} | ({_RESPONSE_ISS: True} if self.response_iss else {})
        )


def authorization_server_metadata_url(issuer: str) -> str:
    """Where an authorization server's metadata is (RFC 8414 §3)."""
    return build_well_known_url(issuer, "oauth-authorization-server")


def _names(members: Members, name: str) -> tuple[str, ...]:
    return members.optional_texts(name, max_items=64, max_chars=256)
