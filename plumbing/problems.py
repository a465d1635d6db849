"""Errors at the edge of a service: RFC 9457 problem documents for our own API, the exact OAuth bodies for protocols."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from credentials.encoding import strict_json
from credentials.errors import HandstampError, OperatorError
from plumbing.logs import current_request_id

PROBLEM_TYPE: Final = "application/problem+json"
_REFUSED: Final = "handstamp.refusal"


class Refusal(Response):
    """An answer that says no: it leaves the stable code of why where the log and the metrics find it."""

    def __init__(
        self, content: bytes, *, code: str, status_code: int, media_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(content, status_code=status_code, media_type=media_type, headers=headers)
        self.code = code

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        note_refusal(scope, self.code)
        await super().__call__(scope, receive, send)


def note_refusal(scope: Scope, code: str) -> None:
    """Note that a request was refused, where the answer itself is no `Refusal`: a page in words."""
    scope[_REFUSED] = code


def refusal_of(scope: Scope) -> str | None:
    """Return the code of why a request was refused; None if it was not."""
    code: str | None = scope.get(_REFUSED)
    return code


def problem_response(status: int, *, code: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    """Build an RFC 9457 problem document whose `type` names the stable `code`."""
    return Refusal(
        strict_json.dump(problem_members(status, code=code, detail=detail)),
        code=code,
        status_code=status,
        media_type=PROBLEM_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def problem_members(status: int, *, code: str, detail: str) -> dict[str, strict_json.Json]:
    """Return the members of a problem document; `instance` is the request's id, to be told to whoever runs this."""
    request_id = current_request_id()
    instance: dict[str, strict_json.Json] = (
        {} if request_id is None else {"instance": f"urn:handstamp:request:{request_id}"}
    )
    return {
        "type": f"urn:handstamp:error:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **instance,
    }


def status_of(error: HandstampError, table: dict[type[HandstampError], int]) -> int:
    """Look up the HTTP status of an error: its own class first, then the nearest parent in `table`.

    An error that nobody listed is 500 when the operator must act, else 400.
    """
    for parent in type(error).__mro__:
        if parent in table:
            return table[parent]
    return HTTPStatus.INTERNAL_SERVER_ERROR if isinstance(error, OperatorError) else HTTPStatus.BAD_REQUEST
