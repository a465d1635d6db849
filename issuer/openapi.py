"""What the co-op's endpoints take and say, for its OpenAPI."""

from typing import Any, Final

from credentials.protocols.catalogue import catalogue_path
from credentials.protocols.openid4vci import AUTHORIZATION_CODE_GRANT, PRE_AUTHORIZED_CODE_GRANT, REFRESH_TOKEN_GRANT
from credentials.status.token import MEDIA_TYPE as STATUS_LIST
from plumbing.web.openapi import FORM, JSON, Operation, form, members, text

_JWT: Final = "application/jwt"
_TEXT: Final[dict[str, Any]] = {"type": "string"}
_OBJECT: Final[dict[str, Any]] = {"type": "object"}
_CODE: Final = text(1024, "[!-~]")
_GRANTS: Final = {
    "oneOf": [
        form(
            "grant_type",
            "pre-authorized_code",
            grant_type={"const": PRE_AUTHORIZED_CODE_GRANT},
            tx_code=text(64),
            **{"pre-authorized_code": _CODE},
        ),
        form("grant_type", "refresh_token", grant_type={"const": REFRESH_TOKEN_GRANT}, refresh_token=_CODE),
        form(
            *("grant_type", "code", "code_verifier", "redirect_uri", "client_id"),
            grant_type={"const": AUTHORIZATION_CODE_GRANT},
            code=_CODE,
            code_verifier=text(128, "[A-Za-z0-9._~-]"),
            redirect_uri=text(2048, "[!-~]"),
            client_id=text(512, "[ -~]"),
        ),
    ]
}
_PUSHED: Final = form(
    *("response_type", "client_id", "redirect_uri", "code_challenge", "code_challenge_method"),
    response_type={"const": "code"},
    client_id=text(512, "[ -~]"),
    redirect_uri={"type": "string", "format": "uri"},
    code_challenge={"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
    code_challenge_method={"const": "S256"},
    state=text(512),
)
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
    "POST /par": _endpoint({201: {JSON: members("request_uri", "expires_in")}}, takes={FORM: _PUSHED}),
    "POST /token": _endpoint({200: {JSON: members("access_token", "token_type")}}, takes={FORM: _GRANTS}),
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
