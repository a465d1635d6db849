"""What one offer leaves in the wallet: the token, the right to come back, and every copy that it brings.

A `Supply` is kept from the moment in which the offer's code was exchanged. It says what has still to be fetched, so a
crash loses nothing, and holds the refresh token with which the wallet tops up later.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from wallet.linked import LinkedKind

UNFINISHED_LIFE: Final = timedelta(days=90)
"""How long something that did not come, or not yet, is remembered, so that the listener hears why."""

Ownership: TypeAlias = tuple[str, str, str]
"""Which copy: who issued it, its type, its number there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One copy that an offer brings and that has not been received yet.

    `form` is how it is shown, if by proofs; None for single-use instances. `scope` is the co-op's label for who counts,
    where what comes is bound to a nym. What was `denied` is asked for again when the rest is renewed, not before: it
    may be denied for some months only, as after a reset of who counts.
    """

    configuration_id: str
    credential_identifier: str | None
    form: LinkedKind | None = None
    scope: str | None = None
    denied: bool = False
    state: Literal["waiting"] = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """One copy that the co-op hands out later (OpenID4VCI §9), with the private keys (PEM) that it was asked for.

    `copy` says which one if only more instances of it are to come.
    """

    configuration_id: str
    credential_identifier: str | None
    transaction_id: str = field(repr=False)
    keys: tuple[str, ...] = field(repr=False)
    since: datetime
    not_before: datetime
    copy: Ownership | None = None
    form: LinkedKind | None = None
    scope: str | None = None
    state: Literal["deferred"] = "deferred"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """One copy that is here; more instances of it come the same way."""

    configuration_id: str
    credential_identifier: str | None
    copy: Ownership
    form: LinkedKind | None = None
    scope: str | None = None
    state: Literal["brought"] = "brought"


Source: TypeAlias = Waiting | Deferred | Brought


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What the co-op shall hear about something that it handed over (OpenID4VCI §11); kept until it was told."""

    event: Literal["credential_accepted", "credential_failure", "credential_deleted"]
    notification_id: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """The standing of one offer.

    `link_id` is the hash of the address that the offer was fetched from, or "": the co-op takes it away once its
    code was used, so `offer` keeps its text. The entry stays as long as it can bring something, and at least until
    the token has expired: the same offer, read again, is not sent to the co-op a second time, where it would count as
    a theft.

    Attributes:
        key: the private key (PEM) that the tokens are bound to; made for this offer alone.
        bearer: the tokens are bound to nothing: they came from a server that knows no DPoP.
        expires_at: of the access token.
        refresh_token: None when the co-op gave none; then a new offer must bring more.
        token_at: when the tokens came.
        notices: what the co-op has still to be told.
        renew_at: when the linked credentials that came by it are to be renewed: a moment drawn at random, so that it
            says nothing; None if there are none.
    """

    offer_id: str
    link_id: str
    offer: str = field(repr=False)
    issuer: str
    key: str = field(repr=False)
    access_token: str = field(repr=False)
    bearer: bool = False
    expires_at: datetime
    refresh_token: str | None = field(default=None, repr=False)
    token_at: datetime
    sources: tuple[Source, ...]
    notices: tuple[Notice, ...] = ()
    renew_at: datetime | None = None

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """What can be fetched now and is not here yet."""
        return tuple(each for each in self.sources if isinstance(each, Waiting))

    @property
    def deferred(self) -> tuple[Deferred, ...]:
        """What was announced for later."""
        return tuple(each for each in self.sources if isinstance(each, Deferred))

    @property
    def brought(self) -> tuple[Brought, ...]:
        """What is here."""
        return tuple(each for each in self.sources if isinstance(each, Brought))

    def is_over(self, now: datetime) -> bool:
        """Tell whether this can bring nothing any more."""
        if now < self.expires_at:
            return False
        if self.refresh_token is not None:
            return not (self.sources or self.notices)
        return not (self.waiting or self.deferred) or now >= self.token_at + UNFINISHED_LIFE

    def with_token(
        self, access_token: str, *, bearer: bool, expires_at: datetime, refresh_token: str | None, at: datetime
    ) -> "Supply":
        """Return this supply with new tokens; without a new refresh token the old one stays good (RFC 6749 §6)."""
        return replace(
            self,
            access_token=access_token,
            bearer=bearer,
            expires_at=expires_at,
            refresh_token=refresh_token or self.refresh_token,
            token_at=at,
        )

    def with_source(self, old: Source, new: Source) -> "Supply":
        """Return this supply with what is known of one copy replaced."""
        return replace(self, sources=tuple(new if each == old else each for each in self.sources))

    def without_source(self, source: Source) -> "Supply":
        """Return this supply without something that will not come."""
        return replace(self, sources=tuple(each for each in self.sources if each != source))

    def without(self, copy: Ownership, kinds: Collection[str] | None = None) -> "Supply":
        """Return this supply without one copy that it brought, or without what came of it by these names alone."""

        def goes(source: Source) -> bool:
            return (
                source.state != "waiting"
                and source.copy == copy
                and (kinds is None or source.configuration_id in kinds)
            )

        return replace(self, sources=tuple(each for each in self.sources if not goes(each)))

    def with_notice(self, notice: Notice) -> "Supply":
        """Return this supply with something that the co-op shall hear."""
        return replace(self, notices=(*self.notices, notice))

    def without_notices(self, heard: Collection[Notice]) -> "Supply":
        """Return this supply without what the co-op has heard."""
        return replace(self, notices=tuple(each for each in self.notices if each not in heard))
