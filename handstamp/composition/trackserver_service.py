"""Builds the trackserver from settings."""

from dataclasses import fields, replace

from fastapi import FastAPI

from handstamp.composition.observing import compose_observing
from handstamp.composition.trackserver import compose_trackserver
from handstamp.settings import Settings
from plumbing.keystore import KeyStore
from plumbing.web.pages import Pages
from trackserver.api import build_trackserver_app
from trackserver.parts import MIGRATIONS, TEMPLATES, TrackserverParts


def compose_service(settings: Settings) -> TrackserverParts:
    """Add to the tools of the trackserver what only its service needs."""
    tools = compose_trackserver(settings)
    return TrackserverParts(
        **{each.name: getattr(tools, each.name) for each in fields(tools)},
        pages=Pages(TEMPLATES, site_name=settings.trackserver.name),
    )


def build_app(settings: Settings) -> FastAPI:
    """Build the trackserver's application."""
    parts = compose_service(settings)
    keys = KeyStore(settings.folder("trackserver") / "keys")
    observing = compose_observing(
        "trackserver", settings, database=parts.database, scripts=MIGRATIONS, checks={}, keys=keys
    )
    return build_trackserver_app(replace(parts, meter=observing.meter), observing=observing)
