"""Credential issuer metadata (OpenID4VCI 1.0 §12.2): what an issuer is called, where it answers, what it issues."""

from dataclasses import dataclass
from typing import Final, Self

from credentials.encoding.strict_json import Json, parse
from credentials.errors import HandstampError, IssuerError, Malformed
from credentials.protocols.members import Members, shown, without_absent
from credentials.protocols.openid4vci.configurations import CredentialConfiguration, Display, read_displays
from credentials.protocols.openid4vci.encryption import EncryptionOffer
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
        request_encryption: how requests may be encrypted; None when they cannot be.
        response_encryption: how responses may be; None when they cannot be.
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
    request_encryption: EncryptionOffer | None = None
    response_encryption: EncryptionOffer | None = None
    displays: tuple[Display, ...] = ()

    @classmethod
    def parse(cls, data: bytes, *, issuer: str) -> Self:
        """Read metadata that was fetched for `issuer`; members that we do not know are ignored (§12.2.4).

        Raises:
            Malformed: it is no such metadata.
            WrongIssuerIdentifier: it is another issuer's (§12.2.4: simple string comparison, no normalisation).
            LeadsToLoopback: a public issuer names an address on this machine.
        """
        return cls.parse_object(parse(data, what=_WHAT, max_bytes=MAX_METADATA_BYTES), issuer=issuer)

    @classmethod
    def parse_object(cls, value: Json, *, issuer: str) -> Self:
        """Read metadata that is JSON already, as the payload of signed metadata is; refusals as for `parse`."""
        members = Members(value, what=_WHAT)
        if members.text("credential_issuer") != issuer:
            raise WrongIssuerIdentifier(_WHAT)
        batch = members.optional_object("batch_credential_issuance")
        asking = members.optional_object("credential_request_encryption")
        answering = members.optional_object("credential_response_encryption")
        return cls(
            credential_issuer=parse_issuer_url(issuer, what=members.named("credential_issuer")),
            credential_endpoint=read_endpoint(members, "credential_endpoint", issuer=issuer),
            configurations=_read_configurations(members),
            authorization_servers=_read_servers(members, issuer=issuer),
            nonce_endpoint=read_optional_endpoint(members, "nonce_endpoint", issuer=issuer),
            deferred_credential_endpoint=read_optional_endpoint(members, "deferred_credential_endpoint", issuer=issuer),
            notification_endpoint=read_optional_endpoint(members, "notification_endpoint", issuer=issuer),
            batch_size=batch.integer("batch_size", minimum=2, maximum=_MAX_BATCH) if batch else 1,
            request_encryption=EncryptionOffer.parse_request_side(asking) if asking else None,
            response_encryption=EncryptionOffer.parse_response_side(answering) if answering else None,
            displays=read_displays(members),
        )

    def to_json(self) -> dict[str, Json]:
        """Write the metadata document."""
        return without_absent(
            credential_issuer=self.credential_issuer,
            authorization_servers=list(self.authorization_servers),
            credential_endpoint=self.credential_endpoint,
            nonce_endpoint=self.nonce_endpoint,
            deferred_credential_endpoint=self.deferred_credential_endpoint,
            notification_endpoint=self.notification_endpoint,
            credential_request_encryption=self.request_encryption.to_json() if self.request_encryption else None,
            credential_response_encryption=self.response_encryption.to_json() if self.response_encryption else None,
            batch_credential_issuance={"batch_size": self.batch_size} if self.batch_size > 1 else None,
            display=[display.to_json() for display in self.displays],
        ) | {"credential_configurations_supported": {item.id: item.to_json() for item in self.configurations}}

    @property
    def encryption_required(self) -> bool:
        """Whether it answers encrypted requests only, or encrypts every response."""
        return any(
            offer is not None and offer.required for offer in (self.request_encryption, self.response_encryption)
        )

    def configuration(self, configuration_id: str) -> CredentialConfiguration:
        """The configuration of this id.

        Raises:
            NoSuchConfiguration: there is none.
        """
        for item in self.configurations:
            if item.id == configuration_id:
                return item
        raise NoSuchConfiguration(configuration_id)


def issuer_metadata_url(issuer: str) -> str:
    """Where an issuer's metadata is (§12.2.2)."""
    return build_well_known_url(issuer, "openid-credential-issuer")


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


def _read_configurations(members: Members) -> tuple[CredentialConfiguration, ...]:
    found = members.object("credential_configurations_supported").entries(max_items=_MAX_CONFIGURATIONS)
    if any(not 0 < len(name) <= 256 for name in found):  # noqa: PLR2004 - the cap of every identifier
        raise Malformed(_WHAT, "the id of a credential configuration is empty or longer than 256 characters")
    return tuple(CredentialConfiguration.parse(name, value) for name, value in found.items())
