"""Give a grant for an open door: to the wallet itself, bound to its key, or to the trackserver for a browser."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from credentials.encoding import strict_json
from credentials.errors import HandstampError
from credentials.protocols.dpop import check_dpop_proof
from credentials.protocols.grants import Grant, build_grant
from credentials.protocols.members import Members
from credentials.protocols.urls import parse_service_url
from plumbing.clock import epoch_s
from plumbing.ids import new_public_id
from verifier.errors import NotAccepted, TrackserverRefused
from verifier.service.distrust_issuer import NO_LONGER_TRUSTED, are_trusted
from verifier.service.show_visit import load_own_visit
from verifier.service.start_visit import load_gate
from verifier.service.transitions import step, turn_of
from verifier.visits import Accepted, LiveVisit, Refused

if TYPE_CHECKING:
    from datetime import datetime

    from credentials.keys.signer import Signer
    from credentials.trust import TrustPolicy
    from plumbing.fetch import Fetcher, Reply
    from verifier.gates import Gate
    from verifier.party import Party
    from verifier.ports import Work

GRANT_LIFE: Final = timedelta(minutes=10)
_CREATED: Final = 201
_MAX_ANSWER_BYTES: Final = 16 * 1024
_WHAT: Final = "answer of the trackserver"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenGrant:
    """A signed grant and where it opens files."""

    grant: str
    trackserver: str


def give_grant_to_wallet(
    work: Work, visit_id: str, *, cookie: str | None, dpop: str, party: Party, signer: Signer, now: datetime
) -> GivenGrant:
    """Give a grant that only the key of this DPoP proof can use (RFC 9449; the proof is made for this very address).

    A proof that is sent twice gives a second grant for the same key, counted as any other: no list of used proofs is
    needed here, for whoever copied one lacks both the key and the browser's cookie.

    Raises:
        InvalidDpopProof: the proof is not good.
        NoSuchVisit, ForeignBrowser, VisitExpired, NotAccepted, GrantsSpent: there is nothing to give.
    """
    proof = check_dpop_proof(dpop, method="POST", url=f"{party.visit_url(visit_id)}/grant", at=now)
    gate = _count_grant(work, visit_id, cookie=cookie, party=party, now=now)
    grant = _sign(gate, party=party, signer=signer, holder_key=proof.thumbprint, now=now)
    return GivenGrant(grant=grant, trackserver=gate.opens.trackserver)


async def give_grant_to_browser(
    work: Work, visit_id: str, *, cookie: str | None, party: Party, signer: Signer, fetcher: Fetcher, now: datetime
) -> str:
    """Push a grant to the gate's trackserver and return its single-use link for the browser.

    If the trackserver fails, the grant does not count: the listener may try again.

    Raises:
        TrackserverRefused: the trackserver did not take it, or named a link that is not its own.
        FetchFailed, FetchRefused: the trackserver cannot be reached.
        NoSuchVisit, ForeignBrowser, VisitExpired, NotAccepted, GrantsSpent: there is nothing to give.
    """
    gate = await work.doing(lambda work: _count_grant(work, visit_id, cookie=cookie, party=party, now=now))
    try:
        return await _push(_sign(gate, party=party, signer=signer, holder_key=None, now=now), gate, fetcher)
    except HandstampError:
        await work.doing(lambda work: _take_back_grant(work, visit_id, now=now))
        raise


def _count_grant(work: Work, visit_id: str, *, cookie: str | None, party: Party, now: datetime) -> Gate:
    with work.write(turn_of(visit_id)) as stores:
        load_own_visit(stores, visit_id, cookie=cookie, now=now)
        policy = stores.load_policy(party.site)
        visit = step(stores, visit_id, lambda visit: _give(visit, policy, now=now), now=now)
        gate = load_gate(stores, visit.facts.gate_id)
    if isinstance(visit, Refused):  # committed first, so that the page says why
        raise NotAccepted
    return gate


def _take_back_grant(work: Work, visit_id: str, *, now: datetime) -> None:
    with work.write(turn_of(visit_id)) as stores:
        step(stores, visit_id, _take_back, now=now)


def _give(visit: LiveVisit, policy: TrustPolicy, *, now: datetime) -> Accepted | Refused:
    opened = _opened(visit)
    if not are_trusted(opened.answer.vouched_by, policy, now=now):
        return Refused(facts=visit.facts, last_failure=NO_LONGER_TRUSTED)
    return opened.give_grant()


def _take_back(visit: LiveVisit) -> Accepted:
    return _opened(visit).take_back_grant()


def _opened(visit: LiveVisit) -> Accepted:
    """Only an `Accepted` visit gives, and only evidence of a verified answer makes one."""
    if not isinstance(visit, Accepted):
        raise NotAccepted
    return visit


def _sign(gate: Gate, *, party: Party, signer: Signer, holder_key: str | None, now: datetime) -> str:
    grant = Grant(
        issuer=party.base_url,
        audience=gate.opens.trackserver,
        jti=new_public_id(),
        issued_at=epoch_s(now),
        expires_at=epoch_s(now + GRANT_LIFE),
        release=gate.opens.release_id,
        tracks=gate.opens.track_ids,
        formats=(gate.opens.package,),
        quality="original",
        holder_key=holder_key,
    )
    return build_grant(grant, signer=signer)


async def _push(grant: str, gate: Gate, fetcher: Fetcher) -> str:
    reply = await fetcher.request(
        "POST",
        f"{gate.opens.trackserver}/grants",
        headers={"Content-Type": "application/json", "Accept": "application/json"},
        content=strict_json.dump({"grant": grant}),
        max_bytes=_MAX_ANSWER_BYTES,
    )
    if reply.status != _CREATED:
        raise TrackserverRefused(f"it answered with status {reply.status}")
    return _read_link(reply, trackserver=gate.opens.trackserver)


def _read_link(reply: Reply, *, trackserver: str) -> str:
    """Read the single-use link. A browser is sent to the configured trackserver only, whatever the answer says."""
    members = Members(strict_json.parse(reply.body, what=_WHAT), what=_WHAT)
    link = parse_service_url(members.text("link"), what="link from the trackserver")
    ours, theirs = urlsplit(trackserver), urlsplit(link)
    if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
        raise TrackserverRefused("its link leads elsewhere")
    return link
