"""Receive an offer: see what a co-op offers, exchange the code, fetch every copy, look at it, keep it.

The token is kept before the first copy is asked for, and then each form of a copy whole or not at all, a few at a time.
So a lost connection or a refusal leaves what was received, a crash all but the last few, which the co-op hands out
again; and the same offer read again goes on where it stopped.
As the co-op hears from this wallet now anyway, what else it handed out before is topped up quietly.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from credentials.encoding import base64url, strict_json
from credentials.errors import HandstampError
from credentials.keys.signer import LocalSigner
from credentials.protocols.openid4vci import (
    CredentialOffer,
    OfferReference,
    TokenRequest,
    TokenResponse,
    TxCode,
    parse_offer_link,
)
from credentials.protocols.openid4vci.tokens import BEARER
from credentials.protocols.urls import host_of
from plumbing.fetch import FetchFailed
from wallet.counter import check_counter, fetch_token
from wallet.desk import Desk, fetch_offer, open_desk
from wallet.errand import Errand, expiry_of, fetch_copy, note_denied, tell_all
from wallet.errors import (
    AlreadyReceived,
    CodeNeeded,
    ComesLater,
    IssuerDenied,
    IssuerRefused,
    NothingOffered,
    RenewalOver,
    UnknownAuthority,
    UnwantedCredential,
)
from wallet.gathering import Gathering
from wallet.judging import Judge, ask_stated_keys
from wallet.kinds import Kind, LinkedForm, find_kinds, kind_in_words
from wallet.linked import LinkedKind
from wallet.links import OFFER, expecting
from wallet.noting import note_reasons, stem_of
from wallet.ports import Tools, Web
from wallet.service.top_up import top_up
from wallet.state import Copy, Purpose, Wallet
from wallet.supply import Deferred, Ownership, Source, Supply, Waiting
from wallet.wire import Proving

_ORDER: Final = (LinkedKind.PSEUDONYM, LinkedKind.DOOR, LinkedKind.BASELINE, LinkedKind.SIGNED, None)
"""What is asked for first. A co-op counts each copy in one form for life, the one that it hands out first: pseudonyms
make nobody recognisable, and the number in an SD-JWT VC does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedOffer:
    """An offer that was read, with what is known of the co-op; nothing was used up.

    Attributes:
        offer: as the co-op made it.
        desk: where to ask.
        first_party: the address that the errand began at.
        link_id: the hash of the address that it came from, or "" if it came whole.
        kinds: what it brings, by the co-op's name for it; only what this wallet can keep.
        left_out: why each other thing in it cannot be kept.
        begun: the offer's code was exchanged before, so no transaction code is needed again.
    """

    offer: CredentialOffer
    desk: Desk
    first_party: str
    link_id: str
    kinds: dict[str, Kind]
    left_out: dict[str, str]
    begun: bool

    @property
    def host(self) -> str:
        """Who offers."""
        return self.desk.host

    @property
    def code(self) -> TxCode | None:
        """What transaction code must be given, or None."""
        return None if self.begun else self.offer.tx_code


async def read_offer(text: str, *, tools: Tools) -> OpenedOffer:
    """Read an offer: a link by value or by reference, or the offer itself.

    Raises:
        UnknownAuthority: the wallet trusts nobody yet, so nothing could be received.
        NothingOffered: nothing in it that this wallet can keep.
        IssuerRefused, Malformed, FetchFailed: the co-op cannot be asked, or what it says cannot be read.
    """
    with expecting(OFFER, text):
        parsed = parse_offer_link(text)
    first_party = parsed.url if isinstance(parsed, OfferReference) else parsed.credential_issuer
    wallet = tools.keeper.load()
    if not wallet.anchors(Purpose.CO_OPS):
        raise UnknownAuthority(host_of(first_party))
    begun = _begun_at(wallet.pruned(tools.clock()), parsed)
    anchors = wallet.anchors(Purpose.CO_OPS)
    async with tools.web(first_party) as web:
        offer = CredentialOffer.parse(begun.offer) if begun else await _fetch(web, parsed)
        if offer.pre_authorized_code is None:
            raise IssuerRefused(host_of(offer.credential_issuer), "its offer takes a log-in, which this wallet lacks")
        desk = await open_desk(
            web, offer.credential_issuer, server=offer.authorization_server, anchors=anchors, at=tools.clock()
        )
    check_counter(desk)
    kinds, left_out = find_kinds(desk, offer.credential_configuration_ids)
    if not kinds:
        raise NothingOffered(desk.host, tuple(left_out.values()))
    return OpenedOffer(
        offer=offer,
        desk=desk,
        first_party=first_party,
        link_id=_link_id(parsed),
        kinds=kinds,
        left_out=left_out,
        begun=begun is not None,
    )


