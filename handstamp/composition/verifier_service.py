"""Builds the site's verifier from settings."""

from dataclasses import replace

from fastapi import FastAPI

from credentials.dids.document import key_url
from credentials.protocols.openid4vp import Prefix
from credentials.protocols.urls import host_of, is_loopback
from handstamp.composition.verifier import DOOR_KEYS, GRANT_KEY, REQUEST_KEY, VerifierTools, compose_verifier
from handstamp.settings import Settings, UnusableSettings
from plumbing.clock import system_clock
from plumbing.fetch import HttpFetcher
from plumbing.web.csrf import FormGuard
from plumbing.web.pages import Pages
from verifier.app import build_verifier_app
from verifier.doors import DoorKeys
from verifier.errors import NoCertificate
from verifier.parts import VerifierParts
from verifier.party import AnswerKeys, RequestSigner
from verifier.places import TEMPLATES
from verifier.statuses import StatusKeeper


def build_app(settings: Settings) -> FastAPI:
    """Build the application.

    Raises:
        NoCertificate: no certificate for the site's host was imported.
    """
    tools = compose_verifier(settings)
    signer = find_request_signer(tools)
    party = replace(tools.party, x5c=signer.x5c if signer else ())
    fetcher = HttpFetcher(tools.reach)

    async def close() -> None:
        await fetcher.close()
        tools.database.close()

    return build_verifier_app(
        VerifierParts(
            party=party,
            work=tools.work,
            request_signer=signer,
            grant_signer=tools.keys.signer(GRANT_KEY),
            guard=FormGuard(tools.keys.secret("forms")),
            pages=Pages(TEMPLATES, site_name=tools.party.name),
            fetcher=fetcher,
            statuses=StatusKeeper(tools.work, fetcher, party=party, policy=settings.verifier.status_policy),
            clock=system_clock,
            close=close,
            door_keys=DoorKeys(tools.keys.secret(DOOR_KEYS)),
            answer_keys=AnswerKeys(tools.keys.secret("answers")) if settings.verifier.encrypted_answers else None,
        )
    )


def find_request_signer(tools: VerifierTools) -> RequestSigner | None:
    """Return what requests are signed with, as the client identifier prefix wants it (OpenID4VP 1.0 §5.9.3).

    Raises:
        NoCertificate: no certificate for the site's host was imported.
    """
    party, host = tools.party, host_of(tools.party.base_url)
    if party.prefix is Prefix.REDIRECT_URI:
        if not is_loopback(party.base_url):
            raise UnusableSettings("verifier.client_id_prefix", "redirect_uri proves nothing, so only localhost has it")
        return None
    signer = tools.keys.signer(REQUEST_KEY)
    if party.prefix is Prefix.DECENTRALIZED_IDENTIFIER:
        return RequestSigner(signer=signer, kid=key_url(party.did, signer.public_key))
    chain = tools.keys.chain(REQUEST_KEY)
    if chain is None or host not in chain.dns_names:
        raise NoCertificate(host)
    return RequestSigner(signer=signer, x5c=tuple(chain.x5c()))
