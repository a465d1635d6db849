"""What a running verifier consists of; the composition in `handstamp/` fills it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from credentials.keys.signer import Signer
from plumbing.clock import Clock
from plumbing.fetch import Fetcher
from plumbing.meter import NO_METER, Meter
from plumbing.web.csrf import FormGuard
from plumbing.web.pages import Pages
from verifier.doors import DoorKeys
from verifier.party import AnswerKeys, Party, RequestSigner, SiteKeys
from verifier.ports import Work
from verifier.service.build_request import Asking
from verifier.statuses import StatusKeeper


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierParts:
    """The adapters behind the routes.

    Attributes:
        party: who we are to others.
        work: opens transactions.
        request_signer: signs requests; None where requests prove nothing (`redirect_uri`). Where keys turn, that of the
            start: routes ask `keys`.
        grant_signer: signs grants; the same.
        guard: fences forms.
        pages: renders templates.
        fetcher: talks to trackservers.
        statuses: keeps the status lists of trusted co-ops.
        clock: read once per request.
        close: lets go of connections when the service stops.
        answer_keys: makes the keys that answers are encrypted to; None where answers come plain.
        door_keys: makes the keys of scanning devices; None where no passes are taken over the network.
        meter: counts what happens.
        turning: gives the keys of a moment; None where they never turn.
    """

    party: Party
    work: Work
    request_signer: RequestSigner | None
    grant_signer: Signer
    guard: FormGuard
    pages: Pages
    fetcher: Fetcher
    statuses: StatusKeeper
    clock: Clock
    close: Callable[[], Awaitable[None]]
    answer_keys: AnswerKeys | None = None
    door_keys: DoorKeys | None = None
    meter: Meter = NO_METER
    turning: Callable[[datetime], SiteKeys] | None = None

    def keys(self, now: datetime) -> SiteKeys:
        """Return the keys of this moment."""
        if self.turning is None:
            return SiteKeys(request=self.request_signer, grant=self.grant_signer)
        return self.turning(now)

    def asking(self, now: datetime) -> Asking:
        """Return what requests are written with at this moment."""
        return Asking(party=self.party, signer=self.keys(now).request, answer_keys=self.answer_keys)


async def _parts(request: Request) -> VerifierParts:  # were it not async, each request would wait for a thread
    parts: VerifierParts = request.app.state.verifier
    return parts


Parts = Annotated[VerifierParts, Depends(_parts)]
