"""Errors at the edge of a service: RFC 9457 problem documents for our own API, the exact OAuth bodies for protocols."""

from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from credentials.encoding import strict_json
from credentials.errors import HandstampError, OperatorError

PROBLEM_TYPE: Final = "application/problem+json"


def problem_response(status: int, *, code: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    """Build an RFC 9457 problem document whose `type` names the stable `code`."""
    body: dict[str, strict_json.Json] = {
        "type": f"urn:handstamp:error:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    return Response(
        strict_json.dump(body),
        status_code=status,
        media_type=PROBLEM_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def status_of(error: HandstampError, table: dict[type[HandstampError], int]) -> int:
    """Look up the HTTP status of an error: its own class first, then the nearest parent in `table`.

    An error that nobody listed is 500 when the operator must act, else 400.
    """
    for parent in type(error).__mro__:
        if parent in table:
            return table[parent]
    return HTTPStatus.INTERNAL_SERVER_ERROR if isinstance(error, OperatorError) else HTTPStatus.BAD_REQUEST
