"""Loads and runs a role's service. Only here is the web loaded, so that no other command waits for it."""

import importlib
from typing import Literal

from handstamp.settings import ServiceSettings, Settings
from plumbing.foreign_logs import take_over_hooks
from plumbing.logs import get_logger


def run_service(role: Literal["issuer", "verifier", "trackserver"], settings: Settings) -> None:
    """Serve a role until stopped.

    Raises:
        CannotListen: another program has the port.
        NoCertificate: no certificate for its host was imported.
    """
    take_over_hooks(get_logger("process"))
    app = importlib.import_module(f"handstamp.composition.{role}_service").build_app(settings)
    service: ServiceSettings = getattr(settings, role)
    importlib.import_module("handstamp.composition.serving").serve(app, service)
