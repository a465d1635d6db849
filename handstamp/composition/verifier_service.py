"""Builds the site's verifier from settings."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from fastapi import FastAPI

from credentials.dids.document import key_url
from credentials.keys.jwk import PublicKey
from credentials.protocols.openid4vp import Prefix
from credentials.protocols.urls import host_of, is_loopback
from handstamp.composition.observing import check_certificate, compose_observing, traced_transport
from handstamp.composition.verifier import (
    DOOR_KEYS,
    FORM_KEYS,
    GRANT_KEY,
    REQUEST_KEY,
    VerifierTools,
    compose_verifier,
)
from handstamp.settings import Settings, UnusableSettings
from plumbing.clock import epoch_s, system_clock
from plumbing.fetch import HttpFetcher
from plumbing.health import Check
from plumbing.key_turning import KeyTurner, Turning
from plumbing.observing import Observing
from plumbing.web.csrf import FormGuard
from plumbing.web.pages import Pages
from verifier.app import build_verifier_app
from verifier.doors import DoorKeys
from verifier.errors import NoCertificate
from verifier.parts import VerifierParts
from verifier.party import AnswerKeys, Party, RequestSigner, SiteKeys
from verifier.places import MIGRATIONS, TEMPLATES
from verifier.statuses import StatusKeeper


def build_app(settings: Settings) -> FastAPI:
    """Build the application.

    Raises:
        NoCertificate: no certificate for the site's host was imported.
    """
    tools = compose_verifier(settings)
    KeyTurner(tools.keys).tidy(at=system_clock())
    turning = Turning(tools.keys, lambda at: find_site_keys(tools, at=at))
    keys = turning(system_clock())
    party = replace(tools.party, x5c=keys.request.x5c if keys.request else ())
    form_keys = Turning(tools.keys, lambda at: tools.keys.secrets(FORM_KEYS, at=at))
    observing = _observe(settings, tools)
    fetcher = HttpFetcher(tools.reach, transport=traced_transport(observing))

    async def close() -> None:
        await fetcher.close()
        tools.database.close()

    return build_verifier_app(
        VerifierParts(
            party=party,
            work=tools.work,
            request_signer=keys.request,
            grant_signer=keys.grant,
            guard=FormGuard(tools.keys.secret(FORM_KEYS), turning=lambda: form_keys(system_clock())),
            pages=Pages(TEMPLATES, site_name=tools.party.name),
            fetcher=fetcher,
            statuses=StatusKeeper(tools.work, fetcher, party=party, policy=settings.verifier.status_policy),
            clock=system_clock,
            close=close,
            door_keys=DoorKeys(tools.keys.secret(DOOR_KEYS)),
            answer_keys=AnswerKeys(tools.keys.secret("answers")) if settings.verifier.encrypted_answers else None,
            turning=_turning(turning, keys, party),
            meter=observing.meter,
        ),
        observing=observing,
    )


def _observe(settings: Settings, tools: VerifierTools) -> Observing:
    checks = _checks(tools)
    return compose_observing(
        "verifier", settings, database=tools.database, scripts=MIGRATIONS, checks=checks, keys=tools.keys
    )


def _checks(tools: VerifierTools) -> dict[str, Check]:
    """Return what must be well for a site to be ready; where requests prove nothing there is no key for them."""
    names = [GRANT_KEY] if tools.party.prefix is Prefix.REDIRECT_URI else [GRANT_KEY, REQUEST_KEY]

    def check_keys() -> None:
        for name in names:
            tools.keys.check_readable(name)

    checks: dict[str, Check] = {"key": check_keys}
    if tools.party.prefix in {Prefix.X509_SAN_DNS, Prefix.X509_HASH}:
        checks["certificate"] = check_certificate(tools.keys, REQUEST_KEY)
    return checks


def _turning(turning: Turning[SiteKeys], start: SiteKeys, party: Party) -> Callable[[datetime], SiteKeys]:
    """Let keys turn, but not those of requests with `x509_hash`: there the certificate is the site's very name.

    It stands in links already given, so a new one is taken up by a restart.
    """
    if party.prefix is not Prefix.X509_HASH:
        return turning
    return lambda now: replace(turning(now), request=start.request)


def find_site_keys(tools: VerifierTools, *, at: datetime) -> SiteKeys:
    """Return the keys of a moment.

    Raises:
        NoCertificate: no certificate for the site's host was imported.
    """
    return SiteKeys(
        request=find_request_signer(tools, at=at),
        grant=tools.keys.signer(GRANT_KEY, at=at),
        other_requests=_others(tools, REQUEST_KEY, at),
        other_grants=_others(tools, GRANT_KEY, at),
    )


def _others(tools: VerifierTools, name: str, at: datetime) -> tuple[PublicKey, ...]:
    ring = tools.keys.rings().get(name)
    published = ring.published(epoch_s(at))[1:] if ring else ()
    return tuple(PublicKey.from_multikey(each.public, what="key in the folder") for each in published)


def find_request_signer(tools: VerifierTools, *, at: datetime | None = None) -> RequestSigner | None:
    """Return what requests are signed with, as the client identifier prefix wants it (OpenID4VP 1.0 §5.9.3).

    Raises:
        NoCertificate: no certificate for the site's host was imported.
    """
    party, host = tools.party, host_of(tools.party.base_url)
    if party.prefix is Prefix.REDIRECT_URI:
        if not is_loopback(party.base_url):
            raise UnusableSettings("verifier.client_id_prefix", "redirect_uri proves nothing, so only localhost has it")
        return None
    signer = tools.keys.signer(REQUEST_KEY, at=at)
    if party.prefix is Prefix.DECENTRALIZED_IDENTIFIER:
        return RequestSigner(signer=signer, kid=key_url(party.did, signer.public_key))
    chain = tools.keys.chain(REQUEST_KEY, at=at)
    if chain is None or host not in chain.dns_names:
        raise NoCertificate(host)
    return RequestSigner(signer=signer, x5c=tuple(chain.x5c()))
