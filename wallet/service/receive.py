"""Receive an offer: see what a co-op offers, exchange the code, fetch every copy, look at it, keep it.

What is kept is kept at once: the token before the first copy is asked for, and each copy whole or not at all. So a
crash, a lost connection or a refusal leaves what was received, and the same offer read again goes on where it stopped.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import schemas
from credentials.encoding import base64url, strict_json
from credentials.keys.signer import LocalSigner
from credentials.protocols.openid4vci import (
    SD_JWT_VC,
    CredentialOffer,
    OfferReference,
    TokenResponse,
    TxCode,
    parse_offer_link,
)
from credentials.protocols.urls import host_of
from credentials.trust import TrustedIssuer, TrustPolicy
from schemas import CredentialType
from wallet import words
from wallet.desk import Desk, fetch_instances, fetch_offer, fetch_stated_keys, fetch_token, open_desk
from wallet.errors import (
    AlreadyReceived,
    CodeNeeded,
    IssuerRefused,
    NothingOffered,
    UnknownAuthority,
    UnwantedCredential,
)
from wallet.inspection import inspect
from wallet.links import expecting
from wallet.ports import Tools, Web
from wallet.state import Copy, Instance, Purpose, Wallet
from wallet.supply import Brought, Supply, Waiting
from wallet.wire import Proving

INSTANCES: Final = 4
"""How many instances of a copy are asked for at a time; a wallet that showed some tops up later."""
_TOKEN_LIFE: Final = timedelta(minutes=10)
_LONGEST_TOKEN_LIFE: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedOffer:
    """An offer that was read, with what is known of the co-op; nothing was used up.

    Attributes:
        offer: as the co-op made it.
        desk: where to ask.
        first_party: the address that the errand began at.
        link_id: the hash of the address that it came from, or "" if it came whole.
        kinds: what it brings, by the co-op's name for it; only what this wallet can keep.
        begun: the offer's code was exchanged before, so no transaction code is needed again.
    """

    offer: CredentialOffer
    desk: Desk
    first_party: str
    link_id: str
    kinds: dict[str, CredentialType]
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
    with expecting("the link of an offer", text):
        parsed = parse_offer_link(text)
    first_party = parsed.url if isinstance(parsed, OfferReference) else parsed.credential_issuer
    wallet = tools.keeper.load()
    if not wallet.anchors(Purpose.CO_OPS):
        raise UnknownAuthority(host_of(first_party))
    begun = _begun_at(wallet.pruned(tools.clock()), parsed)
    async with tools.web(first_party) as web:
        offer = CredentialOffer.parse(begun.offer) if begun else await _fetch(web, parsed)
        desk = await open_desk(web, offer)
    return OpenedOffer(
        offer=offer,
        desk=desk,
        first_party=first_party,
        link_id=_link_id(parsed),
        kinds=_kinds(offer, desk),
        begun=begun is not None,
    )


async def receive(
    opened: OpenedOffer, *, tools: Tools, tx_code: str | None = None, progress: Callable[[Copy], None] | None = None
) -> tuple[Copy, ...]:
    """Receive all copies of an offer and return them; each is kept before the next is asked for.

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
        stated = await fetch_stated_keys(web, opened.desk.issuer)
    async with tools.web(opened.first_party) as web:
        supply = await _collect(web, opened, tx_code, tools)
        if not supply.waiting:
            raise AlreadyReceived
        copies = []
        for waiting in supply.waiting:
            copies.append(await _fetch_copy(web, opened, waiting, supply, stated, tools))
            if progress:
                progress(copies[-1])
        return tuple(copies)


