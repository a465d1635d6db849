"""OAuth's errors (RFC 6749 §5.2, RFC 6750 §3.1, RFC 9449 §5 and §7.1, OpenID4VCI 1.0 §6.3 and §8.3.1) and its forms.

An `OAuthError` carries what the standards prescribe: the exact `error`, a `description` in the allowed characters and
the HTTP status. `api.py` answers with `body()` and needs no table of its own.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Final
from urllib.parse import unquote_to_bytes, urlencode

from credentials.encoding.strict_json import parse
from credentials.errors import HandstampError, Malformed
from credentials.keys.jws import ACCEPTED_ALGORITHMS
from credentials.protocols.members import Members

MAX_FORM_BYTES: Final = 65536
_MAX_FIELDS: Final = 32
_MAX_DESCRIPTION: Final = 500
# RFC 9449 §7.1: every algorithm that a DPoP proof may be signed with, in the order in which the metadata names them.
_DPOP_ALGORITHMS: Final = " ".join(sorted(ACCEPTED_ALGORITHMS))
DPOP_CHALLENGE: Final = f'DPoP algs="{_DPOP_ALGORITHMS}"'
"""For who sends no token at all: how to, and nothing else (RFC 6750 §3.1)."""
_ERROR_CODE: Final = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]{1,100}")


class OAuthError(HandstampError):
    """A refusal that a protocol names.

    Attributes:
        error: OAuth's code, exactly as it goes over the wire.
        status: the HTTP status that belongs to it.
        scheme: how the request was authorized, so that the challenge of a 401 names the same.
    """

    code: ClassVar[str] = "oauth_error"
    error: str = "invalid_request"
    status: int = 400
    scheme: str = "DPoP"

    def __init__(self, detail: str, *, status: int | None = None) -> None:
        """`detail` is for people; `status` differs from the class's only where a standard says so."""
        super().__init__(detail)
        if status is not None:
            self.status = status

    @property
    def description(self) -> str:
        """The detail in the characters that `error_description` may hold (RFC 6749 §5.2)."""
        plain = self.detail.replace('"', "'").replace("`", "'").replace("\\", "/")
        return "".join(c if " " <= c <= "~" else "?" for c in plain)[:_MAX_DESCRIPTION]

    def body(self) -> dict[str, str]:
        """The JSON members of the error response."""
        return {"error": self.error, "error_description": self.description}

    def challenge(self) -> str:
        """The value of `WWW-Authenticate` for a protected resource (RFC 9449 §7.1, RFC 6750 §3)."""
        if self.scheme == "Bearer":
            return f'Bearer error="{self.error}", error_description="{self.description}"'
        return f'DPoP error="{self.error}", error_description="{self.description}", algs="{_DPOP_ALGORITHMS}"'


class InvalidRequest(OAuthError):
    """A parameter is missing, repeated or malformed."""

    code = error = "invalid_request"


class InvalidGrant(OAuthError):
    """The code, or the transaction code, is wrong, expired or used."""

    code = error = "invalid_grant"


class TemporarilyUnavailable(OAuthError):
    """A refusal that lies with the moment and not with the request (named as in RFC 6749 §4.1.2.1).

    Attributes:
        retry_after_s: after how many seconds to ask again.
    """

    code = error = "temporarily_unavailable"
    status = 429

    def __init__(self, detail: str, *, retry_after_s: int, status: int | None = None) -> None:
        super().__init__(detail, status=status)
        self.retry_after_s = retry_after_s


class InvalidClient(OAuthError):
    """The client is unknown or may not do this anonymously."""

    code = error = "invalid_client"
    status = 401


class UnauthorizedClient(OAuthError):
    """The client may not use this grant type."""

    code = error = "unauthorized_client"


class UnsupportedGrantType(OAuthError):
    """The grant type is not one that the server has."""

    code = error = "unsupported_grant_type"


class UnsupportedResponseType(OAuthError):
    """The response type is not one that the server has (RFC 6749 §4.1.2.1)."""

    code = error = "unsupported_response_type"


class InvalidScope(OAuthError):
    """The scope is unknown or exceeds what was granted."""

    code = error = "invalid_scope"


class InvalidAuthorizationDetails(OAuthError):
    """The authorization details cannot be used (RFC 9396 §5)."""

    code = error = "invalid_authorization_details"


class InvalidToken(OAuthError):
    """The access token is unknown, expired, revoked or bound to another key."""

    code = error = "invalid_token"
    status = 401


class InsufficientScope(OAuthError):
    """The access token does not reach that far."""

    code = error = "insufficient_scope"
    status = 403


class InvalidDpopProof(OAuthError):
    """The DPoP proof fails one of the checks of RFC 9449 §4.3."""

    code = error = "invalid_dpop_proof"


class UseDpopNonce(OAuthError):
    """The server wants its nonce in the DPoP proof (RFC 9449 §8)."""

    code = error = "use_dpop_nonce"


class InvalidCredentialRequest(OAuthError):
    """The credential request is malformed (OpenID4VCI 1.0 §8.3.1.2)."""

    code = error = "invalid_credential_request"


class UnknownCredentialConfiguration(OAuthError):
    """No such credential configuration here."""

    code = error = "unknown_credential_configuration"


class UnknownCredentialIdentifier(OAuthError):
    """No such credential identifier under this access token."""

    code = error = "unknown_credential_identifier"


