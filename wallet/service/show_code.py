"""Fetch the short code that a gate with a limit wants typed into the page that showed its QR code.

Whoever shows you *their* QR code would have you pay for their visit. They do not see your wallet: only who has both the
page and the wallet before them can type the code, so only then the visit counts.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from credentials.errors import Malformed
from wallet.errors import SiteRefused
from wallet.ports import Tools
from wallet.service.answer_request import Answered
from wallet.wire import JSON, read_object, read_refusal, succeeded

_CODES: Final = re.compile(r"(?:/[^/]+)*/codes/[A-Za-z0-9_-]{16,128}")
_CODE: Final = re.compile(r"[0-9]{6}")
_MAX_BYTES: Final = 16_384


def awaits_code(answered: Answered) -> bool:
    """Tell whether the site goes on by a code: its way on is an address below `/codes/`."""
    return answered.redirect_uri is not None and _CODES.fullmatch(urlsplit(answered.redirect_uri).path) is not None


async def fetch_code(answered: Answered, *, tools: Tools) -> str:
    """Return the six digits; asked without cookie or name, for the address itself is the secret.

    Raises:
        SiteRefused, FetchFailed: there is no code, or no longer.
    """
    url = (answered.redirect_uri or "").partition("#")[0]
    async with tools.web(answered.first_party) as web:
        reply = await web.request("GET", url, headers=JSON, max_bytes=_MAX_BYTES)
    site = answered.receipt.site
    if not succeeded(reply):
        raise SiteRefused(site, read_refusal(reply), shown=True)
    try:
        return read_object(reply, what="code of the gate").text("code", pattern=_CODE)
    except Malformed as error:
        raise SiteRefused(site, "it gave no code", shown=True) from error
