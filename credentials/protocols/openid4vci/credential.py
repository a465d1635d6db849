"""Nonce responses, credential requests and credential responses (OpenID4VCI 1.0 §7 and §8)."""

from dataclasses import dataclass
from typing import Final, Self

from credentials.encoding.strict_json import Json, parse
from credentials.errors import HandstampError, Malformed
from credentials.protocols.members import Members, check_text, without_absent
from credentials.protocols.oauth import InvalidCredentialRequest, InvalidEncryptionParameters, InvalidProof, refuse_as

MAX_PROOFS: Final = 20
MAX_REQUEST_BYTES: Final = 262_144
MAX_RESPONSE_BYTES: Final = 2_097_152
_MAX_CREDENTIALS: Final = 100
_MAX_CREDENTIAL: Final = 65_536
_MAX_PROOF: Final = 8192
_MAX_ID: Final = 256
_MAX_NONCE: Final = 512


class DeferredIssuance(HandstampError):
    """The issuer wants us to come back later, which this version cannot."""

    code = "deferred_issuance"

    def __init__(self) -> None:
        super().__init__("The issuer needs more time for this credential, and this wallet cannot come back for it yet.")


@dataclass(frozen=True, slots=True, kw_only=True)
class NonceResponse:
    """A fresh challenge for key proofs (§7.2). Answer it with `Cache-Control: no-store`."""

    c_nonce: str

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the body of a nonce response."""
        what = "nonce response"
        return cls(c_nonce=Members(parse(data, what=what), what=what).text("c_nonce", max_chars=_MAX_NONCE))

    def to_json(self) -> dict[str, Json]:
        """Write the body of a nonce response."""
        return {"c_nonce": self.c_nonce}


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialRequest:
    """A credential request with key proofs of type `jwt`.

    Attributes:
        credential_identifier: a data set named in the token response; exactly one of the two is given.
        credential_configuration_id: a configuration, when the token response named no data sets.
        proofs: one to twenty key proofs, as they came.
    """

    credential_identifier: str | None = None
    credential_configuration_id: str | None = None
    proofs: tuple[str, ...]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the body of a credential request; parameters that we do not know are ignored (§8.2).

        Raises:
            InvalidCredentialRequest: malformed, or not exactly one of the two ways to say what is wanted.
            InvalidProof: no `proofs`, or not of type `jwt`.
            InvalidEncryptionParameters: an encrypted response is asked for in a plaintext request (§8.2).
        """
        what = "credential request"
        with refuse_as(InvalidCredentialRequest):
            members = Members(parse(data, what=what, max_bytes=MAX_REQUEST_BYTES), what=what)
            identifier = members.optional_text("credential_identifier", max_chars=_MAX_ID)
            configuration = members.optional_text("credential_configuration_id", max_chars=_MAX_ID)
            if (identifier is None) == (configuration is None):
                raise Malformed(what, "give either credential_identifier or credential_configuration_id")
        if "credential_response_encryption" in members:
            raise InvalidEncryptionParameters("Encrypted responses are not supported.")
        return cls(
            credential_identifier=identifier,
            credential_configuration_id=configuration,
            proofs=_read_proofs(members),
        )

    def to_json(self) -> dict[str, Json]:
        """Write the body of a credential request."""
        return without_absent(
            credential_identifier=self.credential_identifier,
            credential_configuration_id=self.credential_configuration_id,
            proofs={"jwt": list(self.proofs)},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialResponse:
    """Credentials of one copy, each bound to a key of its own.

    Attributes:
        credentials: SD-JWT VCs, as they came.
        notification_id: to tell the issuer what became of them.
    """

    credentials: tuple[str, ...]
    notification_id: str | None = None

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the body of a credential response; members that we do not know are ignored (§8.3).

        Raises:
            Malformed: it is no credential response.
            DeferredIssuance: it only says to come back later.
        """
        what = "credential response"
        members = Members(parse(data, what=what, max_bytes=MAX_RESPONSE_BYTES), what=what)
        if "transaction_id" in members:
            raise DeferredIssuance
        return cls(
            credentials=members.array("credentials", _read_credential, max_items=_MAX_CREDENTIALS),
            notification_id=members.optional_text("notification_id", max_chars=_MAX_ID),
        )

    def to_json(self) -> dict[str, Json]:
        """Write the body of a credential response."""
        return without_absent(
            credentials=[{"credential": credential} for credential in self.credentials],
            notification_id=self.notification_id,
        )


def _read_credential(value: Json, what: str) -> str:
    return Members(value, what=what).text("credential", max_chars=_MAX_CREDENTIAL)


def _read_proofs(members: Members) -> tuple[str, ...]:
    with refuse_as(InvalidProof):
        if "proofs" not in members and "proof" in members:
            raise Malformed(
                members.what, "`proof` is of an older draft; send `proofs` with an array of JWTs under `jwt`"
            )
        proofs = members.object("proofs")
        # §8.2: exactly one proof type. Another one beside ours would otherwise be ignored silently.
        if len(proofs.entries(max_items=_MAX_CREDENTIALS)) != 1:
            raise Malformed(proofs.what, "it must hold exactly one proof type")
        return proofs.array("jwt", _read_proof, max_items=MAX_PROOFS)


def _read_proof(value: Json, what: str) -> str:
    return check_text(value, what=what, max_chars=_MAX_PROOF)