async def receive(
    opened: OpenedOffer, *, tools: Tools, tx_code: str | None = None, progress: Callable[[Copy], None] | None = None
) -> tuple[Copy, ...]:
    """Receive all copies of an offer, keep and return them.

    Args:
        opened: from `read_offer`.
        tools: the wallet and the world.
        tx_code: the transaction code, where `opened.code` says that one is wanted.
        progress: called with each copy once it is kept.

    Raises:
        CodeNeeded, WrongCode: no or another transaction code; it can be tried again.
        AlreadyReceived: everything in it is in the wallet.
        UnknownAuthority: no pinned authority vouches for the co-op. The offer stays open for some minutes.
        UnwantedCredential: what came was marked or of the wrong shape; that copy was not kept.
        IssuerRefused, FetchFailed: the co-op did not go on; what was received before is kept.
    """
    if opened.code and not tx_code:
        raise CodeNeeded(opened.code.description or "the co-op shows it after the offer")
    async with tools.web(opened.first_party) as web:
        # Another connection, and before anything that names the listener is sent.
        stated = await ask_stated_keys(web, opened.desk, opened.kinds)
    async with tools.web(opened.first_party) as web:
        supply = await _collect(web, opened, tx_code, tools)
        gathering = Gathering(tools.keeper)
        mine = replace(tools, keeper=gathering)
        judge = Judge(desk=opened.desk, kinds=opened.kinds, stated=stated, web=web, tools=mine)
        errand = Errand(
            web=web, desk=opened.desk, judge=judge, tools=mine, offer_id=supply.offer_id, gathering=gathering
        )
        copies = await _fetch_all(errand, _due(supply, opened.desk, tools), progress)
    await top_up(tools=tools, issuer=opened.desk.issuer)
    return copies


def _due(supply: Supply, desk: Desk, tools: Tools) -> tuple[Source, ...]:
    """Return what can be fetched now.

    Raises:
        AlreadyReceived, ComesLater: nothing.
    """
    now = tools.clock()
    waiting = (each for each in supply.waiting if not each.denied)
    due: tuple[Source, ...] = (*waiting, *(each for each in supply.deferred if now >= each.not_before))
    if not due and supply.deferred:
        raise ComesLater(desk.host, f"{min(each.not_before for each in supply.deferred):%d %B %Y, %H:%M} UTC")
    if not due:
        raise AlreadyReceived
    return due


async def _fetch_all(
    errand: Errand, sources: tuple[Source, ...], progress: Callable[[Copy], None] | None
) -> tuple[Copy, ...]:
    """Fetch each; one that is refused keeps no other from coming, and is told at the end."""
    copies: dict[Ownership, Copy] = {}
    refused: dict[Source, HandstampError] = {}
    complete: list[Copy] = []
    try:
        with errand.gathering.to_the_end():
            for source in chain(sources, _held_back(refused, copies)):
                fetched = await _try(errand, source, refused)
                if isinstance(fetched, Copy):
                    copies[fetched.key] = fetched
                    complete += [fetched] if _comes_last(source, sources) else []
                if errand.gathering.write_if_many():
                    _tell(complete, progress)
    finally:
        if errand.gathering.is_written:
            _tell(complete, progress)
    await tell_all(errand)
    errand.change(lambda wallet, supply: note_reasons(wallet, supply.issuer, sources, refused))
    errand.gathering.write()
    came = {each.id for each in copies.values()}
    told = [each for source, each in refused.items() if not _is_minor(source, each, came)]
    if told:
        raise told[0]
    wallet = errand.tools.keeper.load()
    return tuple(wallet.copy(key) or copy for key, copy in copies.items())


def _held_back(refused: dict[Source, HandstampError], copies: Mapping[Ownership, Copy]) -> Iterator[Source]:
    """Give, once all was asked for, the door passes that came before anything that they could be held against.

    It is so where a co-op cannot sign the linked credential of a record; the instances have come since.
    """
    came = {each.id for each in copies.values()}
    for source, refusal in tuple(refused.items()):
        if source.form is LinkedKind.DOOR and isinstance(refusal, UnwantedCredential) and stem_of(source) in came:
            del refused[source]
            yield source


def _tell(complete: list[Copy], progress: Callable[[Copy], None] | None) -> None:
    """Tell of each copy that is complete and kept, once."""
    while complete:
        copy = complete.pop(0)
        if progress:
            progress(copy)


