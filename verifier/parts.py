"""What a running verifier consists of; the composition in `handstamp/` fills it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from credentials.keys.signer import Signer
from plumbing.clock import Clock
from plumbing.fetch import Fetcher
from plumbing.web.csrf import FormGuard
from plumbing.web.pages import Pages
from verifier.party import Party, RequestSigner
from verifier.ports import Work
from verifier.statuses import StatusKeeper


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierParts:
    """The adapters behind the routes.

    Attributes:
        party: who we are to others.
        work: opens transactions.
        request_signer: signs requests, with certificates.
        grant_signer: signs grants; its public key is in our JWKS.
        guard: fences forms.
        pages: renders templates.
        fetcher: talks to trackservers.
        statuses: keeps the status lists of trusted co-ops.
        clock: read once per request.
        close: lets go of connections when the service stops.
    """

    party: Party
    work: Work
    request_signer: RequestSigner
    grant_signer: Signer
    guard: FormGuard
    pages: Pages
    fetcher: Fetcher
    statuses: StatusKeeper
    clock: Clock
    close: Callable[[], Awaitable[None]]


def _parts(request: Request) -> VerifierParts:
    parts: VerifierParts = request.app.state.verifier
    return parts


Parts = Annotated[VerifierParts, Depends(_parts)]
