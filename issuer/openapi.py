"""What the co-op's endpoints take and say, for its OpenAPI."""

from typing import Any, Final

from credentials.protocols.catalogue import catalogue_path
from credentials.status.token import MEDIA_TYPE as STATUS_LIST
from plumbing.web.openapi import FORM, JSON, Operation, members

_JWT: Final = "application/jwt"
_TEXT: Final[dict[str, Any]] = {"type": "string"}
_OBJECT: Final[dict[str, Any]] = {"type": "object"}
_TEXTS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": _TEXT}
_DOCUMENT: Final = Operation(answers={200: {JSON: _OBJECT}, 304: {}})
_PROTECTED: Final = (401, 403)


def _endpoint(
    answers: dict[int, dict[str, dict[str, Any]]], *, takes: dict[str, dict[str, Any]] | None = None
) -> Operation:
    return Operation(answers={**answers, 401: {}}, refuses=_PROTECTED, takes=takes or {}, oauth=True)


_CREDENTIALS: Final = {
    200: {JSON: members("credentials"), _JWT: _TEXT},
    202: {JSON: members("transaction_id", "interval"), _JWT: _TEXT},
}
_JSON_OR_SEALED: Final = {JSON: _OBJECT, _JWT: _TEXT}
OPERATIONS: Final = {
    "GET /.well-known/oauth-authorization-server": _DOCUMENT,
    "GET /.well-known/jwt-vc-issuer": _DOCUMENT,
    "GET /.well-known/did.json": _DOCUMENT,
    "GET /.well-known/openid-credential-issuer": Operation(
        answers={200: {JSON: members("credential_issuer", "credential_endpoint"), _JWT: _TEXT}, 304: {}}
    ),
    "GET /offers/{offer_id}": Operation(
        answers={200: {JSON: members("credential_issuer", "credential_configuration_ids", "grants")}}, refuses=(410,)
    ),
    "POST /par": _endpoint({201: {JSON: members("request_uri", "expires_in")}}, takes={FORM: _TEXTS}),
    "POST /token": _endpoint({200: {JSON: members("access_token", "token_type")}}, takes={FORM: _TEXTS}),
    "POST /nonce": _endpoint({200: {JSON: members("c_nonce", c_nonce=_TEXT)}}),
    "POST /credential": _endpoint(_CREDENTIALS, takes=_JSON_OR_SEALED),
    "POST /deferred_credential": _endpoint(_CREDENTIALS, takes=_JSON_OR_SEALED),
    "POST /notification": _endpoint({204: {}}, takes={JSON: members("notification_id", "event")}),
    "GET /statuslists": Operation(answers={200: {JSON: members("status_lists")}, 304: {}}),
    "GET /statuslists/{list_id}": Operation(
        answers={200: {STATUS_LIST: _TEXT, "application/vc": _OBJECT}, 304: {}}, refuses=(501,)
    ),
    f"GET {catalogue_path('{release_id}')}": _DOCUMENT,
}
"""Every operation that stands in the OpenAPI; pages do not."""
