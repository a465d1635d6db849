"""The messages of OpenID4VCI 1.0 that the pre-authorized code flow needs."""

from credentials.protocols.openid4vci.configurations import (
    SD_JWT_VC,
    ClaimDescription,
    CredentialConfiguration,
    Display,
)
from credentials.protocols.openid4vci.credential import (
    MAX_PROOFS,
    CredentialRequest,
    CredentialResponse,
    DeferredIssuance,
    NonceResponse,
)
from credentials.protocols.openid4vci.metadata import (
    AuthorizationServerMetadata,
    IssuerMetadata,
    NoSuchConfiguration,
    WrongIssuerIdentifier,
    authorization_server_metadata_url,
    issuer_metadata_url,
)
from credentials.protocols.openid4vci.offers import (
    PRE_AUTHORIZED_CODE_GRANT,
    CredentialOffer,
    OfferReference,
    TxCode,
    parse_offer_link,
)
from credentials.protocols.openid4vci.proofs import Proof, build_proof_jwt, check_proof_jwt, check_proofs
from credentials.protocols.openid4vci.tokens import AuthorizedCredential, NotSenderBound, TokenRequest, TokenResponse

__all__ = [
    "MAX_PROOFS",
    "PRE_AUTHORIZED_CODE_GRANT",
    "SD_JWT_VC",
    "AuthorizationServerMetadata",
    "AuthorizedCredential",
    "ClaimDescription",
    "CredentialConfiguration",
    "CredentialOffer",
    "CredentialRequest",
    "CredentialResponse",
    "DeferredIssuance",
    "Display",
    "IssuerMetadata",
    "NoSuchConfiguration",
    "NonceResponse",
    "NotSenderBound",
    "OfferReference",
    "Proof",
    "TokenRequest",
    "TokenResponse",
    "TxCode",
    "WrongIssuerIdentifier",
    "authorization_server_metadata_url",
    "build_proof_jwt",
    "check_proof_jwt",
    "check_proofs",
    "issuer_metadata_url",
    "parse_offer_link",
]
