"""The messages of OpenID4VCI 1.0 as our profile has them, both sides of each."""

from credentials.protocols.openid4vci.attestations import KeyAttestation, build_key_attestation, check_key_attestation
from credentials.protocols.openid4vci.authorization import (
    PushedRequest,
    PushedResponse,
    build_authorization_response,
    make_code_challenge,
)
from credentials.protocols.openid4vci.authorization_server import (
    AuthorizationServerMetadata,
    authorization_server_metadata_url,
)
from credentials.protocols.openid4vci.commitments import (
    CommitmentProof,
    build_commitment_jwt,
    check_commitment_jwt,
    check_request_commitment,
)
from credentials.protocols.openid4vci.configurations import (
    ClaimDescription,
    CredentialConfiguration,
    Display,
)
from credentials.protocols.openid4vci.credential import (
    MAX_PROOFS,
    CredentialRequest,
    CredentialResponse,
    DeferredCredentialRequest,
    DeferredIssuance,
    DeferredResponse,
    NonceResponse,
    parse_credential_response,
)
from credentials.protocols.openid4vci.details import AuthorizedCredential
from credentials.protocols.openid4vci.encryption import EncryptionOffer, WantedEncryption, seal, unseal
from credentials.protocols.openid4vci.forms import DOOR_PASS, LDP_VC, SD_JWT_VC, Form, split_name
from credentials.protocols.openid4vci.metadata import (
    IssuerMetadata,
    NoSuchConfiguration,
    WrongIssuerIdentifier,
    issuer_metadata_url,
)
from credentials.protocols.openid4vci.notifications import Notification, NotificationEvent
from credentials.protocols.openid4vci.offers import (
    AUTHORIZATION_CODE_GRANT,
    PRE_AUTHORIZED_CODE_GRANT,
    CredentialOffer,
    OfferReference,
    TxCode,
    parse_offer_link,
)
from credentials.protocols.openid4vci.proofs import (
    AttestationRules,
    Proof,
    build_proof_jwt,
    check_proof_jwt,
    check_proofs,
    check_request_proofs,
)
from credentials.protocols.openid4vci.signed_metadata import parse_signed_metadata, sign_metadata
from credentials.protocols.openid4vci.tokens import (
    REFRESH_TOKEN_GRANT,
    CodeRequest,
    NotSenderBound,
    RefreshRequest,
    TokenRequest,
    TokenResponse,
    parse_token_request,
)

__all__ = [
    "AUTHORIZATION_CODE_GRANT",
    "DOOR_PASS",
    "LDP_VC",
    "MAX_PROOFS",
    "PRE_AUTHORIZED_CODE_GRANT",
    "REFRESH_TOKEN_GRANT",
    "SD_JWT_VC",
    "AttestationRules",
    "AuthorizationServerMetadata",
    "AuthorizedCredential",
    "ClaimDescription",
    "CodeRequest",
    "CommitmentProof",
    "CredentialConfiguration",
    "CredentialOffer",
    "CredentialRequest",
    "CredentialResponse",
    "DeferredCredentialRequest",
    "DeferredIssuance",
    "DeferredResponse",
    "Display",
    "EncryptionOffer",
    "Form",
    "IssuerMetadata",
    "KeyAttestation",
    "NoSuchConfiguration",
    "NonceResponse",
    "NotSenderBound",
    "Notification",
    "NotificationEvent",
    "OfferReference",
    "Proof",
    "PushedRequest",
    "PushedResponse",
    "RefreshRequest",
    "TokenRequest",
    "TokenResponse",
    "TxCode",
    "WantedEncryption",
    "WrongIssuerIdentifier",
    "authorization_server_metadata_url",
    "build_authorization_response",
    "build_commitment_jwt",
    "build_key_attestation",
    "build_proof_jwt",
    "check_commitment_jwt",
    "check_key_attestation",
    "check_proof_jwt",
    "check_proofs",
    "check_request_commitment",
    "check_request_proofs",
    "issuer_metadata_url",
    "make_code_challenge",
    "parse_credential_response",
    "parse_offer_link",
    "parse_signed_metadata",
    "parse_token_request",
    "seal",
    "sign_metadata",
    "split_name",
    "unseal",
]
