"""What commands of a site need, put together from settings; `verifier_service` adds the web."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from credentials.keys.jwk import PublicKey
from handstamp.settings import Settings
from plumbing.clock import epoch_s
from plumbing.database import Database
from plumbing.fetch import Reach
from plumbing.keystore import KeyStore
from plumbing.migrations import upgrade
from verifier.party import Party
from verifier.places import MIGRATIONS
from verifier.store import SqlWork

REQUEST_KEY: Final = "request"
"""Name of the key that signs requests; certificates vouch for it."""
GRANT_KEY: Final = "grant"
"""Name of the key that signs grants; trackservers pin it."""
FORM_KEYS: Final = "forms"
"""Name of the secret that fences forms."""
DOOR_KEYS: Final = "doors"
"""Name of the secret that keys of scanning devices are made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierTools:
    """What commands need: everything but the web."""

    party: Party
    database: Database
    work: SqlWork
    keys: KeyStore
    reach: Reach
    folder: Path

    def coming_grant_keys(self, at: datetime) -> tuple[PublicKey, ...]:
        """Return the keys for grants that are told to trackservers and not used yet."""
        ring, at_s = self.keys.rings().get(GRANT_KEY), epoch_s(at)
        coming = [each for each in ring.published(at_s) if not each.has_started(at_s)] if ring else []
        return tuple(PublicKey.from_multikey(each.public, what="key in the folder") for each in coming)


def compose_verifier(settings: Settings) -> VerifierTools:
    """Open the database (brought up to date) and the keys of the verifier."""
    url = settings.database_url("verifier")
    upgrade(url, MIGRATIONS)
    database = Database(url, pool=settings.verifier.database_pool)
    service = settings.verifier
    return VerifierTools(
        party=Party(
            base_url=service.base_url,
            site=service.site,
            name=service.name,
            prefix=service.client_id_prefix,
            fetched_by_post=service.request_uri_post,
        ),
        database=database,
        work=SqlWork(database, site=service.site),
        keys=KeyStore(settings.folder("verifier") / "keys"),
        reach=service.reach,
        folder=settings.folder("verifier"),
    )
