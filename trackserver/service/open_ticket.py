"""Open the single-use link in a browser: the first who comes gets the download, bound to a cookie."""

from dataclasses import dataclass
from datetime import datetime

from trackserver.errors import TicketExpired, TicketUnknown, TicketUsed
from trackserver.grants import DOWNLOAD_TTL, Download, hash_secret
from trackserver.ports import Passes
from trackserver.service.redeem_grant import NewSecret


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketOpened:
    """The download, and the secret that only this browser gets."""

    download: Download
    secret: str


def open_ticket(
    passes: Passes, ticket: str, *, new_secret: NewSecret, new_id: NewSecret, now: datetime
) -> TicketOpened:
    """Use a ticket.

    Raises:
        TicketUnknown: there is none like it.
        TicketExpired: it is too old.
        TicketUsed: it was used before, also when two come at the same moment.
    """
    known = passes.load_ticket(hash_secret(ticket))
    if known is None:
        raise TicketUnknown
    if not passes.claim_ticket(known.secret_hash):
        raise TicketUsed
    if now >= known.expires_at:
        raise TicketExpired
    secret = new_secret()
    download = Download(
        id=new_id(),
        secret_hash=hash_secret(secret),
        holder_key=None,
        scope=known.scope,
        expires_at=now + DOWNLOAD_TTL,
    )
    passes.add_download(download)
    return TicketOpened(download=download, secret=secret)
