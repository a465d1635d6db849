"""Forms that another site cannot send in a listener's name.

Two fences: the browser's own word (`Sec-Fetch-Site`, or `Origin` from older ones) must not name another site, and a
form that acts for a session carries an HMAC of that session's cookie.
"""

import hashlib
import hmac
from collections.abc import Callable
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
        turning: gives the secret in use and others that still count, where secrets are exchanged for new ones.
    """

    def __init__(self, secret: bytes, *, turning: Callable[[], tuple[bytes, ...]] | None = None) -> None:
        self._secrets = turning or (lambda: (secret,))

    def field_value(self, session: str) -> str:
        """Return the hidden field's value for whoever holds the cookie value `session`."""
        return _field_value(self._secrets()[0], session)

    def check(self, session: str, given: str | None) -> None:
        """Refuse a form whose hidden field does not belong to `session`.

        Raises:
            ForgedForm: the field is missing or belongs to another session.
        """
        said = (given or "").encode()
        if not any(hmac.compare_digest(_field_value(each, session).encode(), said) for each in self._secrets()):
            raise ForgedForm


def _field_value(secret: bytes, session: str) -> str:
    return base64url.encode(hmac.digest(secret, b"form:" + session.encode(), hashlib.sha256))


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
