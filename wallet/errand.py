"""One errand at a co-op: the token kept fresh, a copy fetched, judged and kept, and the co-op told what became of it.

Nothing is lost whenever it stops. A new token is kept before it is used, so a refresh token whose successor never came
is still here and still good. A copy is kept whole or not at all, in the same write that notes it as brought; until then
the co-op can be asked for it again, with new keys. What was announced for later is kept with the keys that it was asked
for, and asked anew if the co-op knows nothing of it any more.
"""

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import schemas
from credentials.encoding import base64url, strict_json
from credentials.encoding.strict_json import Json
from credentials.errors import HandstampError
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.protocols.openid4vci import CredentialResponse, DeferredResponse, TokenResponse
from credentials.protocols.openid4vci.tokens import BEARER
from wallet.counter import Counter, fetch_deferred, fetch_instances, fetch_linked, renew_token, tell
from wallet.desk import Desk
from wallet.errors import IssuerDenied, IssuerRefused, OfferedNoLonger, RenewalOver, UnwantedCredential
from wallet.gathering import Gathering
from wallet.judging import Judge
from wallet.kinds import LinkedForm
from wallet.linked import COUNTED, LinkedKind, Nym, draw_renewal
from wallet.nyms import accepted, commit, nym_for
from wallet.ports import Tools, Web
from wallet.state import Copy, Instance, Wallet
from wallet.supply import Brought, Deferred, Notice, Source, Supply, Waiting
from wallet.wire import Proving

