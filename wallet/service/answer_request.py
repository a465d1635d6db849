"""Answer a request: read it, check who asks, choose the least that answers it, and, after a yes, show that once.

1. Fetch the request; nothing of the wallet goes along (`wallet.service.fetch_request`).
2. Verify it: the host that a pinned authority certifies, the answer to that host only, the terms that the nonce
   commits to. A request that was answered before, and taken, is not answered again.
3. Choose the form that tells the least (`wallet.holdings`), of it the fewest claims that answer, and those first by
   which nobody is known again.
4. (The listener reads `Asked.consent` and says yes. A no sends nothing, as does a wallet that has nothing to show:
   else a site that asks for a record would learn from the no that it is owned.)
5. Take the instances out of the wallet, write the receipt, save. What was taken is never shown again, whatever
   happens next. A proof takes nothing.
6. Make the proofs, sign, and post the answer, encrypted if the site asks for that; nothing is sent to the co-op.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from credentials.encoding import base64url, strict_json
from credentials.keys.signer import LocalSigner
from credentials.protocols.dcql import Choice, NothingMatches, Presentation
from credentials.protocols.openid4vp import (
    AuthorizationRequest,
    AuthorizationResponse,
    DirectPostResult,
    parse_request_link,
)
from credentials.sd_jwt import build_presentation, parse_sd_jwt
from plumbing.clock import epoch_s
from plumbing.fetch import FetchFailed, FetchRefused, Reply
from wallet.consent import Consent, ShownCopy, build_consent
from wallet.errors import NotForThisGate, NoUsesLeft, SiteRefused
from wallet.holdings import Held, Holdings
from wallet.links import REQUEST, expecting
from wallet.ports import Tools
from wallet.proving import prove
from wallet.receipts import Receipt
from wallet.refused import AnswerLost, ProofEnded, QuestionAnswered, refusing
from wallet.renewing import RENEWING_NOW, Late, find_late
from wallet.service.fetch_request import fetch_request
from wallet.state import Copy, Instance, Wallet
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
        NotForThisGate, NoUsesLeft, ProofEnded: nothing in the wallet answers it, or not any more.
        SiteRefused, FetchFailed: the request is not there.
        QuestionRefused, HandstampError: the request is one that must not be answered; its words say why.
    """
    with expecting(REQUEST, link), refusing("this link"):
        parsed = parse_request_link(link)
    wallet = tools.keeper.load().pruned(tools.clock())
    fetched = await fetch_request(parsed, wallet, tools=tools, first_party=first_party, uncertified=uncertified)
    request = fetched.request
    in_doubt = _check_new(request, wallet.receipts)
    chosen = _choose(request, wallet, tools.clock())
    consent = build_consent(request, chosen.choice, chosen.held, receipts=wallet.receipts)
    doubt = _doubt(consent) if in_doubt else ()
    consent = replace(consent, warnings=(*consent.warnings, *_too_late(chosen.late), *doubt))
    return Asked(request=request, consent=consent, first_party=fetched.first_party)


async def answer(asked: Asked, *, tools: Tools) -> Answered:
    """Show what `asked.consent` says. Call it only after the listener said yes.

    Raises:
        NoUsesLeft, ProofEnded: another command used the last instance meanwhile, or a month ended; nothing was sent.
        SiteRefused, AnswerLost: the answer was not taken, or nobody knows; the instances are used up all the same.
    """
    request = asked.request
    now = tools.clock()
    taken = tools.keeper.change(lambda wallet: _take(wallet.pruned(now), asked, now))
    presentations = _present(asked, taken, tools)
    receipt = _receipt(asked, presentations, tools)
    # The receipt says who may have seen what, so it is kept before anything leaves.
    tools.keeper.change(lambda wallet: (wallet.with_receipt(receipt), None))
    response = AuthorizationResponse(
        vp_token={copy.query_id: (shown,) for copy, shown in zip(asked.consent.copies, presentations, strict=True)},
        state=request.state,
    )
    reply = await _post(asked, response.to_form(request.encryption), tools)
    if not succeeded(reply):
        raise SiteRefused(request.host, read_refusal(reply), shown=True, used_up=asked.consent.uses_up)
    redirect_uri = DirectPostResult.parse(reply.body).redirect_uri
    accepted = replace(receipt, accepted=True)
    tools.keeper.change(lambda wallet: (wallet.with_receipt(accepted), None))
    if redirect_uri is not None:
        check_own_address(redirect_uri, request, used_up=asked.consent.uses_up)
    return Answered(receipt=accepted, redirect_uri=redirect_uri, first_party=asked.first_party)


async def _post(asked: Asked, form: bytes, tools: Tools) -> Reply:
    async with tools.web(asked.first_party) as web:
        try:
            return await web.request("POST", asked.request.response_uri, headers=JSON | FORM, content=form)
        except FetchFailed as error:
            raise AnswerLost(asked.request.host, error.reason, used_up=asked.consent.uses_up) from error
        except FetchRefused as error:
            reason = f"its address {error.reason}"
            raise SiteRefused(asked.request.host, reason, shown=True, used_up=asked.consent.uses_up) from error


def check_own_address(url: str, request: AuthorizationRequest, *, used_up: bool = True) -> None:
    """Check that a site sends the listener on to itself: the origin of the answer, or the certified host.

    Raises:
        SiteRefused: it leads to another host, which could take over the session.
    """
    ours, theirs = origin_of(request.response_uri), origin_of(url)
    if theirs != ours and not (theirs[0] == ours[0] and theirs[1] == request.host.lower()):
        reason = "it leads you on to another host, which is refused"
        raise SiteRefused(request.host, reason, shown=True, used_up=used_up)


