"""Follow a list of co-ops: read it once, show it to a person, pin its publisher's key, and read it anew ever after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from credentials.protocols.urls import parse_service_url
from credentials.trust import CoopList, verify_coop_list
from credentials.trust.coop_list import MAX_BYTES
from credentials.trust.errors import CoopListRefused
from verifier.errors import ListNotFollowed
from verifier.subscriptions import Subscription

if TYPE_CHECKING:
    from datetime import datetime

    from plumbing.fetch import Fetcher
    from verifier.party import Party
    from verifier.ports import Work

_OK: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStatement:
    """A list as it was read just now: whole, and signed by the key that it names itself."""

    text: str
    coop_list: CoopList


async def ask_list(url: str, *, fetcher: Fetcher, now: datetime) -> ListStatement:
    """Read a list for the first time, so that a person can compare its publisher's key.

    Raises:
        Malformed: the address, or the list, cannot be read.
        CoopListRefused: it is not the list of this address, or has ended.
        FetchFailed, FetchRefused: it cannot be reached.
    """
    address = parse_service_url(url, what="address of the list")
    text = await fetch_list(address, fetcher=fetcher)
    return ListStatement(text=text, coop_list=verify_coop_list(text, url=address, publisher=None, known=None, at=now))


async def fetch_list(url: str, *, fetcher: Fetcher) -> str:
    """Fetch a signed list, without looking into it.

    Raises:
        CoopListRefused: there is none.
        FetchFailed, FetchRefused: its host cannot be reached.
    """
    reply = await fetcher.request("GET", url, headers={"Accept": "application/jwt"}, max_bytes=MAX_BYTES)
    if reply.status != _OK:
        raise CoopListRefused(f"its address answered with status {reply.status}")
    # Base64url and dots; anything else becomes a character that no JWS has.
    return reply.body.decode("ascii", errors="replace").strip()


def follow_list(work: Work, statement: ListStatement, *, party: Party, now: datetime) -> CoopList:
    """Follow a list whose publisher's key a person has compared.

    Raises:
        CoopListRolledBack: a newer one from this address and this publisher was read before.
    """
    found = statement.coop_list
    with work.write() as stores:
        known = [each for each in stores.load_subscriptions(party.site) if each.url == found.url]
        for each in known:
            if each.publisher == found.publisher.thumbprint:
                verify_coop_list(statement.text, url=each.url, publisher=each.publisher, known=each.coop_list, at=now)
        subscription = Subscription(
            url=found.url, publisher=found.publisher.thumbprint, text=statement.text, fetched_at=now
        )
        stores.save_subscription(party.site, subscription)
    return found


def leave_list(work: Work, url: str, *, party: Party) -> None:
    """Follow a list no longer; the co-ops that only it named are trusted no longer.

    Raises:
        ListNotFollowed: the site does not follow it.
    """
    with work.write() as stores:
        if not stores.remove_subscription(party.site, url):
            raise ListNotFollowed(url)
