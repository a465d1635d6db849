"""How each service is watched, put together from settings: metrics, spans, and what must be well to be ready."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal

import httpx

from credentials.errors import OperatorError
from handstamp import __version__
from handstamp.composition.setup_mark import setup_mark
from handstamp.settings import ServiceSettings, Settings
from plumbing.clock import system_clock
from plumbing.database import Database
from plumbing.fetch import HostTransport
from plumbing.health import Check
from plumbing.keystore import KeyStore
from plumbing.meter import NO_METER
from plumbing.metrics import PrometheusMeter
from plumbing.migrations import is_migrated
from plumbing.observing import Listener, Observing
from plumbing.runs import Runs
from plumbing.tracing import Tracing


class NotMigrated(OperatorError):
    """The database stands where another version of Handstamp left it."""

    code = "not_migrated"

    def __init__(self) -> None:
        super().__init__("The database is of another version of Handstamp. Start this service anew, or upgrade it.")


class CertificateNotValid(OperatorError):
    """The certificate that others trust us by is not valid now."""

    code = "certificate_not_valid"

    def __init__(self) -> None:
        super().__init__("The certificate is missing, has ended or has not begun. Import one that is valid now.")


def compose_observing(
    role: Literal["issuer", "verifier", "trackserver"],
    settings: Settings,
    *,
    database: Database,
    scripts: Path,
    checks: Mapping[str, Check],
    keys: KeyStore | None = None,
) -> Observing:
    """Choose how a role's service is watched, and watch its database.

    Args:
        role: which service.
        settings: say whether metrics are shown and spans are sent; neither is, by default.
        database: its database.
        scripts: the migrations that the database must have had.
        checks: what else must be well.
        keys: of the service, under which the mark is made that its workers have in common; None makes none.

    Raises:
        NoTracing: spans are wanted and the extra for them is not installed.
    """
    service: ServiceSettings = getattr(settings, role)
    shown = None if service.metrics_port is None else PrometheusMeter(role, version=__version__)
    meter = shown or NO_METER
    endpoint = settings.tracing_endpoint
    observing = Observing(
        meter=meter,
        prometheus=shown,
        listener=None if shown is None else Listener(host=service.metrics_host, port=service.metrics_port or 0),
        tracing=None if endpoint is None else Tracing(role, endpoint=endpoint),
        runs=Runs(meter),
        checks={"database": lambda: _check_migrated(database, scripts), **checks},
        setup="" if keys is None else setup_mark(role, settings, keys),
    )
    observing.watch_database(database)
    return observing


def check_certificate(keys: KeyStore, name: str, *, clock: Callable[[], datetime] = system_clock) -> Check:
    """Return a check that the certificate called `name` is valid at the moment it is asked."""

    def check() -> None:
        now = clock()
        chain = keys.chain(name, at=now)
        if chain is None or not chain.leaf.not_valid_before_utc <= now <= chain.leaf.not_valid_after_utc:
            raise CertificateNotValid

    return check


def traced_transport(observing: Observing) -> httpx.AsyncBaseTransport | None:
    """Return what sends our requests to others where each has a span; None to leave it as it is."""
    return None if observing.tracing is None else observing.tracing.transport(HostTransport())


def _check_migrated(database: Database, scripts: Path) -> None:
    if not is_migrated(database, scripts):
        raise NotMigrated
    database.check_writable()