async def _try(errand: Errand, source: Source, refused: dict[Source, HandstampError]) -> Copy | Deferred | None:
    try:
        return await fetch_copy(errand, source)
    except (FetchFailed, RenewalOver):
        raise
    except HandstampError as refusal:
        refused[source] = refusal
        note_denied(errand, source, refusal)
        return None


def _is_minor(source: Source, refusal: HandstampError, came: Collection[str]) -> bool:
    """Tell whether a refusal only means that a copy is here in fewer forms: it stays noted beside the copy.

    In which form a copy counts, and with which wallet, is decided once; that it is denied to another takes nothing from
    the listener.
    """
    return isinstance(refusal, IssuerDenied) and source.form is not None and stem_of(source) in came


def _comes_last(source: Source, sources: tuple[Source, ...]) -> bool:
    """Tell whether this is the last form that a copy comes in."""
    forms = [each for each in sources if stem_of(each) == stem_of(source)]
    return forms[-1] == source or not stem_of(source)


def _offer_id(offer: CredentialOffer) -> str:
    return _hash(f"{offer.credential_issuer}\n{offer.pre_authorized_code}")


def _hash(text: str) -> str:
    return base64url.encode(hashlib.sha256(text.encode()).digest())


def _link_id(parsed: CredentialOffer | OfferReference) -> str:
    return _hash(parsed.url) if isinstance(parsed, OfferReference) else ""


def _begun_at(wallet: Wallet, parsed: CredentialOffer | OfferReference) -> Supply | None:
    if isinstance(parsed, CredentialOffer):
        return _begun(wallet, parsed)
    return next((each for each in wallet.supplies if each.link_id == _link_id(parsed)), None)


async def _fetch(web: Web, parsed: CredentialOffer | OfferReference) -> CredentialOffer:
    return await fetch_offer(web, parsed) if isinstance(parsed, OfferReference) else parsed


def _begun(wallet: Wallet, offer: CredentialOffer) -> Supply | None:
    return next((each for each in wallet.supplies if each.offer_id == _offer_id(offer)), None)


async def _collect(web: Web, opened: OpenedOffer, tx_code: str | None, tools: Tools) -> Supply:
    """Return what is still to be fetched, after exchanging the code if that was not done before."""
    begun = _begun(tools.keeper.load().pruned(tools.clock()), opened.offer)
    if begun:
        return begun
    proving = Proving(signer=LocalSigner.generate(), clock=tools.clock, random=tools.random)
    request = TokenRequest(pre_authorized_code=opened.offer.pre_authorized_code or "", tx_code=tx_code)
    tools.keeper.check_room()  # the code is good once: on a full disk it is not used up
    token = await fetch_token(web, opened.desk, request, proving=proving)
    now = tools.clock()
    supply = Supply(
        offer_id=_offer_id(opened.offer),
        link_id=opened.link_id,
        offer=strict_json.dump(opened.offer.to_json()).decode(),
        issuer=opened.desk.issuer,
        key=proving.signer.to_pem(None).decode(),
        access_token=token.access_token,
        bearer=token.token_type == BEARER,
        expires_at=expiry_of(token, now),
        refresh_token=token.refresh_token,
        token_at=now,
        sources=_waiting(opened, token),
    )
    # Kept before the first copy is asked for: the code is used up now, the token is all there is.
    tools.keeper.change(lambda wallet: (wallet.pruned(now).with_supply(supply), None))
    if not supply.sources:
        raise IssuerRefused(opened.host, "it took the offer and then gave nothing of what it had offered")
    return supply


def _waiting(opened: OpenedOffer, token: TokenResponse) -> tuple[Waiting, ...]:
    return tuple(sorted(_granted(opened, token), key=lambda each: _ORDER.index(each.form)))


def _granted(opened: OpenedOffer, token: TokenResponse) -> Iterator[Waiting]:
    if not token.authorization_details:
        # A server that names no identifiers has one copy of each.
        for each in opened.kinds:
            yield Waiting(configuration_id=each, credential_identifier=None, form=_form_of(opened.kinds[each]))
    for detail in token.authorization_details:
        kind = opened.kinds.get(detail.credential_configuration_id)
        for identifier in detail.credential_identifiers if kind else ():
            yield Waiting(
                configuration_id=detail.credential_configuration_id,
                credential_identifier=identifier,
                form=_form_of(kind) if kind else None,
                scope=detail.commitments.get(identifier),
            )


def _form_of(kind: Kind) -> LinkedKind | None:
    return kind.kind if isinstance(kind, LinkedForm) else None


def offered_in_words(opened: OpenedOffer) -> str:
    """Return what an offer brings, such as "a track and a release"."""
    return " and ".join(dict.fromkeys(kind_in_words(kind) for kind in opened.kinds.values()))
