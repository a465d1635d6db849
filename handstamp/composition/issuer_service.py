"""The co-op's service, put together from settings: which port gets which adapter."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Final

from fastapi import FastAPI

from credentials.errors import HandstampError
from credentials.keys.attesters import check_authority
from handstamp.composition.issuer import FORM_KEYS, KEY_NAME, compose_issuer, issuer_keys
from handstamp.composition.observing import check_certificate, compose_observing
from handstamp.settings import Settings, UnusableSettings
from issuer.app import build_app as build_issuer_app
from issuer.counted import OFFERS
from issuer.parts import MIGRATIONS, TEMPLATES, IssuerParts
from issuer.policy import WalletPolicy
from issuer.store.counts import count_offers
from plumbing.clock import system_clock
from plumbing.key_turning import KeyTurner, Turning
from plumbing.web.csrf import FormGuard
from plumbing.web.pages import Pages

ENCRYPTION_KEY_NAME: Final = "encryption"
"""The name of the key that opens encrypted credential requests."""


def compose_service(settings: Settings) -> IssuerParts:
    """Add to the tools of the co-op what only its service needs."""
    tools, keys = compose_issuer(settings), issuer_keys(settings)
    form_keys = Turning(keys, lambda at: keys.secrets(FORM_KEYS, at=at))
    return IssuerParts(
        **{each.name: getattr(tools, each.name) for each in fields(tools)},
        forms=FormGuard(keys.secret(FORM_KEYS), turning=lambda: form_keys(system_clock())),
        pages=Pages(TEMPLATES, site_name=settings.issuer.name),
        encryption_key=keys.decryption_key(ENCRYPTION_KEY_NAME),
        policy=WalletPolicy(haip=settings.issuer.haip, attesters=_read_authorities(settings.issuer.wallet_providers)),
    )


def build_app(settings: Settings) -> FastAPI:
    """Build the service's application.

    Raises:
        NoCertificate: no certificate for the co-op's host was imported.
    """
    keys = issuer_keys(settings)
    KeyTurner(keys).tidy(at=system_clock())
    parts = compose_service(settings)
    parts.identity.check_certified()
    checks = {"key": lambda: keys.check_readable(KEY_NAME), "certificate": check_certificate(keys, KEY_NAME)}
    observing = compose_observing(
        "issuer", settings, database=parts.database, scripts=MIGRATIONS, checks=checks, keys=keys
    )
    observing.meter.watch(OFFERS, lambda: _count_offers(parts))
    return build_issuer_app(replace(parts, meter=observing.meter), observing=observing)


def _count_offers(parts: IssuerParts) -> dict[tuple[str, ...], float]:
    with parts.database.read() as session:
        return count_offers(session, now=parts.clock())


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
