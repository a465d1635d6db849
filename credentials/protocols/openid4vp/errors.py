"""Why a wallet refuses an authorization request. Each carries the `error` that OpenID4VP 1.0 §8.5 names for it."""

from typing import ClassVar

from credentials.protocols.members import shown
from credentials.protocols.oauth import OAuthError


class RequestRefused(OAuthError):
    """The request is one that this wallet does not answer; whoever runs the verifier must mend it."""

    code: ClassVar[str] = "request_refused"
    error = "invalid_request"


class MissingClientIdPrefix(RequestRefused):
    """A client identifier without a prefix means a client known beforehand (§5.9.2), and we know none."""

    code = "missing_client_id_prefix"

    def __init__(self, client_id: str) -> None:
        """`client_id` as it came."""
        super().__init__(
            f"The client_id {shown(client_id)} has no prefix. It must be 'x509_san_dns:' and the verifier's host."
        )


class UnsupportedClientIdPrefix(RequestRefused):
    """A prefix of the standard, or of somebody else, that this wallet cannot check."""

    code = "unsupported_client_id_prefix"

    def __init__(self, prefix: str) -> None:
        """`prefix` as it came."""
        super().__init__(f"The client_id prefix {shown(prefix)} is not supported; only 'x509_san_dns' is.")


class WrongClientId(RequestRefused):
    """The request object speaks for another client than the link that led to it (RFC 9101 §5)."""

    code = "wrong_client_id"

    def __init__(self) -> None:
        super().__init__("The signed request names another client_id than the link that led to it.")


class ForeignResponseUri(RequestRefused):
    """The answer would go to another host than the one that the certificate is for (§5.9.3)."""

    code = "foreign_response_uri"

    def __init__(self) -> None:
        super().__init__("The request wants the answer at another host than the one that signed it.")


class UnsupportedResponse(RequestRefused):
    """An answer of a type, or by a way, that this wallet does not have."""

    code = "unsupported_response"

    def __init__(self, name: str, value: str, wanted: str) -> None:
        """`name` of the parameter, its `value`, and the one that is supported."""
        super().__init__(f"The {name} {shown(value)} is not supported; only '{wanted}' is.")


class UnsignedRequest(RequestRefused):
    """The request came in the link itself, signed by nobody, or as a value too large for a code."""

    code = "unsigned_request"

    def __init__(self) -> None:
        super().__init__(
            "The link must lead to a signed request by request_uri; requests in the link are not supported."
        )


class InvalidRequestUriMethod(RequestRefused):
    """Neither `get` nor `post` (§5.10)."""

    code = error = "invalid_request_uri_method"

    def __init__(self) -> None:
        super().__init__("The request_uri_method must be 'get' or 'post'.")


class TransactionDataRefused(RequestRefused):
    """A transaction to be authorised, which this wallet has no type for; the standard demands to refuse (§8.4)."""

    code = error = "invalid_transaction_data"

    def __init__(self) -> None:
        super().__init__("The request wants a transaction authorised (transaction_data), which is not supported.")


class FormatsNotSupported(RequestRefused):
    """The verifier cannot read what this wallet writes."""

    code = error = "vp_formats_not_supported"

    def __init__(self) -> None:
        super().__init__("The verifier does not accept SD-JWT VCs (dc+sd-jwt) signed with ES256.")


class RequestExpired(RequestRefused):
    """Used too late."""

    code = "request_expired"

    def __init__(self) -> None:
        super().__init__("The request has expired. Go back to the page and start again.")


class RequestNotYetValid(RequestRefused):
    """Dated in the future."""

    code = "request_not_yet_valid"

    def __init__(self) -> None:
        super().__init__("The request is dated in the future. Check the clock of this device, or of the verifier.")


class WrongRequestAudience(RequestRefused):
    """Made for one certain wallet that is not this (§5.8)."""

    code = "wrong_request_audience"

    def __init__(self) -> None:
        super().__init__("The request was made for another wallet.")
