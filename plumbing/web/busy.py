"""What is said to who comes too often, or while too much happens: the same refusal in the format of whoever asks."""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from starlette.requests import Request
from starlette.responses import Response

from credentials.errors import HolderError
from credentials.protocols.oauth import OAuthError, TemporarilyUnavailable
from plumbing.database_errors import DatabaseUnavailable
from plumbing.problems import Refusal

_OVERLOAD_WAIT_S: Final = 2
_DATABASE_WAIT_S: Final = 5
_MAX_KEPT: Final = 64


class AskedTooOften(HolderError):
    """One bucket of addresses asked more often than is answered within a minute."""

    code = "asked_too_often"

    def __init__(self, wait_s: int) -> None:
        super().__init__(
            f"You, or others who share your connection, asked too often. Nothing was changed; ask again in {wait_s} s."
        )


class Overloaded(HolderError):
    """The worker has more to do than it can do soon."""

    code = "overloaded"

    def __init__(self) -> None:
        super().__init__("Too much happens here at once. Nothing was changed; ask again in a moment.")


class Say(Protocol):
    """Answers with a page or a problem, as the asker prefers."""

    def __call__(self, request: Request, *, status: int, code: str, detail: str) -> Response:
        """Build the answer."""
        ...


class BusyAnswers:
    """Builds both refusals for one service.

    Args:
        say: answers with a page or a problem.
        say_oauth: answers with OAuth's body.
        oauth_paths: what the paths of endpoints begin with that answer in OAuth's way.
        variant: tells which page it would be (its language), or nothing where the asker wants none.
        headers: what every answer says to browsers; those of overload are sent outside of what adds them.
    """

    def __init__(
        self,
        *,
        say: Say,
        say_oauth: Callable[[OAuthError], Refusal],
        oauth_paths: tuple[str, ...],
        variant: Callable[[Request], str],
        headers: Mapping[str, str],
    ) -> None:
        self._say = say
        self._say_oauth = say_oauth
        self._oauth_paths = oauth_paths
        self._variant = variant
        self._headers = headers
        self._made: dict[tuple[bool, str], Response] = {}

    def too_often(self, request: Request, wait_s: int) -> Response:
        """Refuse who asked too often: 429."""
        refusal = AskedTooOften(wait_s)
        return self._build(request, 429, refusal.code, refusal.detail, wait_s)

    def overloaded(self, request: Request) -> Response:
        """Refuse under overload: 503. Made once for each format and language, because there is no time for more."""
        kind = (self._wants_oauth(request), self._variant(request))
        made = self._made.get(kind)
        if made is None:
            refusal = Overloaded()
            made = self._build(request, 503, refusal.code, refusal.detail, _OVERLOAD_WAIT_S)
            made.headers.update(self._headers)
            if len(self._made) < _MAX_KEPT:
                self._made[kind] = made
        return made

    def without_database(self, request: Request, error: DatabaseUnavailable) -> Response:
        """Refuse while the database is away: 503."""
        return self._build(request, 503, error.code, error.detail, _DATABASE_WAIT_S)

    def _build(self, request: Request, status: int, code: str, detail: str, wait_s: int) -> Response:
        if self._wants_oauth(request):
            refusal = self._say_oauth(TemporarilyUnavailable(detail, retry_after_s=wait_s, status=status))
            refusal.code = code  # OAuth has one word for all of them; log and metrics have the one that says why
            return refusal
        response = self._say(request, status=status, code=code, detail=detail)
        response.headers["Retry-After"] = str(wait_s)
        return response

    def _wants_oauth(self, request: Request) -> bool:
        return bool(self._oauth_paths) and request.scope["path"].startswith(self._oauth_paths)
