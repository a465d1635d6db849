"""Credential issuer metadata (OpenID4VCI 1.0 §12.2): what an issuer is called, where it answers, what it issues."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from credentials.encoding.strict_json import Json, parse
from credentials.errors import HandstampError, IssuerError, Malformed
from credentials.protocols.members import Members, shown, without_absent
from credentials.protocols.openid4vci.configurations import CredentialConfiguration, Display, read_displays
from credentials.protocols.urls import build_well_known_url, check_leads_outward, parse_issuer_url, parse_service_url

MAX_METADATA_BYTES: Final = 1_048_576
_WHAT: Final = "credential issuer metadata"
_MAX_CONFIGURATIONS: Final = 256
_MAX_SERVERS: Final = 16
_MAX_BATCH: Final = 10_000


class WrongIssuerIdentifier(IssuerError):
    """Metadata that speaks for another issuer than the one it was fetched from."""

    code = "wrong_issuer_identifier"

    def __init__(self, what: str) -> None:
        """`what` names the document."""
        super().__init__(f"The {what} names another issuer than the one whose address it was fetched from.")


class NoSuchConfiguration(HandstampError):
    """An offer names a configuration that the issuer's metadata does not have."""

    code = "no_such_configuration"

    def __init__(self, configuration_id: str) -> None:
        """`configuration_id` as it was asked for."""
        super().__init__(f"The issuer's metadata has no credential configuration {shown(configuration_id)}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerMetadata:
    """What a credential issuer publishes about itself.

    Attributes:
        credential_issuer: its identifier, compared exactly.
        credential_endpoint: where credentials are asked for.
        configurations: what it issues, by unique id.
        authorization_servers: empty when the issuer is its own.
        nonce_endpoint: where challenges for key proofs come from; None when it wants none.
        deferred_credential_endpoint: where to come back to.
        notification_endpoint: where to tell what became of a credential.
        batch_size: the most key proofs in one request; 1 when it takes no batches.
        encryption_required: it answers encrypted requests only, or encrypts every response.
        displays: its name, by language.
    """

    credential_issuer: str
    credential_endpoint: str
    configurations: tuple[CredentialConfiguration, ...]
    authorization_servers: tuple[str, ...] = ()
    nonce_endpoint: str | None = None
    deferred_credential_endpoint: str | None = None
    notification_endpoint: str | None = None
    batch_size: int = 1
    encryption_required: bool = False
    displays: tuple[Display, ...] = ()

    @classmethod
    def parse(cls, data: bytes, *, issuer: str) -> Self:
        """Read metadata that was fetched for `issuer`; members that we do not know are ignored (§12.2.4).

        Raises:
            Malformed: it is no such metadata.
            WrongIssuerIdentifier: it is another issuer's (§12.2.4: simple string comparison, no normalisation).
            LeadsToLoopback: a public issuer names an address on this machine.
        """
        members = Members(parse(data, what=_WHAT, max_bytes=MAX_METADATA_BYTES), what=_WHAT)
        if members.text("credential_issuer") != issuer:
            raise WrongIssuerIdentifier(_WHAT)
        batch = members.optional_object("batch_credential_issuance")
        return cls(
            credential_issuer=parse_issuer_url(issuer, what=members.named("credential_issuer")),
            credential_endpoint=read_endpoint(members, "credential_endpoint", issuer=issuer),
            configurations=_read_configurations(members),
            authorization_servers=_read_servers(members, issuer=issuer),
            nonce_endpoint=read_optional_endpoint(members, "nonce_endpoint", issuer=issuer),
            deferred_credential_endpoint=read_optional_endpoint(members, "deferred_credential_endpoint", issuer=issuer),
            notification_endpoint=read_optional_endpoint(members, "notification_endpoint", issuer=issuer),
            batch_size=batch.integer("batch_size", minimum=2, maximum=_MAX_BATCH) if batch else 1,
            encryption_required=any(_requires_encryption(members)),
            displays=read_displays(members),
        )

    def to_json(self) -> dict[str, Json]:
        """Write the metadata document. Encryption is not written: we have none to offer yet."""
        return without_absent(
            credential_issuer=self.credential_issuer,
            authorization_servers=list(self.authorization_servers),
            credential_endpoint=self.credential_endpoint,
            nonce_endpoint=self.nonce_endpoint,
            deferred_credential_endpoint=self.deferred_credential_endpoint,
            notification_endpoint=self.notification_endpoint,
            batch_credential_issuance={"batch_size": self.batch_size} if self.batch_size > 1 else None,
            display=[display.to_json() for display in self.displays],
        ) | {"credential_configurations_supported": {item.id: item.to_json() for item in self.configurations}}

    def configuration(self, configuration_id: str) -> CredentialConfiguration:
        """The configuration of this id.

        Raises:
            NoSuchConfiguration: there is none.
        """
        for item in self.configurations:
            if item.id == configuration_id:
                return item
        raise NoSuchConfiguration(configuration_id)


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
    """

    issuer: str
    token_endpoint: str
    grant_types_supported: tuple[str, ...] = ("authorization_code", "implicit")
    dpop_signing_alg_values_supported: tuple[str, ...] = ()
    token_endpoint_auth_methods_supported: tuple[str, ...] = ()
    anonymous_pre_authorized: bool = False

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
            anonymous_pre_authorized=members.flag("pre-authorized_grant_anonymous_access_supported", default=False),
        )

    def to_json(self) -> dict[str, Json]:
        """Write the metadata document."""
        written = without_absent(
            issuer=self.issuer,
            token_endpoint=self.token_endpoint,
            grant_types_supported=list(self.grant_types_supported),
            dpop_signing_alg_values_supported=list(self.dpop_signing_alg_values_supported),
            token_endpoint_auth_methods_supported=list(self.token_endpoint_auth_methods_supported),
        )
        return written | {"pre-authorized_grant_anonymous_access_supported": self.anonymous_pre_authorized}


def issuer_metadata_url(issuer: str) -> str:
    """Where an issuer's metadata is (§12.2.2)."""
    return build_well_known_url(issuer, "openid-credential-issuer")


def authorization_server_metadata_url(issuer: str) -> str:
    """Where an authorization server's metadata is (RFC 8414 §3)."""
    return build_well_known_url(issuer, "oauth-authorization-server")


def read_endpoint(members: Members, name: str, *, issuer: str) -> str:
    """A required endpoint; an issuer on the open net does not name one on this machine."""
    url = parse_service_url(members.required(name), what=members.named(name))
    check_leads_outward(url, led_by=issuer, what=members.named(name))
    return url


def read_optional_endpoint(members: Members, name: str, *, issuer: str) -> str | None:
    """An endpoint, or None when absent."""
    return read_endpoint(members, name, issuer=issuer) if name in members else None


def _read_servers(members: Members, *, issuer: str) -> tuple[str, ...]:
    what = members.named("authorization_servers")
    servers = members.optional_texts("authorization_servers", max_items=_MAX_SERVERS)
    for server in servers:
        check_leads_outward(parse_issuer_url(server, what=what), led_by=issuer, what=what)
    return servers


def _names(members: Members, name: str) -> tuple[str, ...]:
    return members.optional_texts(name, max_items=64, max_chars=256)


def _read_configurations(members: Members) -> tuple[CredentialConfiguration, ...]:
    found = members.object("credential_configurations_supported").entries(max_items=_MAX_CONFIGURATIONS)
    if any(not 0 < len(name) <= 256 for name in found):  # noqa: PLR2004 - the cap of every identifier
        raise Malformed(_WHAT, "the id of a credential configuration is empty or longer than 256 characters")
    return tuple(CredentialConfiguration.parse(name, value) for name, value in found.items())


def _requires_encryption(members: Members) -> Iterable[bool]:
    for name in ("credential_request_encryption", "credential_response_encryption"):
        encryption = members.optional_object(name)
        yield encryption is not None and encryption.flag("encryption_required", default=True)
