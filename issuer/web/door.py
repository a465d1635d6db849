"""Whose browser it is: session cookies, and forms that another site cannot send."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from starlette.datastructures import FormData
from starlette.responses import Response

from issuer.parts import IssuerParts
from issuer.service.logins import SESSION_TTL, whose_browser
from issuer.store import Store
from plumbing.web.csrf import FIELD, ForgedForm, check_same_site

# More than any collection that fits into a request body of the allowed size.
MAX_FIELDS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Visitor:
    """A logged-in browser."""

    session: str
    listener: str


async def open_form(request: Request) -> FormData:
    """Read a form as our pages send it.

    Raises:
        ForgedForm: it is a multipart one, which could name any way of reading its letters.
    """
    if request.headers.get("content-type", "").strip().lower().startswith("multipart/"):
        raise ForgedForm
    return await request.form(max_fields=MAX_FIELDS, max_files=0)


class Door:
    """Cookies and forms of one service."""

    def __init__(self, parts: IssuerParts) -> None:
        self.parts = parts
        self._https = parts.identity.url.startswith("https:")
        # `__Host-`: the browser itself refuses the cookie if another host, path or plain http set it.
        self._cookie = "__Host-coop" if self._https else "coop"

    async def enter(self, request: Request) -> Visitor:
        """Say whose browser asks, or refuse."""
        session = request.cookies.get(self._cookie, "")
        now = self.parts.clock()
        listener = await self.parts.database.reading(lambda database: whose_browser(Store(database), session, now=now))
        return Visitor(session, listener)

    async def submit(self, request: Request) -> tuple[Visitor, list[str]]:
        """Check a form of a logged-in browser; return it with the values of its `copy` fields."""
        visitor, form = await self.read_form(request)
        return visitor, [value for value in form.getlist("copy") if isinstance(value, str)]

    async def read_form(self, request: Request) -> tuple[Visitor, FormData]:
        """Check a form of a logged-in browser; return it with what was typed."""
        check_same_site(request, own_origin=self.parts.identity.url)
        visitor = await self.enter(request)
        form = await open_form(request)
        given = form.get(FIELD)
        self.parts.forms.check(visitor.session, given if isinstance(given, str) else None)
        return visitor, form

    def remember(self, response: Response, session: str) -> Response:
        """Set the session cookie, for this very host only."""
        response.set_cookie(
            self._cookie,
            session,
            max_age=int(SESSION_TTL.total_seconds()),
            path="/",
            secure=self._https,
            httponly=True,
            samesite="lax",
        )
        return response

    def forget(self, response: Response) -> Response:
        """Take the session cookie back."""
        response.delete_cookie(self._cookie, path="/", secure=self._https, httponly=True, samesite="lax")
        return response

    def page(
        self, request: Request, template: str, visitor: Visitor, values: Mapping[str, object], *, status: int = 200
    ) -> Response:
        """Render a page for a logged-in browser."""
        shared = {"csrf": self.parts.forms.field_value(visitor.session), "site_url": "/collection"}
        return self.parts.pages.render(request, template, {**shared, **values}, status=status)
