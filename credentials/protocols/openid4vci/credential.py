"""Nonce responses, credential requests and credential responses, at once or deferred (OpenID4VCI 1.0 §7 to §9)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Self

from credentials.encoding.strict_json import Json, parse
from credentials.errors import HandstampError, Malformed
from credentials.protocols.members import Members, check_text, without_absent
from credentials.protocols.oauth import InvalidCredentialRequest, InvalidEncryptionParameters, InvalidProof, refuse_as
from credentials.protocols.openid4vci.encryption import WantedEncryption, read_response_encryption

MAX_PROOFS: Final = 20
MAX_REQUEST_BYTES: Final = 262_144
MAX_RESPONSE_BYTES: Final = 2_097_152
_MAX_CREDENTIALS: Final = 100
_MAX_CREDENTIAL: Final = 65_536
_MAX_PROOF: Final = 24_576
_MAX_ID: Final = 256
_MAX_NONCE: Final = 512
_MAX_INTERVAL_S: Final = 31_536_000

ProofType = Literal["jwt", "attestation", "bbs2023_commitment"]


class DeferredIssuance(HandstampError):
    """The issuer wants the wallet to come back later, and whoever asked cannot."""

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
    """A credential request with proofs of one type, or none for a credential that is bound to nothing.

    Attributes:
        credential_identifier: a data set named in the token response; exactly one of the two is given.
        credential_configuration_id: a configuration, when the token response named no data sets.
        proofs: one to twenty key proofs, or one key attestation or commitment, as they came; empty for none.
        proof_type: `jwt` (App. F.1), `attestation` (App. F.3) or our `bbs2023_commitment`.
        response_encryption: how the response is to be encrypted; None for plain JSON.
    """

    credential_identifier: str | None = None
    credential_configuration_id: str | None = None
    proofs: tuple[str, ...] = ()
    proof_type: ProofType = "jwt"
    response_encryption: WantedEncryption | None = None

    @classmethod
    def parse(cls, data: bytes, *, encrypted: bool = False) -> Self:
        """Read a credential request; parameters that we do not know are ignored (§8.2).

        Args:
            data: the JSON text, decrypted if it came encrypted.
            encrypted: whether it did.

        Raises:
            InvalidCredentialRequest: malformed, or not exactly one of the two ways to say what is wanted.
            InvalidProof: proofs of a type that nobody knows, or of several types. That there are none is for the
                issuer to refuse: it knows whether the credential needs any (§8.2).
            InvalidEncryptionParameters: an encrypted response is asked for in a plaintext request (§8.2), or in a way
                that cannot be followed.
        """
        what = "credential request"
        with refuse_as(InvalidCredentialRequest):
            members = Members(parse(data, what=what, max_bytes=MAX_REQUEST_BYTES), what=what)
            identifier = members.optional_text("credential_identifier", max_chars=_MAX_ID)
            configuration = members.optional_text("credential_configuration_id", max_chars=_MAX_ID)
            if (identifier is None) == (configuration is None):
                raise Malformed(what, "give either credential_identifier or credential_configuration_id")
        encryption = _read_encryption(members, encrypted=encrypted)
        proof_type, proofs = _read_proofs(members)
        return cls(
            credential_identifier=identifier,
            credential_configuration_id=configuration,
            proofs=proofs,
            proof_type=proof_type,
            response_encryption=encryption,
        )

    def to_json(self) -> dict[str, Json]:
        """Write the body of a credential request."""
        return without_absent(
            credential_identifier=self.credential_identifier,
            credential_configuration_id=self.credential_configuration_id,
            proofs={self.proof_type: list(self.proofs)} if self.proofs else None,
            credential_response_encryption=self.response_encryption.to_json() if self.response_encryption else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialResponse:
    """Credentials of one copy, each bound to a key of its own, or to none.

    Attributes:
        credentials: those that are text, as SD-JWT VCs and door passes are, as they came.
        documents: those that are JSON objects, as linked credentials are. One response holds only one of the two.
        notification_id: to tell the issuer what became of them.
    """

    credentials: tuple[str, ...] = ()
    documents: tuple[Mapping[str, Json], ...] = ()
    notification_id: str | None = None

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the body of a credential response that must hold credentials.

        Raises:
            Malformed: it is no credential response.
            DeferredIssuance: it only says to come back later; `parse_credential_response` reads both.
        """
        read = parse_credential_response(data)
        if isinstance(read, DeferredResponse):
            raise DeferredIssuance
        return cls(credentials=read.credentials, documents=read.documents, notification_id=read.notification_id)

    def to_json(self) -> dict[str, Json]:
        """Write the body of a credential response."""
        return without_absent(
            credentials=[{"credential": credential} for credential in (*self.credentials, *map(dict, self.documents))],
            notification_id=self.notification_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeferredResponse:
    """The issuer needs more time (§8.3, §9.2); answered with status 202.

    Attributes:
        transaction_id: names the request at the deferred credential endpoint.
        interval: seconds to wait at least before asking there.
    """

    transaction_id: str
    interval: int

    def to_json(self) -> dict[str, Json]:
        """Write the body of a credential response that defers."""
        return {"transaction_id": self.transaction_id, "interval": self.interval}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeferredCredentialRequest:
    """Asks for credentials that were deferred (§9.1).

    Attributes:
        transaction_id: from the deferred response.
        response_encryption: how this response is to be encrypted, whatever the first request said.
    """

    transaction_id: str
    response_encryption: WantedEncryption | None = None

    @classmethod
    def parse(cls, data: bytes, *, encrypted: bool = False) -> Self:
        """Read a deferred credential request; arguments and refusals as for `CredentialRequest.parse`."""
        what = "deferred credential request"
        with refuse_as(InvalidCredentialRequest):
            members = Members(parse(data, what=what), what=what)
            transaction_id = members.text("transaction_id", max_chars=_MAX_ID)
        return cls(transaction_id=transaction_id, response_encryption=_read_encryption(members, encrypted=encrypted))

    def to_json(self) -> dict[str, Json]:
        """Write the body of a deferred credential request."""
        return without_absent(
            transaction_id=self.transaction_id,
            credential_response_encryption=self.response_encryption.to_json() if self.response_encryption else None,
        )


def parse_credential_response(data: bytes) -> CredentialResponse | DeferredResponse:
    """Read what a credential or deferred credential endpoint answers; unknown members are ignored (§8.3, §9.2).

    Raises:
        Malformed: it is neither, or both.
    """
    what = "credential response"
    members = Members(parse(data, what=what, max_bytes=MAX_RESPONSE_BYTES), what=what)
    if "transaction_id" not in members:
        given = members.array("credentials", _read_credential, max_items=_MAX_CREDENTIALS)
        texts = tuple(each for each in given if isinstance(each, str))
        documents = tuple(each for each in given if not isinstance(each, str))
        if texts and documents:
            raise Malformed(what, "some of its credentials are text and some are JSON objects")
        return CredentialResponse(
            credentials=texts,
            documents=documents,
            notification_id=members.optional_text("notification_id", max_chars=_MAX_ID),
        )
    if "credentials" in members:
        raise Malformed(what, "it holds credentials and also says to come back later")
    return DeferredResponse(
        transaction_id=members.text("transaction_id", max_chars=_MAX_ID),
        interval=members.integer("interval", minimum=1, maximum=_MAX_INTERVAL_S),
    )


def _read_encryption(members: Members, *, encrypted: bool) -> WantedEncryption | None:
    with refuse_as(InvalidEncryptionParameters):
        wanted = read_response_encryption(members)
    # §8.2: whoever changes a plaintext request on its way could put in a key of their own.
    if wanted is not None and not encrypted:
        raise InvalidEncryptionParameters("Who wants the response encrypted must encrypt the request too.")
    return wanted


def _read_credential(value: Json, what: str) -> str | dict[str, Json]:
    members = Members(value, what=what)
    credential = members.required("credential")
    if isinstance(credential, dict) and credential:
        return credential
    return members.text("credential", max_chars=_MAX_CREDENTIAL)


def _read_proofs(members: Members) -> tuple[ProofType, tuple[str, ...]]:
    with refuse_as(InvalidProof):
        if "proofs" not in members:
            return _read_older_proof(members.object("proof")) if "proof" in members else ("jwt", ())
        proofs = members.object("proofs")
        # §8.2: exactly one proof type. Another one beside ours would otherwise be ignored silently.
        if len(proofs.entries(max_items=_MAX_CREDENTIALS)) != 1:
            raise Malformed(proofs.what, "it must hold exactly one proof type")
        if "attestation" in proofs:
            # App. F: exactly one attestation, which may attest many keys.
            return "attestation", proofs.array("attestation", _read_proof, max_items=1)
        if "bbs2023_commitment" in proofs:
            return "bbs2023_commitment", proofs.array("bbs2023_commitment", _read_proof, max_items=1)
        return "jwt", proofs.array("jwt", _read_proof, max_items=MAX_PROOFS)


def _read_older_proof(proof: Members) -> tuple[ProofType, tuple[str, ...]]:
    """Drafts up to 14 sent one `proof` with its type beside it. It is as safe as `proofs` with one element."""
    if proof.text("proof_type", max_chars=64) != "jwt":
        raise Malformed(proof.what, "send `proofs` with an array of JWTs under `jwt`")
    return "jwt", (proof.text("jwt", max_chars=_MAX_PROOF),)


def _read_proof(value: Json, what: str) -> str:
    return check_text(value, what=what, max_chars=_MAX_PROOF)
