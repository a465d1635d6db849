"""What the conformance service's endpoints take and say, for its OpenAPI."""

from typing import Any, Final

from credentials.dids.resolution import RESULT_TYPE
from plumbing.web.openapi import JSON, Operation, members, text

_OBJECT: Final[dict[str, Any]] = {"type": "object"}
_TEXT: Final[dict[str, Any]] = {"type": "string"}
# Its refusals name the problem types of W3C, and hold what was found beside them.
_PROBLEM: Final = members("type", "title", "status", status={"type": "integer"}, type=_TEXT)
_CREDENTIAL: Final = "application/vc"
_LIST: Final = {200: {JSON: _OBJECT, _CREDENTIAL: _OBJECT}}


def _takes(*required: str) -> dict[str, dict[str, Any]]:
    return {JSON: members(*required, options=_OBJECT, **dict.fromkeys(required, _OBJECT))}


def _operation(answers: dict[int, dict[str, dict[str, Any]]], *required: str) -> Operation:
    return Operation(answers=answers, takes=_takes(*required) if required else {}, problem=_PROBLEM)


_VERIFIED: Final = {200: {JSON: members("verified", verified={"type": "boolean"})}}
_ISSUED: Final = {201: {JSON: members("verifiableCredential")}}
_RESULT: Final = {RESULT_TYPE.partition(";")[0]: _OBJECT}
_RESOLVED: Final = dict.fromkeys((200, 400, 404, 406, 410, 500, 501), _RESULT)
OPERATIONS: Final = {
    "GET /": _operation({200: {JSON: _OBJECT}}),
    "GET /1.0/identifiers/{did}": Operation(answers=_RESOLVED, problem=_PROBLEM),
    "POST /{name}/credentials/issue": _operation(_ISSUED, "credential"),
    "POST /{name}/credentials/derive": _operation(_ISSUED, "verifiableCredential"),
    "POST /{name}/presentations/create": _operation({201: {JSON: members("verifiablePresentation")}}, "presentation"),
    "POST /credentials/verify": _operation(_VERIFIED, "verifiableCredential"),
    "POST /presentations/verify": _operation(_VERIFIED, "verifiablePresentation"),
    "POST /{name}/credentials/verify": _operation(_VERIFIED, "verifiableCredential"),
    "POST /{name}/presentations/verify": _operation(_VERIFIED, "verifiablePresentation"),
    "POST /{name}/credentials/status": Operation(
        answers={200: {JSON: _OBJECT}}, takes={JSON: members("credentialId", credentialId=_TEXT)}, problem=_PROBLEM
    ),
    "POST /{name}/status-lists": Operation(
        answers={201: {JSON: members("id", "verifiableCredential")}},
        takes={
            JSON: members("statusPurpose", statusPurpose=text(100), options=_OBJECT) | {"additionalProperties": False}
        },
        problem=_PROBLEM,
    ),
    "GET /{name}/status-lists/{list_id}": _operation(_LIST),
    "POST /{name}/status-lists/{list_id}/publish": _operation({204: {}}),
}
"""Every operation that stands in the OpenAPI."""
