"""What workers of one service have in common, as a mark that shows nothing of it: for `handstamp doctor`."""

import hmac
from typing import Final

from credentials.encoding import strict_json
from handstamp import __version__
from handstamp.settings import Role, ServiceSettings, Settings
from plumbing.keystore import KeyStore

SETUP_KEY: Final = "setup"
"""The name of the secret under which the mark is made, so that nobody outside can try settings on it."""
_OF_ITS_OWN: Final = {"bind_host", "port", "metrics_host", "metrics_port"}
_MARK_BYTES: Final = 8


def setup_mark(role: Role, settings: Settings, keys: KeyStore) -> str:
    """Return what two workers have in common only if version, settings and key folder are the same.

    Left out is what each worker has of its own, and where an SQLite file lies: with one, all are on one machine.
    """
    service: ServiceSettings = getattr(settings, role)
    given = service.model_dump(mode="json", exclude=_OF_ITS_OWN)
    if str(given["database_url"]).startswith("sqlite"):
        given["database_url"] = None
    told = strict_json.dump({"version": __version__, "tracing": settings.tracing_endpoint, "settings": given})
    return hmac.digest(keys.secret(SETUP_KEY), told, "sha256")[:_MARK_BYTES].hex()