def _kinds(offer: CredentialOffer, desk: Desk) -> dict[str, CredentialType]:
    if offer.pre_authorized_code is None:
        raise IssuerRefused(desk.host, "its offer takes a log-in, which this wallet cannot do yet")
    if desk.metadata.encryption_required:
        raise IssuerRefused(desk.host, "it demands encrypted answers, which this wallet cannot read yet")
    kinds = {}
    for configuration_id in offer.credential_configuration_ids:
        configuration = desk.metadata.configuration(configuration_id)
        kind = schemas.BY_VCT.get(configuration.vct or "")
        if kind and configuration.format == SD_JWT_VC and not configuration.key_attestation_required:
            kinds[configuration_id] = kind
    if not kinds:
        raise NothingOffered(desk.host)
    return kinds


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
    token = await fetch_token(web, opened.desk, opened.offer, tx_code=tx_code, proving=proving)
    now = tools.clock()
    supply = Supply(
        offer_id=_offer_id(opened.offer),
        link_id=opened.link_id,
        offer=strict_json.dump(opened.offer.to_json()).decode(),
        issuer=opened.desk.issuer,
        key=proving.signer.to_pem(None).decode(),
        access_token=token.access_token,
        expires_at=now + _token_life(token),
        token_at=now,
        sources=_waiting(opened, token),
    )
    # Kept before the first copy is asked for: the code is used up now, the token is all there is.
    tools.keeper.change(lambda wallet: (wallet.pruned(now).with_supply(supply), None))
    return supply


def _token_life(token: TokenResponse) -> timedelta:
    if token.expires_in is None:
        return _TOKEN_LIFE
    return min(timedelta(seconds=min(token.expires_in, 10**6)), _LONGEST_TOKEN_LIFE)


def _waiting(opened: OpenedOffer, token: TokenResponse) -> tuple[Waiting, ...]:
    if not token.authorization_details:
        return tuple(Waiting(configuration_id=each, credential_identifier=None) for each in opened.kinds)
    return tuple(
        Waiting(configuration_id=detail.credential_configuration_id, credential_identifier=identifier)
        for detail in token.authorization_details
        if detail.credential_configuration_id in opened.kinds
        for identifier in detail.credential_identifiers
    )


async def _fetch_copy(
    web: Web,
    opened: OpenedOffer,
    waiting: Waiting,
    supply: Supply,
    stated: frozenset[str],
    tools: Tools,
) -> Copy:
    count = min(INSTANCES, opened.desk.metadata.batch_size)
    signers = [LocalSigner.generate() for _ in range(count)]
    credentials = await fetch_instances(
        web,
        opened.desk,
        waiting,
        keys=signers,
        access_token=supply.access_token,
        proving=Proving(signer=LocalSigner.from_pem(supply.key.encode(), None), clock=tools.clock, random=tools.random),
    )
    copy = _judge(credentials, signers, opened, waiting, stated, tools)

    def keep(wallet: Wallet) -> tuple[Wallet, None]:
        begun = _begun(wallet, opened.offer) or supply
        here = Brought(
            configuration_id=waiting.configuration_id,
            credential_identifier=waiting.credential_identifier,
            copy=copy.key,
        )
        return wallet.with_copy(copy).with_supply(begun.with_source(waiting, here)), None

    tools.keeper.change(keep)
    return copy


def _judge(
    credentials: tuple[str, ...],
    signers: list[LocalSigner],
    opened: OpenedOffer,
    waiting: Waiting,
    stated: frozenset[str],
    tools: Tools,
) -> Copy:
    kind = opened.kinds[waiting.configuration_id]
    now = tools.clock()
    inspected = inspect(
        credentials,
        keys={signer.public_key.thumbprint: signer for signer in signers},
        kind=kind,
        issuer=opened.desk.issuer,
        policy=_policy(opened.desk, tools.keeper.load()),
        host=opened.host,
        at=now,
    )
    if inspected.issuer_key not in stated:
        raise UnwantedCredential(opened.host, "it is signed with a key that the co-op does not state in public")
    return Copy(
        id=str(inspected.claims[kind.countable_claim]),
        issuer=opened.desk.issuer,
        vct=kind.vct,
        claims=inspected.claims,
        received_at=now,
        instances=tuple(
            Instance(credential=text, key=signer.to_pem(None).decode(), expires_at=inspected.expires_at)
            for text, signer in inspected.instances
        ),
    )


def _policy(desk: Desk, wallet: Wallet) -> TrustPolicy:
    name = next((display.name for display in desk.metadata.displays if display.name), desk.host)
    return TrustPolicy(
        (
            TrustedIssuer(
                issuer=desk.issuer, name=name, anchors=wallet.anchors(Purpose.CO_OPS), types=frozenset(schemas.BY_VCT)
            ),
        )
    )


def offered_in_words(opened: OpenedOffer) -> str:
    """Return what an offer brings, such as "a track and a release"."""
    return " and ".join(dict.fromkeys(words.kind_of_type(kind.configuration_id) for kind in opened.kinds.values()))