INSTANCES: Final = 4
"""How many instances of a copy are asked for at a time; a wallet that showed some tops up later."""
_TOKEN_LIFE: Final = timedelta(minutes=10)
_LONGEST_TOKEN_LIFE: Final = timedelta(days=1)
_LEAST_LEFT: Final = timedelta(seconds=30)
_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What all steps at one co-op need. The standing of the offer is read anew from the wallet at each step.

    Attributes:
        tools: their keeper is the `gathering`.
        gathering: what was changed and waits for being written; whoever runs the errand ends it with `write`.
    """

    web: Web
    desk: Desk
    judge: Judge
    tools: Tools
    offer_id: str
    gathering: Gathering

    def supply(self) -> Supply:
        """Return the newest standing of the offer.

        Raises:
            RenewalOver: it is not in the wallet any more.
        """
        found = self.tools.keeper.load().supply(self.offer_id)
        if found is None:
            raise RenewalOver(self.desk.host)
        return found

    def change(self, apply: Callable[[Wallet, Supply], Wallet]) -> None:
        """Change the wallet together with the standing of the offer, in one write."""

        def write(wallet: Wallet) -> tuple[Wallet, None]:
            supply = wallet.supply(self.offer_id)
            return (wallet if supply is None else apply(wallet, supply)), None

        self.tools.keeper.change(write)


def expiry_of(token: TokenResponse, now: datetime) -> datetime:
    """Return until when a token is used; a server that does not say gets ten minutes."""
    if token.expires_in is None:
        return now + _TOKEN_LIFE
    return now + min(timedelta(seconds=min(token.expires_in, 10**6)), _LONGEST_TOKEN_LIFE)


def proving_with(key: str, tools: Tools, *, bearer: bool = False) -> Proving:
    """Return what proves that a token is ours, with the key (PEM) that it is bound to."""
    signer = LocalSigner.from_pem(key.encode(), None)
    return Proving(signer=signer, clock=tools.clock, random=tools.random, bearer=bearer)


async def go_to_counter(errand: Errand) -> Counter:
    """Stand at the counter with a token that is still good, after renewing it if need be.

    Raises:
        RenewalOver: the token has expired and the co-op gives no other.
        IssuerRefused, FetchFailed: it cannot be renewed now.
    """
    supply = errand.supply()
    if errand.tools.clock() >= supply.expires_at - _LEAST_LEFT:
        supply = await _renew(errand, supply)
    proving = proving_with(supply.key, errand.tools, bearer=supply.bearer)
    return Counter(web=errand.web, desk=errand.desk, proving=proving, access_token=supply.access_token)


async def _renew(errand: Errand, supply: Supply) -> Supply:
    if supply.refresh_token is None:
        raise RenewalOver(errand.desk.host)
    proving = proving_with(supply.key, errand.tools)
    try:
        token = await renew_token(errand.web, errand.desk, supply.refresh_token, proving=proving)
    except RenewalOver:
        errand.change(lambda wallet, now: wallet.with_supply(replace(now, refresh_token=None)))
        raise
    now = errand.tools.clock()

    def renewed(old: Supply) -> Supply:
        return old.with_token(
            token.access_token,
            bearer=token.token_type == BEARER,
            expires_at=expiry_of(token, now),
            refresh_token=token.refresh_token,
            at=now,
        )

    # Kept before anything else is asked for: the next refresh token is in this answer only.
    errand.change(lambda wallet, newest: wallet.with_supply(renewed(newest)))
    errand.gathering.write()
    return renewed(supply)


async def fetch_copy(errand: Errand, source: Source) -> Copy | Deferred:
    """Fetch one copy, or more of it, judge it and keep it; `tell_all` tells the co-op, once for all copies.

    Raises:
        UnwantedCredential, UnknownAuthority: what came was not kept.
        RenewalOver, IssuerRefused, FetchFailed: the co-op does not go on.
    """
    if source.configuration_id not in errand.judge.kinds:
        raise IssuerRefused(errand.desk.host, "it hands out nothing of this kind any more")
    counter = await go_to_counter(errand)
    if isinstance(source, Deferred):
        try:
            handed = await fetch_deferred(counter, source)
        except OfferedNoLonger:
            # The answer may have been lost on its way to us. The right is still the listener's: ask anew.
            source = _ask_anew(errand, source)
        else:
            return await _take(
                errand, source, handed, [LocalSigner.from_pem(key.encode(), None) for key in source.keys]
            )
    if source.form and source.form is not LinkedKind.SIGNED:
        nym = _nym_to_send(errand, source)
        commitment = commit(nym, tools=errand.tools) if nym else None
        return await _take(errand, source, await fetch_linked(counter, source, commitment=commitment), [])
    signers = [_persona(errand, source)] if source.form else _fresh_keys(errand.desk)
    return await _take(errand, source, await fetch_instances(counter, source, keys=signers), signers)


def _fresh_keys(desk: Desk) -> list[LocalSigner]:
    return [LocalSigner.generate() for _ in range(min(INSTANCES, desk.metadata.batch_size))]


def _persona(errand: Errand, source: Source) -> LocalSigner:
    """Return the key that something to publish names: the same as before, for whoever reads knows it by that."""
    copy = errand.tools.keeper.load().copy(source.copy) if isinstance(source, Brought) else None
    keys = [each.key for each in copy.linked if each.key] if copy else []
    return LocalSigner.from_pem(keys[0].encode(), None) if keys else LocalSigner.generate(KeyKind.ED25519)


def _nym_for(errand: Errand, source: Source) -> Nym | None:
    """Return the nym that what comes from a source is bound to; None where it is bound to none."""
    if source.form not in COUNTED:
        return None
    if not source.scope:
        raise IssuerRefused(errand.desk.host, "it does not say who counts, so a pseudonym of yours could stand for two")
    return nym_for(errand.desk.issuer, source.scope, tools=errand.tools)


def _nym_to_send(errand: Errand, source: Source) -> Nym | None:
    """Return the nym to commit to, which is written before the co-op hears of it."""
    nym = _nym_for(errand, source)
    if nym is None or nym.accepted_at:
        return nym
    errand.gathering.write()
    # Another process may have been first.
    return _nym_for(errand, source)


def _ask_anew(errand: Errand, deferred: Deferred) -> Waiting:
    waiting = Waiting(
        configuration_id=deferred.configuration_id,
        credential_identifier=deferred.credential_identifier,
        form=deferred.form,
        scope=deferred.scope,
    )
    errand.change(lambda wallet, supply: wallet.with_supply(supply.with_source(deferred, waiting)))
    return waiting


async def _take(
    errand: Errand, source: Source, handed: CredentialResponse | DeferredResponse, signers: list[LocalSigner]
) -> Copy | Deferred:
    if isinstance(handed, DeferredResponse):
        return _wait(errand, source, handed, signers)
    try:
        copy = await _judge(errand, source, handed, signers)
    except UnwantedCredential:
        if handed.notification_id:
            _queue(errand, Notice(event="credential_failure", notification_id=handed.notification_id))
        raise
    _keep(errand, source, copy, handed.notification_id)
    return errand.tools.keeper.load().copy(copy.key) or copy


def _wait(errand: Errand, source: Source, handed: DeferredResponse, signers: list[LocalSigner]) -> Deferred:
    now = errand.tools.clock()
    deferred = Deferred(
        configuration_id=source.configuration_id,
        credential_identifier=source.credential_identifier,
        transaction_id=handed.transaction_id,
        keys=tuple(signer.to_pem(None).decode() for signer in signers),
        since=source.since if isinstance(source, Deferred) else now,
        not_before=now + timedelta(seconds=handed.interval),
        copy=source.copy if isinstance(source, Brought | Deferred) else None,
        form=source.form,
        scope=source.scope,
    )
    errand.change(lambda wallet, supply: wallet.with_supply(supply.with_source(source, deferred)))
    return deferred


async def _judge(errand: Errand, source: Source, handed: CredentialResponse, signers: list[LocalSigner]) -> Copy:
    mine = source.copy if isinstance(source, Brought | Deferred) else None
    kind = errand.judge.kinds[source.configuration_id]
    if isinstance(kind, LinkedForm):
        return await _judge_linked(errand, source, handed, kind, signers)
    inspected = await errand.judge.inspect(kind, source.configuration_id, handed.credentials, signers)
    known = errand.tools.keeper.load().copy(mine) if mine else None
    foreign_id = known.id if known and known.foreign else inspected.id
    return Copy(
        id=foreign_id if inspected.foreign else _own_id(source, inspected.id, inspected.claims),
        issuer=errand.desk.issuer,
        vct=inspected.vct,
        claims=inspected.claims,
        received_at=errand.tools.clock(),
        instances=tuple(
            Instance(credential=text, key=signer.to_pem(None).decode(), expires_at=inspected.expires_at)
            for text, signer in inspected.instances
        ),
        foreign=inspected.foreign,
        notification_id=handed.notification_id,
    )


async def _judge_linked(
    errand: Errand, source: Source, handed: CredentialResponse, form: LinkedForm, signers: list[LocalSigner]
) -> Copy:
    if source.credential_identifier is None:
        raise IssuerRefused(errand.desk.host, "it does not say which of your things it hands over")
    empty = Copy(
        id=_own_id(source, schemas.NOT_KNOWN, {}),
        issuer=errand.desk.issuer,
        vct=form.type.vct,
        claims={},
        received_at=errand.tools.clock(),
        instances=(),
    )
    known = errand.tools.keeper.load().copy(empty.key)
    bound_to = signers[0] if signers else _nym_for(errand, source)
    inspected = await errand.judge.inspect_linked(form, handed, bound_to, known=known)
    return replace(empty, claims=inspected.claims, linked=(inspected.linked,))


def _own_id(source: Source, number: str, claims: Mapping[str, Json]) -> str:
    """Return a copy's number at its co-op: as the credential says, or as the identifiers of all its forms begin."""
    if number != schemas.NOT_KNOWN:
        return number
    if source.credential_identifier:
        return source.credential_identifier.partition(".")[0]
    return base64url.encode(hashlib.sha256(strict_json.dump(dict(sorted(claims.items())))).digest()[:_ID_BYTES])