def _check_new(request: AuthorizationRequest, receipts: Iterable[Receipt]) -> bool:
    """Refuse a request that was answered and taken; tell whether it is one of which that is not known."""
    earlier = [each for each in receipts if (each.nonce, each.site) == (request.nonce, request.host)]
    for receipt in earlier:
        if receipt.accepted:
            raise QuestionAnswered(request.host, receipt.at)
    return bool(earlier)


def _doubt(consent: Consent) -> tuple[str, ...]:
    another = " Another stamp would be used now." if consent.uses_up else ""
    return (f"You answered this before, and whether it arrived is not known.{another}",)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """What answers, and what would have told less if it had been renewed in time."""

    choice: Choice
    held: dict[str, Held]
    late: tuple[Late, ...] = ()


def _choose(request: AuthorizationRequest, wallet: Wallet, now: datetime) -> _Chosen:
    holdings = Holdings(request, wallet.copies, at=now)
    usable = holdings.usable()
    late = _find_late(holdings, usable, wallet, now)
    try:
        return _Chosen(choice=holdings.choose(usable), held={each.id: each for each in usable}, late=late)
    except NothingMatches as nothing:
        if late:
            raise ProofEnded(late[0].why, late[0].renewing) from nothing
        used_up = holdings.used_up()
        try:
            choice = holdings.choose(used_up)
        except NothingMatches:
            raise NotForThisGate(request.host, _in_words(wallet.copies)) from nothing
        empty = {each.id: each.copy for each in used_up if not each.copy.instances}
        titles = [title_of(empty[each]) for each in sorted(choice.holding_ids()) if each in empty]
        raise NoUsesLeft(" and ".join(titles)) from nothing


def _find_late(holdings: Holdings, usable: list[Held], wallet: Wallet, now: datetime) -> tuple[Late, ...]:
    """Say what would be shown in the place of what is chosen, had it not ended."""
    ended = {each.id: each for each in holdings.ended(wallet)}
    if not ended:
        return ()
    try:
        wanted = holdings.choose([*usable, *ended.values()]).holding_ids()
    except NothingMatches:
        return ()
    missed = [ended[each] for each in sorted(wanted) if each in ended]
    found = (find_late(each.copy, each.kind, wallet, now) for each in missed if each.kind)
    return tuple(each for each in found if each)


def _too_late(late: Sequence[Late]) -> tuple[str, ...]:
    said = [f"{each.why} {each.instance}" for each in late if each.instance]
    renew = f"Or say no, and renew first (handstamp wallet renew --now). {RENEWING_NOW}"
    return (*said, renew) if said else ()


def _in_words(copies: Sequence[Copy]) -> str:
    if not copies:
        return "it is empty so far; receive an offer from your co-op first"
    return "it asks for what you have not received here. If it is yours, ask your co-op for an offer of it"


def _take(wallet: Wallet, asked: Asked, now: datetime) -> tuple[Wallet, list[Instance | None]]:
    taken: list[Instance | None] = []
    for shown in asked.consent.copies:
        if shown.linked is None:
            wallet, instance = wallet.taking_instance(shown.key)
            if instance is None:
                raise NoUsesLeft(shown.title)
            taken.append(instance)
        else:
            wallet = _proving(wallet, shown, now)
            taken.append(None)
    return wallet, taken


def _proving(wallet: Wallet, shown: ShownCopy, now: datetime) -> Wallet:
    """Count a showing by proof, of a copy that is still here and still good."""
    copy = wallet.copy(shown.key)
    if copy is None or shown.linked is None:
        raise NoUsesLeft(shown.title)
    if not shown.linked.is_valid(now):
        raise ProofEnded(f"The proof of {shown.title} has ended while you were reading.", RENEWING_NOW)
    return wallet.replacing(replace(copy, uses=copy.uses + 1))


def _present(asked: Asked, taken: Sequence[Instance | None], tools: Tools) -> list[Presentation]:
    wallet = tools.keeper.load()
    return [
        _sign(asked, copy, instance, epoch_s(tools.clock())) if instance else _prove(asked, copy, wallet, tools)
        for copy, instance in zip(asked.consent.copies, taken, strict=True)
    ]


def _sign(asked: Asked, copy: ShownCopy, instance: Instance, issued_at: int) -> Presentation:
    return build_presentation(
        parse_sd_jwt(instance.credential),
        disclose=copy.paths,
        nonce=asked.request.nonce,
        audience=asked.request.client_id,
        issued_at=issued_at,
        signer=LocalSigner.from_pem(instance.key.encode(), None),
    )


def _prove(asked: Asked, shown: ShownCopy, wallet: Wallet, tools: Tools) -> Presentation:
    copy, linked = wallet.copy(shown.key), shown.linked
    if copy is None or linked is None:
        raise NoUsesLeft(shown.title)
    return prove(
        linked,
        nym=wallet.nym_of(copy, linked),
        request=asked.request,
        query_id=shown.query_id,
        pointers=shown.pointers,
        random=tools.random,
    )


def _binding(presentation: Presentation) -> str:
    """Return what a receipt keeps: the key binding of an instance, which signs the nonce, or all of a proof."""
    if isinstance(presentation, str):
        return presentation.rpartition("~")[2]
    return strict_json.dump(dict(presentation)).decode()


def _receipt(asked: Asked, presentations: Sequence[Presentation], tools: Tools) -> Receipt:
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
            shown.told(copy_id=copies[shown.key].id, foreign=copies[shown.key].foreign is not None)
            for shown in asked.consent.copies
        ),
        bindings=tuple(map(_binding, presentations)),
        client_id=asked.request.client_id,
        response_uri=asked.request.response_uri,
    )
