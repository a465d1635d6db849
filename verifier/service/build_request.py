"""Build the request that a wallet fetches: signed, for one visit, with the terms in its nonce."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from credentials.keys.encryption import ENCRYPTIONS
from credentials.protocols.dcql import LDP_VC, SD_JWT_VC
from credentials.protocols.openid4vp import (
    DIRECT_POST,
    DIRECT_POST_JWT,
    ISSUER_ALGORITHMS,
    AuthorizationRequest,
    ClientMetadata,
    Prefix,
    RequestReference,
    build_request_link,
    build_request_object,
    build_unsigned_link,
)
from credentials.trust import TrustPolicy
from plumbing.clock import epoch_s
from verifier.errors import AlreadyAnswered, NoSuchRequest, NoSuchVisit, TooManyFailedAnswers, WalletNotServed
from verifier.forms import Form, forms_of, issuers_of_proofs, nym_domain
from verifier.requirements import Asked, build_asked
from verifier.service.start_visit import load_gate
from verifier.service.transitions import load_live
from verifier.visits import Accepted, Answered, AwaitingCode, Device, LiveVisit, PendingRequest, Refused, Requested

if TYPE_CHECKING:
    from datetime import datetime

    from credentials.keys.encryption import DecryptionKey
    from credentials.protocols.openid4vp import RequestUriPost
    from verifier.gates import Gate
    from verifier.party import AnswerKeys, Party, RequestSigner
    from verifier.ports import Stores, Work


LINKED_SUITES: Final = ("bbs-2023", "eddsa-rdfc-2022", "ecdsa-rdfc-2019", "ecdsa-sd-2023")
"""The cryptosuites that linked credentials may be secured with here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest:
    """A request of a visit, with its gate, and whom the site trusts."""

    request: PendingRequest
    visit: Requested
    gate: Gate
    policy: TrustPolicy = field(default_factory=TrustPolicy)


def load_open_request(stores: Stores, request_id: str, *, now: datetime) -> OpenRequest:
    """Return a request that can still be answered.

    Raises:
        NoSuchRequest: it was swept, or never was.
        VisitExpired, AlreadyAnswered, TooManyFailedAnswers: its visit is past it.
        GateClosed: the site closed the gate meanwhile.
    """
    request = stores.load_request(request_id)
    if request is None:
        raise NoSuchRequest
    try:
        visit = check_requested(load_live(stores, request.visit_id, now=now))
    except NoSuchVisit as error:
        raise NoSuchRequest from error
    gate = load_gate(stores, visit.facts.gate_id)
    gate.check_open()
    return OpenRequest(request=request, visit=visit, gate=gate, policy=stores.load_policy(gate.site))


