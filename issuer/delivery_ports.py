"""What the endpoints for wallets need of deliveries, holds, authorizations and what may be used once."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from issuer.authorizations import Asked
from issuer.deliveries import Delivery, RefreshToken, Token, Waiting
from issuer.offers import Offer


class Deliveries(Protocol):
    """What wallets took, their tokens, and what they say became of it."""

    def add_delivery(self, delivery: Delivery) -> None:
        """Keep a new delivery."""
        ...

    def close_delivery(self, delivery: Delivery) -> None:
        """End a delivery and every token of it."""
        ...

    def close_delivery_of(self, offer: Offer) -> None:
        """End the delivery that came of an offer, if one did."""
        ...

    def close_deliveries_with(self, copy_ids: Iterable[str]) -> None:
        """End every delivery that holds any of the copies."""
        ...

    def add_token(self, token: Token) -> None:
        """Keep a new access token."""
        ...

    def token(self, token_hash: str) -> Token | None:
        """The access token with this hash, good or not."""
        ...

    def add_refresh_token(self, token: RefreshToken, *, now: datetime) -> None:
        """Keep a new refresh token."""
        ...

    def refresh_token(self, token_hash: str) -> RefreshToken | None:
        """The refresh token with this hash, good or not."""
        ...

    def use_refresh_token(self, token: RefreshToken, *, now: datetime) -> bool:
        """Make this the token that was used last; False if another that came of the same was first."""
        ...

    def add_notification(self, id_hash: str, *, delivery: str, copy_id: str, until: datetime) -> None:
        """Keep under which id a wallet may say what became of a credential response."""
        ...

    def count_answers(self, delivery_id: str, copy_id: str, *, now: datetime) -> int:
        """How many credential responses a delivery had for a copy in about a month."""
        ...

    def note_event(self, id_hash: str, event: str, *, delivery: str) -> bool:
        """Note what became of it; False if the delivery had no such response."""
        ...


class Deferring(Protocol):
    """Copies that are held back, and the requests that wait for them."""

    def hold(self, copy_id: str, *, now: datetime) -> bool:
        """Hold a copy back; False if it is held already."""
        ...

    def let_go(self, copy_id: str) -> bool:
        """Let a copy go; False if it was not held."""
        ...

    def is_held(self, copy_id: str) -> bool:
        """Whether a copy is held back."""
        ...

    def add_waiting(self, waiting: Waiting) -> None:
        """Keep a request that waits."""
        ...

    def waiting(self, transaction_hash: str) -> Waiting | None:
        """The request with this hash of its transaction, expired or not."""
        ...

    def end_waiting(self, transaction_hash: str) -> bool:
        """Take a waiting request out; False if it is gone."""
        ...

    def count_waiting(self, delivery_id: str, copy_id: str) -> int:
        """How many requests of a delivery wait for a copy."""
        ...


class Authorizations(Protocol):
    """What wallets ask listeners for, and what these said yes to."""

    def add_asked(self, request_hash: str, asked: Asked) -> None:
        """Keep what a wallet asks for."""
        ...

    def asked(self, request_hash: str) -> Asked | None:
        """What a wallet asks for, expired or not."""
        ...

    def end_asked(self, request_hash: str) -> bool:
        """Take a request out; False if it is gone."""
        ...

    def add_authorization(self, offer_id: str, asked: Asked) -> None:
        """Keep what must be shown beside the code of an offer."""
        ...

    def authorization(self, offer_id: str) -> Asked | None:
        """What must be shown beside the code of an offer."""
        ...


class Freshness(Protocol):
    """Values that may be used once."""

    def remember_proof(self, proof_hash: str, *, until: datetime) -> bool:
        """Note what is taken once, as a DPoP proof or a nonce; False if it was seen before."""
        ...

    def claim_keys(self, thumbprints: Iterable[str], *, copy_id: str, month: str) -> bool:
        """Note holder keys, each for one instance; False, and none noted, if any instance had one of them before."""
        ...
