"""The messages of OpenID4VP 1.0 that signed requests and `direct_post` need."""

from credentials.protocols.openid4vp.errors import (
    ForeignResponseUri,
    FormatsNotSupported,
    InvalidRequestUriMethod,
    MissingClientIdPrefix,
    RequestExpired,
    RequestNotYetValid,
    RequestRefused,
    TransactionDataRefused,
    UnsignedRequest,
    UnsupportedClientIdPrefix,
    UnsupportedResponse,
    WrongClientId,
    WrongRequestAudience,
)
from credentials.protocols.openid4vp.links import (
    RequestReference,
    build_client_id,
    build_request_link,
    parse_request_link,
    read_host,
)
from credentials.protocols.openid4vp.requests import (
    AuthorizationRequest,
    ClientMetadata,
    build_request_object,
    verify_request_object,
)
from credentials.protocols.openid4vp.responses import (
    AuthorizationResponse,
    DirectPostResult,
    EncryptedResponse,
    ErrorResponse,
    VpTokenNotArrays,
    parse_response_form,
)

__all__ = [
    "AuthorizationRequest",
    "AuthorizationResponse",
    "ClientMetadata",
    "DirectPostResult",
    "EncryptedResponse",
    "ErrorResponse",
    "ForeignResponseUri",
    "FormatsNotSupported",
    "InvalidRequestUriMethod",
    "MissingClientIdPrefix",
    "RequestExpired",
    "RequestNotYetValid",
    "RequestReference",
    "RequestRefused",
    "TransactionDataRefused",
    "UnsignedRequest",
    "UnsupportedClientIdPrefix",
    "UnsupportedResponse",
    "VpTokenNotArrays",
    "WrongClientId",
    "WrongRequestAudience",
    "build_client_id",
    "build_request_link",
    "build_request_object",
    "parse_request_link",
    "parse_response_form",
    "read_host",
    "verify_request_object",
]