class InvalidProof(OAuthError):
    """A key proof is missing or wrong."""

    code = error = "invalid_proof"


class InvalidNonce(OAuthError):
    """The `c_nonce` in a key proof is unknown, expired or used; fetch a new one and try again."""

    code = error = "invalid_nonce"


class InvalidEncryptionParameters(OAuthError):
    """The encryption that was asked for cannot be given."""

    code = error = "invalid_encryption_parameters"


class InvalidTransactionId(OAuthError):
    """No deferred issuance goes by this `transaction_id`, or it was fetched already (OpenID4VCI 1.0 §9.3)."""

    code = error = "invalid_transaction_id"


class InvalidNotificationId(OAuthError):
    """No credential response went by this `notification_id` (OpenID4VCI 1.0 §11.3)."""

    code = error = "invalid_notification_id"


class InvalidNotificationRequest(OAuthError):
    """The notification request is malformed (OpenID4VCI 1.0 §11.3)."""

    code = error = "invalid_notification_request"


class CredentialRequestDenied(OAuthError):
    """The issuer will not issue this credential; trying again does not help."""

    code = error = "credential_request_denied"


class AccessDenied(OAuthError):
    """The holder did not consent, or has nothing that matches (OpenID4VP 1.0 §8.5)."""

    code = error = "access_denied"
    status = 403


class ServerError(OAuthError):
    """Something broke on the other side."""

    code = error = "server_error"
    status = 500


class UnknownOAuthError(OAuthError):
    """The other party refused with a code that we do not know."""

    code = "unknown_oauth_error"

    def __init__(self, detail: str, *, error: str, status: int | None = None) -> None:
        """`error` is the code as it came."""
        super().__init__(detail, status=status)
        self.error = error


_KNOWN: Final[dict[str, type[OAuthError]]] = {
    kind.error: kind
    for kind in (
        InvalidRequest,
        InvalidGrant,
        InvalidClient,
        UnauthorizedClient,
        UnsupportedGrantType,
        UnsupportedResponseType,
        InvalidScope,
        InvalidAuthorizationDetails,
        InvalidToken,
        InsufficientScope,
        InvalidDpopProof,
        UseDpopNonce,
        InvalidCredentialRequest,
        UnknownCredentialConfiguration,
        UnknownCredentialIdentifier,
        InvalidProof,
        InvalidNonce,
        InvalidEncryptionParameters,
        InvalidTransactionId,
        InvalidNotificationId,
        InvalidNotificationRequest,
        CredentialRequestDenied,
        AccessDenied,
        ServerError,
    )
}


@contextmanager
def refuse_as(kind: type[OAuthError], *, status: int | None = None) -> Iterator[None]:
    """Turn whatever the kernel refuses inside into the OAuth error that the protocol names for it, with its status."""
    try:
        yield
    except OAuthError as refusal:
        if status is not None and isinstance(refusal, kind):
            refusal.status = status
        raise
    except HandstampError as refusal:
        raise kind(refusal.detail, status=status) from refusal


def parse_error(data: bytes, *, status: int) -> OAuthError:
    """Read the error response that another party sent; the caller raises what comes back.

    Raises:
        Malformed: the body is no OAuth error response.
    """
    what = "error response"
    members = Members(parse(data, what=what), what=what)
    error = members.text("error", pattern=_ERROR_CODE)
    described = members.get("error_description")
    said = described[:_MAX_DESCRIPTION] if isinstance(described, str) and described else "no reason given"
    detail = f"Refused by the other party ({error}): {''.join(c if c.isprintable() else ' ' for c in said)}"
    kind = _KNOWN.get(error)
    return UnknownOAuthError(detail, error=error, status=status) if kind is None else kind(detail, status=status)


def parse_form(data: bytes, *, max_bytes: int = MAX_FORM_BYTES, what: str = "form") -> dict[str, str]:
    """Read `application/x-www-form-urlencoded`; a parameter without a value counts as absent (RFC 6749 §3.2).

    Raises:
        Malformed: too large, too many fields, a repeated field, not UTF-8, or broken escapes.
    """
    if len(data) > max_bytes:
        raise Malformed(what, f"it is larger than {max_bytes} bytes")
    pairs = data.split(b"&") if data else []
    if len(pairs) > _MAX_FIELDS:
        raise Malformed(what, f"it has more than {_MAX_FIELDS} fields")
    fields: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition(b"=")
        key = _decode_field(name, what=what)
        # RFC 6749 §3.1, §3.2: a repeated parameter is refused, for two readers could pick different ones.
        if key in fields:
            raise Malformed(what, "a field appears twice")
        fields[key] = _decode_field(value, what=what)
    return {key: value for key, value in fields.items() if key and value}


def build_form(fields: dict[str, str]) -> bytes:
    """Write `application/x-www-form-urlencoded`."""
    return urlencode(fields).encode("ascii")


def _decode_field(data: bytes, *, what: str) -> str:
    if re.search(rb"%(?![0-9A-Fa-f]{2})", data):
        raise Malformed(what, "it has a broken percent escape")
    try:
        text = unquote_to_bytes(data.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(what, "it is not UTF-8") from error
    if "\x00" in text:
        raise Malformed(what, "it contains a null character")
    return text
