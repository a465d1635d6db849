"""Forms that another site cannot send in a listener's name.

Two fences: the browser's own word (`Sec-Fetch-Site`, or `Origin` from older ones) must not name another site, and a
form that acts for a session carries an HMAC of that session's cookie.
"""

import hashlib
import hmac
from typing import Final

from starlette.requests import Request

from credentials.encoding import base64url
from credentials.errors import HandstampError

FIELD: Final = "csrf"


class ForgedForm(HandstampError):
    """A form that did not come from our own page."""

    code = "forged_form"

    def __init__(self) -> None:
        super().__init__(
            "This form did not come from our page, or the page is too old. "
            "Nothing was changed; reload it and try again."
        )


class FormGuard:
    """Makes and checks the hidden field of forms.

    Args:
        secret: 32 bytes that never leave the service.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def field_value(self, session: str) -> str:
        """Return the hidden field's value for whoever holds the cookie value `session`."""
        return base64url.encode(hmac.digest(self._secret, b"form:" + session.encode(), hashlib.sha256))

    def check(self, session: str, given: str | None) -> None:
        """Refuse a form whose hidden field does not belong to `session`.

        Raises:
            ForgedForm: the field is missing or belongs to another session.
        """
        if not hmac.compare_digest(self.field_value(session).encode(), (given or "").encode()):
            raise ForgedForm


def check_same_site(request: Request, *, own_origin: str) -> None:
    """Refuse a request that the browser says another site sent. Programs send neither header and pass.

    Raises:
        ForgedForm: `Sec-Fetch-Site` is "cross-site" or "same-site", or `Origin` is not `own_origin`.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site not in {"same-origin", "none"}:
            raise ForgedForm
        return
    origin = request.headers.get("origin")
    if origin is not None and origin != own_origin:
        raise ForgedForm
