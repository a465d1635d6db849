"""What a service's OpenAPI says: the answers as they are, for routes whose bodies the framework does not see.

Our routes parse and answer by themselves (exact bytes, caps, duplicates refused), so FastAPI would tell of each that it
answers 200 in JSON, or 422, which none does. Each service has one closed table from operation to what it takes and
answers; what every operation may say besides (malformed, too large, too often, too busy) is added here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from plumbing.problems import PROBLEM_TYPE

HTML: Final = "text/html"
JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
_ANYWHERE: Final = (400, 404, 413, 429, 500, 503)
_WAITING: Final = frozenset({429, 503})
_TEXT: Final[dict[str, Any]] = {"type": "string"}
_WORDS: Final[dict[int, str]] = {
    400: "It cannot be read, or is refused",
    401: "Nobody is known by what was shown",
    403: "Not for whoever asks",
    404: "There is nothing",
    406: "Not in a form that was asked for",
    409: "It was done already, or cannot be done now",
    410: "It is over",
    413: "It is too large",
    416: "There are no such bytes",
    422: "It was understood, and gives nothing",
    429: "Too often",
    500: "Our fault",
    501: "Not told",
    502: "Somebody else did not answer",
    503: "Not now",
}
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": _TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": _TEXT,
        "code": {"type": "string", "pattern": "^[a-z0-9_]+$"},
    },
}
_OAUTH: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["error", "error_description"],
    "properties": {"error": _TEXT, "error_description": _TEXT, "code": _TEXT},
}


def members(*required: str, **optional: dict[str, Any]) -> dict[str, Any]:
    """Describe an object by the names of the members that it always has; `optional` describes any of them closer."""
    return {"type": "object", "required": list(required), "properties": {each: {} for each in required} | optional}


def text(max_chars: int, pattern: str = "[ -~\u00a1-\u024f]") -> dict[str, Any]:
    """Describe a text of so many characters, each of which fits `pattern`: what fits this can always be read."""
    return {"type": "string", "pattern": f"^{pattern}{{1,{max_chars}}}$"}


def form(*required: str, **fields: dict[str, Any]) -> dict[str, Any]:
    """Describe a form by its fields; others may stand beside them and say nothing (RFC 6749 §3.1)."""
    return {
        "type": "object",
        "required": list(required),
        "properties": fields,
        "additionalProperties": text(64),
        "propertyNames": text(32, "[a-z_-]"),
        "maxProperties": 16,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What one operation takes and says.

    Attributes:
        answers: by status, the media types of what it says (with the schema of what is JSON); empty where there is no
            body, or not always one.
        refuses: further statuses of refusals, beside those that every operation has.
        takes: the media types of its body, each with a schema.
        may_be_empty: whether a body may also be left away.
        oauth: whether its refusals have OAuth's body.
        problem: the schema of a refusal where it is another than ours.
    """

    answers: Mapping[int, Mapping[str, dict[str, Any]]]
    refuses: tuple[int, ...] = ()
    takes: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    may_be_empty: bool = False
    oauth: bool = False
    problem: dict[str, Any] = field(default_factory=lambda: _PROBLEM)


def describe_operations(app: FastAPI, operations: Mapping[str, Operation]) -> None:
    """Let an application's OpenAPI say what `operations` says, by `METHOD /path`.

    Raises:
        KeyError: an operation has no row, when the document is first asked for.
    """
    known = {"GET /health": Operation(answers={200: {JSON: members("status")}}), **operations}

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, routes=app.routes)
            for path, item in made["paths"].items():
                for method, found in item.items():
                    _describe(found, known[f"{method.upper()} {path}"])
            made.pop("components", None)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way that FastAPI names for it


def _describe(found: dict[str, Any], operation: Operation) -> None:
    refusal = {PROBLEM_TYPE: {"schema": operation.problem}, HTML: {"schema": _TEXT}}
    if operation.oauth:
        refusal[JSON] = {"schema": _OAUTH}
    responses: dict[str, Any] = {
        str(status): {"description": _WORDS[status], "content": refusal}
        for status in sorted({*_ANYWHERE, *operation.refuses})
    }
    for status in _WAITING:
        responses[str(status)] = {**responses[str(status)], "headers": {"Retry-After": {"schema": _TEXT}}}
    for status, types in operation.answers.items():
        content = {media_type: {"schema": schema} for media_type, schema in types.items()}
        known = responses.get(str(status), {"description": "As asked", "content": {}})
        # Where an answer may also have no body, nothing that is true can be said of its media type.
        responses[str(status)] = {**known, "content": {**known["content"], **content} if content else {}}
    found["responses"] = responses
    if operation.takes:
        found["requestBody"] = {
            "required": not operation.may_be_empty,
            "content": {each: {"schema": schema} for each, schema in operation.takes.items()},
        }
