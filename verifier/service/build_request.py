"""Build the request that a wallet fetches: signed, for one visit, with the terms in its nonce."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from credentials.protocols.openid4vp import (
    AuthorizationRequest,
    ClientMetadata,
    RequestReference,
    build_request_link,
    build_request_object,
)
from plumbing.clock import epoch_s
from verifier.errors import AlreadyAnswered, NoSuchRequest, NoSuchVisit, TooManyFailedAnswers
from verifier.requirements import build_query
from verifier.service.start_visit import load_gate
from verifier.service.transitions import load_live
from verifier.visits import Accepted, Answered, LiveVisit, PendingRequest, Refused, Requested

if TYPE_CHECKING:
    from datetime import datetime

    from verifier.gates import Gate
    from verifier.party import Party, RequestSigner
    from verifier.ports import Stores, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest:
    """A request that still waits for its answer."""

    request: PendingRequest
    visit: Requested
    gate: Gate


def load_open_request(stores: Stores, request_id: str, *, now: datetime) -> OpenRequest:
    """Return a request that can still be answered.

    Raises:
        NoSuchRequest: it was swept, or never was.
        VisitExpired, AlreadyAnswered, TooManyFailedAnswers: its visit is past it.
    """
    request = stores.load_request(request_id)
    if request is None:
        raise NoSuchRequest
    try:
        visit = check_requested(load_live(stores, request.visit_id, now=now))
    except NoSuchVisit as error:
        raise NoSuchRequest from error
    return OpenRequest(request=request, visit=visit, gate=load_gate(stores, visit.facts.gate_id))


def check_requested(visit: LiveVisit) -> Requested:
    """Return the visit if it waits for an answer.

    Raises:
        AlreadyAnswered, TooManyFailedAnswers: it does not.
    """
    match visit:
        case Requested():
            return visit
        case Answered() | Accepted():
            raise AlreadyAnswered
        case Refused():
            raise TooManyFailedAnswers


def build_request(work: Work, request_id: str, *, party: Party, signer: RequestSigner, now: datetime) -> str:
    """Return the signed request object (OpenID4VP 1.0 §5, RFC 9101); repeatable until answered.

    Raises:
        NoSuchRequest, VisitExpired, AlreadyAnswered, TooManyFailedAnswers: there is nothing to answer.
    """
    with work.read() as stores:
        found = load_open_request(stores, request_id, now=now)
    return build_request_object(describe_request(found, party=party), signer=signer.signer, x5c=list(signer.x5c))


def describe_request(found: OpenRequest, *, party: Party) -> AuthorizationRequest:
    """Return the request as a value: what is asked, of whom, until when."""
    facts, request = found.visit.facts, found.request
    handshake = found.gate.terms.shake(request.salt)
    return AuthorizationRequest(
        client_id=party.client_id,
        nonce=handshake.nonce,
        state=request.state,
        response_uri=party.response_url(request.request_id),
        dcql=build_query(found.gate.requirement),
        handshake=handshake,
        client_metadata=ClientMetadata(client_name=party.name),
        issued_at=epoch_s(facts.created_at),
        expires_at=epoch_s(facts.expires_at),
    )


def build_link(request: PendingRequest, *, party: Party) -> str:
    """Return the link that opens a wallet: `openid4vp://?client_id=...&request_uri=...`."""
    return build_request_link(
        RequestReference(client_id=party.client_id, request_uri=party.request_url(request.request_id))
    )
