"""Builds the trackserver from settings."""

import secrets

from fastapi import FastAPI

from handstamp.settings import Settings
from plumbing.clock import system_clock
from plumbing.database import Database
from plumbing.ids import new_public_id, new_secret
from plumbing.migrations import upgrade
from plumbing.web.pages import Pages
from trackserver.api import build_trackserver_app
from trackserver.parts import MIGRATIONS, TEMPLATES, TrackserverParts


def compose_trackserver(settings: Settings) -> TrackserverParts:
    """Open the trackserver's database, brought up to date, and name its other parts."""
    url = settings.database_url("trackserver")
    upgrade(url, MIGRATIONS)
    service = settings.trackserver
    return TrackserverParts(
        database=Database(url),
        pages=Pages(TEMPLATES, site_name=service.name),
        base_url=service.base_url,
        covers=settings.folder("trackserver") / "covers",
        clock=system_clock,
        new_secret=new_secret,
        new_id=new_public_id,
        random=secrets.token_bytes,
    )


def build_app(settings: Settings) -> FastAPI:
    """Build the trackserver's application."""
    return build_trackserver_app(compose_trackserver(settings))
