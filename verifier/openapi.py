"""What a site's endpoints take and say, for its OpenAPI."""

from typing import Any, Final

from credentials.door_pass.showing import MAX_CHARACTERS
from credentials.door_pass.values import MAX_DEVICE_BYTES
from credentials.protocols.openid4vp import REQUEST_TYPE
from plumbing.web.openapi import FORM, HTML, JSON, Operation, form, members, text

_TEXT: Final[dict[str, Any]] = {"type": "string"}
_VISITOR: Final = (403, 409, 410)
_PAGE: Final = {HTML: _TEXT}
_VERDICT: Final = members("verdict", verdict={"enum": ["green", "yellow", "red"]})
_SVG: Final = "image/svg+xml"
_KEY: Final = text(64, "[A-Za-z0-9_-]")
_REFUSAL: Final = text(100, r"[ !#-\[\]-~]")
_CODE: Final = form("csrf", "code", csrf=_KEY, code=text(16, "[0-9 ]"))
OPERATIONS: Final = {
    "GET /requests/{request_id}": Operation(answers={200: {REQUEST_TYPE: _TEXT}}, refuses=(409, 410)),
    "POST /requests/{request_id}": Operation(
        answers={200: {REQUEST_TYPE: _TEXT}},
        refuses=(409, 410),
        takes={FORM: form(wallet_nonce=text(512, "[A-Za-z0-9._~+/=-]"))},
        oauth=True,
    ),
    "POST /responses/{request_id}": Operation(
        answers={200: {JSON: members(redirect_uri=_TEXT)}},
        refuses=(403, 409, 410),
        takes={FORM: {"anyOf": [form("vp_token", "state"), form("error", "state", error=_REFUSAL), form("response")]}},
        oauth=True,
    ),
    "GET /.well-known/jwks.json": Operation(answers={200: {"application/jwk-set+json": members("keys")}}),
    "GET /.well-known/did.json": Operation(answers={200: {"application/did+json": members("id")}}),
    "GET /gates/{gate_id}": Operation(answers={200: _PAGE}, refuses=(410,)),
    "GET /gates/{gate_id}/cover": Operation(
        answers={200: {"image/png": _TEXT, "image/jpeg": _TEXT, "image/webp": _TEXT}}
    ),
    "POST /gates/{gate_id}/visits": Operation(
        answers={201: {JSON: members("visit", "same_device", "cross_device", "expires_in", "opens")}, 303: {}},
        refuses=(403, 410),
        takes={FORM: form(terms={"const": "on"})},
        may_be_empty=True,
    ),
    "GET /visits/{visit_id}": Operation(answers={200: _PAGE}, refuses=_VISITOR),
    "GET /visits/{visit_id}/qr.svg": Operation(answers={200: {_SVG: _TEXT}}, refuses=_VISITOR),
    "GET /visits/{visit_id}/events": Operation(answers={200: {"text/event-stream": _TEXT}}, refuses=_VISITOR),
    "GET /return": Operation(answers={200: {JSON: members("visit", visit=_TEXT)}, 303: {}}, refuses=_VISITOR),
    "POST /visits/{visit_id}/code": Operation(answers={303: {}}, refuses=_VISITOR, takes={FORM: _CODE}),
    "GET /codes/{page}": Operation(answers={200: {JSON: members("code", code=_TEXT), **_PAGE}}),
    "POST /visits/{visit_id}/grant": Operation(
        answers={200: {JSON: members("grant", "trackserver")}, 303: {}},
        refuses=(401, *_VISITOR, 502),
        takes={FORM: form(csrf=_KEY)},
        may_be_empty=True,
        oauth=True,
    ),
    "POST /gates/{gate_id}/passes": Operation(
        answers={200: {JSON: _VERDICT}, 403: {JSON: _VERDICT}, 409: {JSON: _VERDICT}},
        refuses=(401, 403, 409, 410),
        takes={
            JSON: members("pass", **{"pass": text(MAX_CHARACTERS, "[!-~]"), "device": text(MAX_DEVICE_BYTES, "[ -~]")})
        },
    ),
}
"""Every operation that stands in the OpenAPI."""