def _keep(errand: Errand, source: Source, copy: Copy, notification_id: str | None) -> None:
    here = Brought(
        configuration_id=source.configuration_id,
        credential_identifier=source.credential_identifier,
        copy=copy.key,
        form=source.form,
        scope=source.scope,
    )
    nym = _nym_for(errand, source)

    def keep(wallet: Wallet, supply: Supply) -> Wallet:
        supply = _with_renewal(supply.with_source(source, here), copy, errand.tools)
        if notification_id:
            supply = supply.with_notice(Notice(event="credential_accepted", notification_id=notification_id))
        taken = accepted(wallet, nym, tools=errand.tools) if nym else wallet
        return taken.with_copy(copy).bringing(copy.key, supply)

    errand.change(keep)


def _with_renewal(supply: Supply, copy: Copy, tools: Tools) -> Supply:
    """Return the supply with a moment to renew at, if what came is the first of it that ends with its cohort."""
    months = [each.month for each in copy.linked if each.kind is not LinkedKind.SIGNED]
    if supply.renew_at or not months:
        return supply
    return replace(supply, renew_at=draw_renewal(max(months), random=tools.random))


def note_denied(errand: Errand, source: Source, refusal: HandstampError) -> None:
    """Note that the co-op denied a form of a copy, if it did: it is asked for again with the renewals only."""
    if isinstance(refusal, IssuerDenied) and isinstance(source, Waiting) and source.form:
        denied = replace(source, denied=True)
        errand.change(lambda wallet, supply: wallet.with_supply(supply.with_source(source, denied)))


def _queue(errand: Errand, notice: Notice) -> None:
    errand.change(lambda wallet, supply: wallet.with_supply(supply.with_notice(notice)))


async def tell_all(errand: Errand) -> None:
    """Tell the co-op what it has still to hear (§11). It is a courtesy: what cannot be told now is told next time."""
    heard: set[Notice] = set()
    with contextlib.suppress(HandstampError):
        for notice in errand.supply().notices:
            if await tell(await go_to_counter(errand), notice):
                heard.add(notice)
    if heard:
        errand.change(lambda wallet, supply: wallet.with_supply(supply.without_notices(heard)))
