"""What commands of a trackserver need, put together from settings; `trackserver_service` adds the web."""

import secrets

from handstamp.settings import Settings
from plumbing.clock import system_clock
from plumbing.database import Database
from plumbing.ids import new_public_id, new_secret
from plumbing.migrations import upgrade
from trackserver.parts import MIGRATIONS, TrackserverTools


def compose_trackserver(settings: Settings) -> TrackserverTools:
    """Open the trackserver's database, brought up to date, and name its other parts."""
    url = settings.database_url("trackserver")
    upgrade(url, MIGRATIONS)
    service = settings.trackserver
    return TrackserverTools(
        database=Database(url, pool=settings.trackserver.database_pool),
        base_url=service.base_url,
        covers=settings.folder("trackserver") / "covers",
        clock=system_clock,
        new_secret=new_secret,
        new_id=new_public_id,
        random=secrets.token_bytes,
    )
