"""Links that open a wallet: a scheme of their own, or an https address, with the message in the query."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from credentials.errors import Malformed
from credentials.protocols.oauth import parse_form
from credentials.protocols.urls import parse_service_url

MAX_LINK: Final = 65536


def parse_link_fields(link: str, *, schemes: frozenset[str], what: str) -> Mapping[str, str]:
    """The query parameters of a link for wallets: one of `schemes`, or https (http on this machine)."""
    scheme = link.partition(":")[0].lower()
    if scheme not in schemes:
        parse_service_url(link.partition("?")[0], what=f"{what} link")
    try:
        query = urlsplit(link).query.encode("utf-8")
    except ValueError as error:
        raise Malformed(f"{what} link", "it is not a link") from error
    return parse_form(query, max_bytes=MAX_LINK, what=f"{what} link")
