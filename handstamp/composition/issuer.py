"""The co-op's service, put together from settings: which port gets which adapter."""

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Final

from fastapi import FastAPI

from credentials.errors import HandstampError
from credentials.keys.attesters import check_authority
from handstamp.settings import Settings, UnusableSettings
from issuer.app import build_app as build_issuer_app
from issuer.identity import Identity
from issuer.parts import MIGRATIONS, TEMPLATES, IssuerParts
from issuer.policy import WalletPolicy
from issuer.secrets import OfferSecrets
from issuer.service.offers import OfferDesk
from issuer.status import StatusSchedule
from plumbing.clock import system_clock
from plumbing.database import Database
from plumbing.keystore import KeyStore
from plumbing.migrations import upgrade
from plumbing.web.csrf import FormGuard
from plumbing.web.pages import Pages

KEY_NAME: Final = "issuer"
"""The signing key's name in the key folder, with its certificates beside it."""
ENCRYPTION_KEY_NAME: Final = "encryption"
"""The name of the key that opens encrypted credential requests."""


def issuer_keys(settings: Settings) -> KeyStore:
    """Return the co-op's key folder."""
    return KeyStore(_key_folder(settings))


def compose_issuer(settings: Settings) -> IssuerParts:
    """Bring the database up to date, make or load the keys, and hand out the parts."""
    database_url = settings.database_url("issuer")
    upgrade(database_url, MIGRATIONS)
    keys = issuer_keys(settings)
    identity = Identity.build(
        url=settings.issuer.base_url,
        name=settings.issuer.name,
        signer=keys.signer(KEY_NAME),
        chain=keys.chain(KEY_NAME),
    )
    return IssuerParts(
        database=Database(database_url),
        identity=identity,
        desk=OfferDesk(issuer_url=identity.url, secrets=OfferSecrets(key=keys.secret("offers"))),
        forms=FormGuard(keys.secret("forms")),
        pages=Pages(TEMPLATES, site_name=settings.issuer.name),
        clock=system_clock,
        random=secrets.token_bytes,
        encryption_key=keys.decryption_key(ENCRYPTION_KEY_NAME),
        policy=WalletPolicy(haip=settings.issuer.haip, attesters=_read_authorities(settings.issuer.wallet_providers)),
        schedule=StatusSchedule(
            batch=timedelta(minutes=settings.issuer.status_batch_minutes),
            ttl=timedelta(seconds=settings.issuer.status_ttl_seconds),
            lists_per_month=settings.issuer.status_lists_per_month,
        ),
    )


def build_app(settings: Settings) -> FastAPI:
    """Build the service's application.

    Raises:
        NoCertificate: no certificate for the co-op's host was imported.
    """
    parts = compose_issuer(settings)
    parts.identity.check_certified()
    return build_issuer_app(parts)


def _read_authorities(files: tuple[Path, ...]) -> tuple[bytes, ...]:
    """Read the authorities that vouch for wallets.

    Raises:
        UnusableSettings: a file is missing or holds no certificate.
    """
    read = []
    for path in files:
        try:
            pem = path.read_bytes()
            check_authority(pem)
        except (OSError, HandstampError) as error:
            raise UnusableSettings("issuer.wallet_providers", f"{path} holds no certificates in PEM") from error
        read.append(pem)
    return tuple(read)


def _key_folder(settings: Settings) -> Path:
    return settings.folder("issuer") / "keys"