def check_requested(visit: LiveVisit) -> Requested:
    """Return the visit if it waits for an answer.

    Raises:
        AlreadyAnswered, TooManyFailedAnswers: it does not.
    """
    match visit:
        case Requested():
            return visit
        case Answered() | AwaitingCode() | Accepted():
            raise AlreadyAnswered
        case Refused():
            raise TooManyFailedAnswers


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What a request is written with: who asks, and with which keys.

    Attributes:
        party: who asks.
        signer: signs; None for a client that proves nothing (`redirect_uri`).
        answer_keys: opens the keys that answers are encrypted to; None where answers come plain.
    """

    party: Party
    signer: RequestSigner | None
    answer_keys: AnswerKeys | None = None


def build_request(
    work: Work, request_id: str, *, asking: Asking, now: datetime, wallet: RequestUriPost | None = None
) -> str:
    """Return the signed request object (OpenID4VP 1.0 §5, RFC 9101); repeatable until answered.

    Args:
        work: opens the transaction.
        request_id: which request.
        asking: who asks.
        now: the time.
        wallet: what the wallet said of itself, if it fetches by POST (§5.10).

    Raises:
        NoSuchRequest, VisitExpired, AlreadyAnswered, TooManyFailedAnswers, GateClosed: there is nothing to answer.
        WalletNotServed: the wallet says that it could not answer.
    """
    with work.read() as stores:
        found = load_open_request(stores, request_id, now=now)
    if asking.signer is None:
        raise NoSuchRequest  # such a request stands in the link itself
    nonce = None
    if wallet is not None:
        _check_served(wallet, asking.party, found)
        nonce = wallet.wallet_nonce
    described = describe_request(found, asking=asking, now=now, wallet_nonce=nonce)
    signer = asking.signer
    return build_request_object(described, signer=signer.signer, x5c=list(signer.x5c) or None, kid=signer.kid)


def ask(found: OpenRequest, party: Party) -> Asked:
    """Return what a gate asks for, in every form that it takes."""
    gate, policy = found.gate, found.policy
    return build_asked(
        gate.requirement,
        counting=gate.counting is not None,
        forms=forms_of(gate, party, policy),
        issuers=issuers_of_proofs(policy),
    )


def describe_request(
    found: OpenRequest, *, asking: Asking, now: datetime, wallet_nonce: str | None = None
) -> AuthorizationRequest:
    """Return the request as a value: what is asked, of whom, until when; a pseudonym, for the month of `now`."""
    facts, request, gate, party = found.visit.facts, found.request, found.gate, asking.party
    handshake = gate.terms.shake(request.salt)
    key = open_answer_key(request, asking.answer_keys)
    asked = ask(found, party)
    return AuthorizationRequest(
        client_id=party.client_id(request.request_id),
        nonce=handshake.nonce,
        state=request.state,
        response_uri=party.response_url(request.request_id),
        response_mode=DIRECT_POST if key is None else DIRECT_POST_JWT,
        dcql=asked.query,
        handshake=handshake,
        client_metadata=ClientMetadata(
            client_name=party.name,
            sd_jwt_algorithms=ISSUER_ALGORITHMS,
            takes_sd_jwt=bool(asked.ids_in(Form.SD_JWT)),
            linked_suites=LINKED_SUITES if set(asked.forms.values()) - {Form.SD_JWT} else None,
            encryption_keys=() if key is None else (key.public_jwk,),
            encryption_encs=tuple(sorted(ENCRYPTIONS)),
        ),
        issued_at=epoch_s(facts.created_at),
        expires_at=epoch_s(facts.expires_at),
        wallet_nonce=wallet_nonce,
        nym_domains={query_id: nym_domain(gate, party, now=now) for query_id in asked.ids_in(Form.PSEUDONYM)},
    )


def open_answer_key(request: PendingRequest, answer_keys: AnswerKeys | None) -> DecryptionKey | None:
    """Return the key that the request's answer is encrypted to; None if it comes plain."""
    return None if request.answer_key is None or answer_keys is None else answer_keys.open(request.answer_key)


def build_link(found: OpenRequest, *, asking: Asking) -> str:
    """Return the link that opens a wallet: `openid4vp://?client_id=...&request_uri=...`.

    A client that proves nothing has its whole request in the link (§5.9.3, `redirect_uri`). For another device it goes
    without the words of the terms, so that it fits a code; its nonce commits to them all the same.
    """
    request, party = found.request, asking.party
    if party.prefix is Prefix.REDIRECT_URI:
        described = describe_request(found, asking=asking, now=found.visit.facts.created_at)
        return build_unsigned_link(replace(described, handshake=None) if request.device is Device.CROSS else described)
    return build_request_link(
        RequestReference(
            client_id=party.client_id(request.request_id),
            request_uri=party.request_url(request.request_id),
            method="post" if party.fetched_by_post else "get",
        )
    )


def _check_served(wallet: RequestUriPost, party: Party, found: OpenRequest) -> None:
    """Refuse early what would fail later: the wallet itself says what it can do (§5.10, §10)."""
    said = wallet.wallet_metadata
    if said is None:
        return
    forms = forms_of(found.gate, party, found.policy)
    taken = {SD_JWT_VC if form is Form.SD_JWT else LDP_VC for form in forms}
    if said.formats.isdisjoint(taken):
        raise WalletNotServed(" or ".join(f"`{each}`" for each in sorted(taken)))
    if party.prefix.value not in said.client_id_prefixes:
        raise WalletNotServed(f"the client identifier prefix `{party.prefix.value}`")
