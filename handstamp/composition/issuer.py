"""What commands of the co-op need, put together from settings; `issuer_service` adds the web."""

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Final

from credentials.keys.kinds import KeyKind
from handstamp.settings import Settings
from issuer.identity import Identity
from issuer.linked_keys import LinkedKeys
from issuer.parts import MIGRATIONS, IssuerTools
from issuer.secrets import OfferSecrets
from issuer.service.offers import OfferDesk
from issuer.status import StatusSchedule
from plumbing.clock import system_clock
from plumbing.database import Database
from plumbing.keystore import KeyStore
from plumbing.migrations import upgrade
from schemas import ALL

KEY_NAME: Final = "issuer"
"""The signing key's name in the key folder, with its certificates beside it."""
PUBLISHING_KEY_NAME: Final = "publishing"
"""The name of the key for linked credentials that are published."""


def issuer_keys(settings: Settings) -> KeyStore:
    """Return the co-op's key folder."""
    return KeyStore(_key_folder(settings))


def linked_keys(keys: KeyStore) -> LinkedKeys:
    """Make or load what signs linked credentials: one BBS key for each type, and one key for what is published."""
    return LinkedKeys(
        bbs={kind.configuration_id: keys.bbs_key(f"bbs-{kind.configuration_id}") for kind in ALL},
        signer=keys.signer(PUBLISHING_KEY_NAME, kind=KeyKind.ED25519),
    )


def compose_issuer(settings: Settings) -> IssuerTools:
    """Bring the database up to date, make or load the keys, and hand out the parts."""
    database_url = settings.database_url("issuer")
    upgrade(database_url, MIGRATIONS)
    keys = issuer_keys(settings)
    identity = Identity.build(
        url=settings.issuer.base_url,
        name=settings.issuer.name,
        signer=keys.signer(KEY_NAME),
        linked=linked_keys(keys),
        chain=keys.chain(KEY_NAME),
    )
    return IssuerTools(
        database=Database(database_url, pool=settings.issuer.database_pool),
        identity=identity,
        desk=OfferDesk(
            issuer_url=identity.url, secrets=OfferSecrets(key=keys.secret("offers")), haip=settings.issuer.haip
        ),
        clock=system_clock,
        random=secrets.token_bytes,
        schedule=StatusSchedule(
            batch=timedelta(minutes=settings.issuer.status_batch_minutes),
            ttl=timedelta(seconds=settings.issuer.status_ttl_seconds),
            lists_per_month=settings.issuer.status_lists_per_month,
        ),
    )


def _key_folder(settings: Settings) -> Path:
    return settings.folder("issuer") / "keys"
