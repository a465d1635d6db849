"""The authorization code flow: keep what a wallet asks for, let a listener say yes, give tokens for the code."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never

from credentials.errors import HolderError
from credentials.protocols.dpop import DpopProof
from credentials.protocols.oauth import (
    InvalidAuthorizationDetails,
    InvalidDpopProof,
    InvalidGrant,
    InvalidScope,
    OAuthError,
)
from credentials.protocols.openid4vci import CodeRequest, PushedRequest, TokenResponse
from credentials.protocols.openid4vci.authorization import is_verifier
from issuer.authorizations import CODE_TTL, PUSHED_TTL, Asked
from issuer.copies import Copy
from issuer.delivery_ports import Authorizations
from issuer.forms import CONFIGURATIONS, configuration_ids
from issuer.offers import TRIES, Burnt, Open, Redeemed
from issuer.ports import Authorizing, Issuing, Ledger
from issuer.secrets import stored
from issuer.service.deliveries import deliver
from issuer.service.offers import NothingToOffer
from issuer.service.scopes import configurations_of
from issuer.service.tokens import note_proof
from plumbing.ids import new_public_id, new_secret

_WRONG: Final = "The code is wrong, expired or used, or is shown with other values than it was asked for with."
# Codes of this flow and pre-authorized ones are looked up in one place. A null character is in nothing that a wallet
# can send, so neither can be written so that it passes for the other.
_KIND: Final = "authorization_code\x00"


class RequestGone(HolderError):
    """A wallet's request that was answered, has expired, or never was."""

    code = "request_gone"

    def __init__(self) -> None:
        super().__init__("This request of your wallet is over. Nothing was given away; start again from your wallet.")


def wanted_of(request: PushedRequest) -> tuple[str, ...]:
    """Return the configurations that a wallet asks for.

    Raises:
        InvalidAuthorizationDetails, InvalidScope: it asks for nothing that there is.
    """
    if not set(request.requested_configuration_ids) <= set(CONFIGURATIONS):
        raise InvalidAuthorizationDetails("There is no such credential configuration here.")
    wanted = tuple(dict.fromkeys((*request.requested_configuration_ids, *configurations_of(request.scopes))))
    if not wanted:
        raise InvalidScope("Ask for at least one kind of credential, by scope or authorization_details.")
    return wanted


def push(
    store: Issuing, request: PushedRequest, proof: DpopProof | None, *, wanted: Sequence[str], now: datetime
) -> str | OAuthError:
    """Keep what a wallet asks for; return the secret under which its browser finds it, or say why it is not kept.

    Args:
        store: where it is kept.
        request: the parsed request.
        proof: of the wallet's DPoP key; it may have named one without.
        wanted: what `wanted_of` found in the request.
        now: the request's moment.
    """
    if not note_proof(store, proof):
        return InvalidDpopProof("The DPoP proof was used before.")
    secret = new_secret()
    store.add_asked(
        stored(secret),
        Asked(
            client_id=request.client_id,
            redirect_uri=request.redirect_uri,
            code_challenge=request.code_challenge,
            configuration_ids=tuple(wanted),
            state=request.state,
            thumbprint=proof.thumbprint if proof else request.dpop_thumbprint,
            expires_at=now + PUSHED_TTL,
        ),
    )
    return secret


def find_asked(store: Authorizations, secret: str, *, client_id: str, now: datetime) -> Asked:
    """Return what a wallet asks for.

    Raises:
        RequestGone: there is nothing, or another wallet asked.
    """
    asked = store.asked(stored(secret))
    if asked is None or asked.expires_at <= now or asked.client_id != client_id:
        raise RequestGone
    return asked


def fitting_copies(ledger: Ledger, asked: Asked, *, listener: str) -> list[Copy]:
    """The copies of a listener that are of a kind that the wallet asks for."""
    kinds = {CONFIGURATIONS[each][0].configuration_id for each in asked.configuration_ids if each in CONFIGURATIONS}
    return [copy for copy in ledger.copies(listener) if copy.kind.credential_type.configuration_id in kinds]


def refuse(store: Authorizations, secret: str) -> None:
    """Say no; the request is over."""
    store.end_asked(stored(secret))


def agree(store: Authorizing, secret: str, asked: Asked, chosen: Sequence[str], *, listener: str, now: datetime) -> str:
    """Say yes to some of the copies that fit; return the code for the wallet.

    Raises:
        NothingToOffer: nothing was chosen, or something that does not fit.
        RequestGone: it was answered at this very moment.
    """
    fitting = {copy.id: copy for copy in fitting_copies(store, asked, listener=listener)}
    if not chosen or any(copy_id not in fitting for copy_id in chosen):
        raise NothingToOffer
    if not store.end_asked(stored(secret)):
        raise RequestGone
    code = new_secret()
    offer = Open(
        id=new_public_id(),
        listener=listener,
        copies=tuple(fitting[copy_id] for copy_id in dict.fromkeys(chosen)),
        tx_code_mac="",
        expires_at=now + CODE_TTL,
        tries_left=TRIES,
    )
    store.add_offer(offer, code_hash=stored(_KIND + code))
    store.add_authorization(offer.id, replace(asked, expires_at=offer.expires_at))
    return code


def redeem_code(
    store: Issuing, request: CodeRequest, proof: DpopProof | None, *, now: datetime
) -> TokenResponse | OAuthError:
    """Give the tokens of a code, once, or say why not; refusals are returned, so that they commit."""
    if not note_proof(store, proof):
        return InvalidDpopProof("The DPoP proof was used before.")
    offer = store.offer_by_code(stored(_KIND + request.code))
    match offer:
        case Open() if offer.expires_at > now and offer.copies:
            return _redeem_open(store, offer, request, proof, now=now)
        case Redeemed():
            # RFC 6749 §4.1.2: tokens that came of a code which is shown twice are revoked. Only who knows the
            # verifier can have been the wallet; who merely saw the code ends nothing.
            if _fits(store.authorization(offer.id), request, proof):
                store.close_delivery_of(offer)
            return InvalidGrant(_WRONG)
        case Open() | Burnt() | None:
            return InvalidGrant(_WRONG)
        case _:
            assert_never(offer)


def _redeem_open(
    store: Issuing, offer: Open, request: CodeRequest, proof: DpopProof | None, *, now: datetime
) -> TokenResponse | OAuthError:
    asked = store.authorization(offer.id)
    if asked is None or not _fits(asked, request, proof):
        return InvalidGrant(_WRONG)
    held = set(configuration_ids(offer.copies))
    wanted = request.requested_configuration_ids or tuple(each for each in asked.configuration_ids if each in held)
    if not set(wanted) <= held:
        return InvalidAuthorizationDetails("The listener did not agree to everything that is asked for.")
    if not store.redeem(offer):
        store.close_delivery_of(offer)
        return InvalidGrant(_WRONG)
    return deliver(store, offer.copies, wanted=wanted, proof=proof, now=now, offer=offer.id)


def _fits(asked: Asked | None, request: CodeRequest, proof: DpopProof | None) -> bool:
    """RFC 6749 §4.1.3, RFC 7636 §4.6, RFC 9449 §10: the same wallet, address, verifier and key."""
    if asked is None or (asked.client_id, asked.redirect_uri) != (request.client_id, request.redirect_uri):
        return False
    if asked.thumbprint is not None and (proof is None or proof.thumbprint != asked.thumbprint):
        return False
    return is_verifier(request.code_verifier, challenge=asked.code_challenge)
