"""What commands of the co-op need, put together from settings; `issuer_service` adds the web."""

import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from credentials.bbs import BbsPublicKey
from credentials.keys.jwk import PublicKey
from credentials.keys.kinds import KeyKind
from handstamp.settings import Settings
from issuer.identity import Identity, StatedKey
from issuer.linked_keys import LinkedKeys
from issuer.parts import MIGRATIONS, IssuerTools
from issuer.secrets import OfferSecrets
from issuer.service.offers import OfferDesk
from issuer.status import StatusSchedule
from plumbing.clock import epoch_s, system_clock
from plumbing.database import Database
from plumbing.key_rings import RingKey
from plumbing.key_turning import Turning
from plumbing.keystore import KeyStore
from plumbing.migrations import upgrade
from schemas import ALL

KEY_NAME: Final = "issuer"
"""The signing key's name in the key folder, with its certificates beside it."""
PUBLISHING_KEY_NAME: Final = "publishing"
"""The name of the key for linked credentials that are published."""
OFFER_KEYS: Final = "offers"
"""The name of the secret that the codes of offers are derived from."""
FORM_KEYS: Final = "forms"
"""The name of the secret that fences forms."""
_FILED: Final = "key in the folder"


def bbs_name(configuration_id: str) -> str:
    """The name of a type's BBS key in the key folder."""
    return f"bbs-{configuration_id}"


def issuer_keys(settings: Settings) -> KeyStore:
    """Return the co-op's key folder."""
    return KeyStore(_key_folder(settings))


def linked_keys(keys: KeyStore, *, at: datetime) -> LinkedKeys:
    """Make or load what signs linked credentials: one BBS key for each type, and one key for what is published."""
    return LinkedKeys(
        bbs={kind.configuration_id: keys.bbs_key(bbs_name(kind.configuration_id), at=at) for kind in ALL},
        signer=keys.signer(PUBLISHING_KEY_NAME, kind=KeyKind.ED25519, at=at),
        other_bbs=tuple(
            (kind.configuration_id, BbsPublicKey.from_multikey(each.public, what=_FILED))
            for kind in ALL
            for each in _others(keys, bbs_name(kind.configuration_id), at)
        ),
        other_signers=tuple(
            PublicKey.from_multikey(each.public, what=_FILED) for each in _others(keys, PUBLISHING_KEY_NAME, at)
        ),
    )


def build_identity(settings: Settings, *, at: datetime) -> Identity:
    """Say who the co-op is, with the keys of this moment."""
    keys = issuer_keys(settings)
    others = (
        StatedKey(key=PublicKey.from_multikey(each.public, what=_FILED), x5c=each.x5c)
        for each in _others(keys, KEY_NAME, at)
    )
    return Identity.build(
        url=settings.issuer.base_url,
        name=settings.issuer.name,
        signer=keys.signer(KEY_NAME, at=at),
        linked=linked_keys(keys, at=at),
        chain=keys.chain(KEY_NAME, at=at),
        others=tuple(others),
    )


def _others(keys: KeyStore, name: str, at: datetime) -> tuple[RingKey, ...]:
    ring = keys.rings().get(name)
    return ring.published(epoch_s(at))[1:] if ring else ()


def compose_issuer(settings: Settings) -> IssuerTools:
    """Bring the database up to date, make or load the keys, and hand out the parts."""
    database_url = settings.database_url("issuer")
    upgrade(database_url, MIGRATIONS)
    keys = issuer_keys(settings)
    turning = Turning(keys, lambda at: build_identity(settings, at=at))
    identity = turning(system_clock())
    offer_keys = Turning(keys, lambda at: keys.secrets(OFFER_KEYS, at=at))
    return IssuerTools(
        database=Database(database_url, pool=settings.issuer.database_pool),
        identity=identity,
        desk=OfferDesk(
            issuer_url=identity.url,
            secrets=OfferSecrets(key=keys.secret(OFFER_KEYS), turning=lambda: offer_keys(system_clock())),
            haip=settings.issuer.haip,
        ),
        turning=turning,
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
