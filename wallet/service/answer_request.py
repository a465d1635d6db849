"""Answer a request: read it, check who asks, choose the least that answers it, and, after a yes, show that once.

1. Fetch the request; nothing of the wallet goes along (`wallet.service.fetch_request`).
2. Verify it: the host that a pinned authority certifies, the answer to that host only, the terms that the nonce
   commits to. A request that was answered before, and taken, is not answered again.
3. Choose the fewest claims that answer it, and those first by which nobody is known again.
4. (The listener reads `Asked.consent` and says yes. A no sends nothing, as does a wallet that has nothing to show:
   else a site that asks for a record would learn from the no that it is owned.)
5. Take the instances out of the wallet, write the receipt, save. What was taken is never shown again, whatever
   happens next.
6. Sign and post the answer, encrypted if the site asks for that; nothing is sent to the co-op.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from credentials.encoding import base64url, strict_json
from credentials.keys.certificates import parse_x5c
from credentials.keys.signer import LocalSigner
from credentials.protocols.dcql import Choice, Holding, NothingMatches, choose
from credentials.protocols.openid4vci import SD_JWT_VC
from credentials.protocols.openid4vp import (
    AuthorizationRequest,
    AuthorizationResponse,
    DirectPostResult,
    parse_request_link,
)
from credentials.sd_jwt import build_presentation, parse_sd_jwt
from plumbing.clock import epoch_s
from plumbing.fetch import FetchFailed, FetchRefused, Reply
from wallet.consent import Consent, build_consent, find_shown
from wallet.errors import NotForThisGate, NoUsesLeft, SiteRefused
from wallet.links import expecting
from wallet.ports import Tools
from wallet.recognising import RECOGNISABLE
from wallet.refused import AnswerLost, QuestionAnswered, refusing
from wallet.service.fetch_request import fetch_request
from wallet.state import Copy, Instance, Receipt, Shown, Wallet
from wallet.wire import FORM, JSON, origin_of, read_refusal, succeeded
from wallet.words import title_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A verified request and what would answer it; nothing was shown.

    Attributes:
        request: as the site signed it.
        consent: all of it in words, for the listener.
        first_party: the address that the errand began at.
    """

    request: AuthorizationRequest
    consent: Consent
    first_party: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The site took the answer.

    Attributes:
        receipt: what was shown, kept in the wallet.
        redirect_uri: where the browser that began goes on; None if it updates by itself.
        first_party: the address that the errand began at.
    """

    receipt: Receipt
    redirect_uri: str | None
    first_party: str


async def read_request(link: str, *, tools: Tools, first_party: str | None = None, uncertified: bool = False) -> Asked:
    """Read the link of a request (pasted, or from a QR code) and the request that it leads to.

    Args:
        link: as it came.
        tools: the wallet and the world.
        first_party: who gave the link, if a site did: it decides how far the errand may reach.
        uncertified: answer also a site that no authority vouches for; only after the listener said so.

    Raises:
        UnknownAuthority: no pinned authority certifies who asks.
        UncertifiedSite: no authority could, and `uncertified` is not set.
        QuestionAnswered: this very request was answered before.
        NotForThisGate, NoUsesLeft: nothing in the wallet answers it, or not any more.
        SiteRefused, FetchFailed: the request is not there.
        QuestionRefused, HandstampError: the request is one that must not be answered; its words say why.
    """
    with expecting("the link of a request", link), refusing("this link"):
        parsed = parse_request_link(link)
    wallet = tools.keeper.load().pruned(tools.clock())
    fetched = await fetch_request(parsed, wallet, tools=tools, first_party=first_party, uncertified=uncertified)
    request = fetched.request
    doubt = _check_new(request, wallet.receipts)
    choice = _choose(request, wallet.copies)
    copies = {_holding_id(copy): copy for copy in wallet.copies}
    consent = build_consent(request, choice, copies, receipts=wallet.receipts)
    consent = replace(consent, warnings=(*consent.warnings, *doubt))
    return Asked(request=request, consent=consent, first_party=fetched.first_party)


async def answer(asked: Asked, *, tools: Tools) -> Answered:
    """Show what `asked.consent` says. Call it only after the listener said yes.

    Raises:
        NoUsesLeft: another command used the last instance meanwhile; nothing was sent.
        SiteRefused, AnswerLost: the answer was not taken, or nobody knows; the instances are used up all the same.
    """
    request = asked.request
    now = tools.clock()
    taken = tools.keeper.change(lambda wallet: _take(wallet.pruned(now), asked))
    presentations = _present(asked, taken, epoch_s(now))
    receipt = _receipt(asked, presentations, tools)
    # The receipt says who may have seen what, so it is kept before anything leaves.
    tools.keeper.change(lambda wallet: (wallet.with_receipt(receipt), None))
    response = AuthorizationResponse(
        vp_token={copy.query_id: (text,) for copy, text in zip(asked.consent.copies, presentations, strict=True)},
        state=request.state,
    )
    reply = await _post(asked, response.to_form(request.encryption), tools)
    if not succeeded(reply):
        raise SiteRefused(request.host, read_refusal(reply), shown=True)
    redirect_uri = DirectPostResult.parse(reply.body).redirect_uri
    accepted = replace(receipt, accepted=True)
    tools.keeper.change(lambda wallet: (wallet.with_receipt(accepted), None))
    if redirect_uri is not None:
        check_own_address(redirect_uri, request)
    return Answered(receipt=accepted, redirect_uri=redirect_uri, first_party=asked.first_party)


async def _post(asked: Asked, form: bytes, tools: Tools) -> Reply:
    async with tools.web(asked.first_party) as web:
        try:
            return await web.request("POST", asked.request.response_uri, headers=JSON | FORM, content=form)
        except FetchFailed as error:
            raise AnswerLost(asked.request.host, error.reason) from error
        except FetchRefused as error:
            raise SiteRefused(asked.request.host, f"its address {error.reason}", shown=True) from error


def check_own_address(url: str, request: AuthorizationRequest) -> None:
    """Check that a site sends the listener on to itself: the origin of the answer, or the certified host.

    Raises:
        SiteRefused: it leads to another host, which could take over the session.
    """
    ours, theirs = origin_of(request.response_uri), origin_of(url)
    if theirs != ours and not (theirs[0] == ours[0] and theirs[1] == request.host.lower()):
        raise SiteRefused(request.host, "it leads you on to another host, which is refused", shown=True)


def _check_new(request: AuthorizationRequest, receipts: Iterable[Receipt]) -> tuple[str, ...]:
    """Refuse a request that was answered and taken; return a warning about one of which that is not known."""
    earlier = [each for each in receipts if (each.nonce, each.site) == (request.nonce, request.host)]
    for receipt in earlier:
        if receipt.accepted:
            raise QuestionAnswered(request.host, receipt.at)
    if not earlier:
        return ()
    return ("You answered this before, and whether it arrived is not known. Another stamp would be used now.",)


def _holding_id(copy: Copy) -> str:
    return " ".join(copy.key)


def _holdings(copies: Iterable[Copy], request: AuthorizationRequest) -> list[Holding]:
    # Those with most uses left first: where two copies answer alike, the richer one is taken.
    held = []
    asked = request.dcql.vct_values()
    for copy in sorted((copy for copy in copies if copy.vct in asked), key=lambda copy: -len(copy.instances)):
        signed = _read_signed(copy.instances[0].credential.partition(".")[0]) if copy.instances else None
        if signed and not request.client_metadata.takes_issuer(signed.algorithm):
            continue
        held.append(
            Holding(
                id=_holding_id(copy),
                format=SD_JWT_VC,
                vct=copy.vct,
                claims={**copy.claims, "iss": copy.issuer, "vct": copy.vct},
                authority_key_ids=signed.authorities if signed else frozenset(),
            )
        )
    return held


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signed:
    """By which algorithm a credential is signed, and the authority key identifiers of the certificates it carries."""

    algorithm: str
    authorities: frozenset[str]


# A co-op signs thousands of copies under one header.
@lru_cache(maxsize=256)
def _read_signed(header: str) -> _Signed:
    what = "header of a credential"
    members = strict_json.parse_object(base64url.decode(header, what=what), what=what)
    x5c = members.get("x5c")
    known = frozenset() if x5c is None else parse_x5c(x5c, what="certificate chain").authority_key_ids
    return _Signed(algorithm=str(members.get("alg")), authorities=known)


def _choose(request: AuthorizationRequest, copies: Sequence[Copy]) -> Choice:
    usable = _holdings((copy for copy in copies if copy.instances), request)
    try:
        return choose(request.dcql, usable, avoid=RECOGNISABLE)
    except NothingMatches as nothing:
        try:
            used_up = choose(request.dcql, _holdings(copies, request), avoid=RECOGNISABLE)
        except NothingMatches:
            raise NotForThisGate(request.host, _in_words(copies)) from nothing
        empty = {_holding_id(copy): copy for copy in copies if not copy.instances}
        titles = [title_of(empty[each]) for each in sorted(used_up.holding_ids()) if each in empty]
        raise NoUsesLeft(" and ".join(titles)) from nothing


def _in_words(copies: Sequence[Copy]) -> str:
    if not copies:
        return "it is empty so far; receive an offer from your co-op first"
    return "it asks for what you have not received here. If it is yours, ask your co-op for an offer of it"


def _take(wallet: Wallet, asked: Asked) -> tuple[Wallet, list[Instance]]:
    taken = []
    for copy in asked.consent.copies:
        wallet, instance = wallet.taking_instance(copy.key)
        if instance is None:
            raise NoUsesLeft(copy.title)
        taken.append(instance)
    return wallet, taken


def _present(asked: Asked, taken: Sequence[Instance], issued_at: int) -> list[str]:
    return [
        build_presentation(
            parse_sd_jwt(instance.credential),
            disclose=copy.paths,
            nonce=asked.request.nonce,
            audience=asked.request.client_id,
            issued_at=issued_at,
            signer=LocalSigner.from_pem(instance.key.encode(), None),
        )
        for copy, instance in zip(asked.consent.copies, taken, strict=True)
    ]


def _receipt(asked: Asked, presentations: Sequence[str], tools: Tools) -> Receipt:
    handshake = asked.request.handshake
    copies = {copy.key: copy for copy in tools.keeper.load().copies}
    return Receipt(
        id=base64url.encode(tools.random(16)),
        at=tools.clock(),
        site=asked.request.host,
        terms=handshake.text if handshake else None,
        salt=base64url.encode(handshake.salt) if handshake else None,
        nonce=asked.request.nonce,
        shown=tuple(
            Shown(
                copy_id=copies[copy.key].id,
                title=copy.title,
                claims=find_shown(copies[copy.key], copy.paths),
                statement=copy.statement,
                foreign=copies[copy.key].foreign is not None,
            )
            for copy in asked.consent.copies
        ),
        bindings=tuple(text.rpartition("~")[2] for text in presentations),
    )
