"""Whom a site trusts, in the database: `verifier.ports.Trust`."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import CursorResult, bindparam, delete, or_, select
from sqlmodel import col

from credentials.bbs import BbsPublicKey
from credentials.keys.jwk import PublicKey
from credentials.trust import TrustedIssuer, TrustPolicy
from plumbing.clock import epoch_s
from plumbing.ids import new_internal_id
from plumbing.statements import Row, Statement
from verifier.json_columns import json_text, read_json
from verifier.subscriptions import Subscription, read_list
from verifier.tables import CoopListRow, TrustedIssuerRow

if TYPE_CHECKING:
    from sqlalchemy.sql.dml import Delete
    from sqlmodel import Session

_STATED: Final = Statement(
    select(
        col(TrustedIssuerRow.issuer),
        col(TrustedIssuerRow.name),
        json_text(TrustedIssuerRow.keys),
        json_text(TrustedIssuerRow.anchors),
        json_text(TrustedIssuerRow.types),
        col(TrustedIssuerRow.did),
        json_text(TrustedIssuerRow.bbs_keys),
    ).where(col(TrustedIssuerRow.site) == bindparam("at_site"))
)
_SUBSCRIPTIONS: Final = Statement(
    select(col(CoopListRow.url), col(CoopListRow.publisher), col(CoopListRow.text), col(CoopListRow.fetched_at))
    .where(col(CoopListRow.site) == bindparam("at_site"))
    .order_by(col(CoopListRow.key))
)
_WITHOUT_SYNC: Final = {"synchronize_session": False}


class TrustRows:
    """A part of `verifier.store.SqlStores`, which opens the session."""

    _session: Session

    def load_policy(self, site: str) -> TrustPolicy:
        """See `ports.Trust.load_policy`."""
        stated = tuple(_STATED.rows(self._session, at_site=site))
        listed = tuple(text for _, _, text, _ in _SUBSCRIPTIONS.rows(self._session, at_site=site))
        return _policy(stated, listed)

    def load_stated(self, site: str) -> tuple[TrustedIssuer, ...]:
        """See `ports.Trust.load_stated`."""
        return tuple(_issuer(row) for row in _STATED.rows(self._session, at_site=site))

    def save_issuer(self, site: str, issuer: TrustedIssuer, *, now: datetime) -> None:
        """See `ports.Trust.save_issuer`."""
        for name in {issuer.issuer, issuer.did} - {None}:
            self.remove_issuer(site, str(name))
        self._session.add(
            TrustedIssuerRow(
                key=new_internal_id(now),
                site=site,
                issuer=issuer.issuer,
                name=issuer.name,
                keys=[{**key.jwk, "kid": kid} for kid, key in issuer.public_keys.items()],
                anchors=[anchor.decode() for anchor in issuer.anchors],
                types=sorted(issuer.types),
                added_at=epoch_s(now),
                did=issuer.did,
                bbs_keys={url: key.multikey for url, key in issuer.bbs_keys.items()},
            )
        )
        self._session.flush()  # statements see what was written, not what is about to be

    def remove_issuer(self, site: str, name: str) -> bool:
        """See `ports.Trust.remove_issuer`."""
        named = or_(col(TrustedIssuerRow.issuer) == name, col(TrustedIssuerRow.did) == name)
        return self._deleted(delete(TrustedIssuerRow).where(col(TrustedIssuerRow.site) == site, named)) > 0

    def load_subscriptions(self, site: str) -> tuple[Subscription, ...]:
        """See `ports.Trust.load_subscriptions`."""
        rows = _SUBSCRIPTIONS.rows(self._session, at_site=site)
        return tuple(
            Subscription(url=url, publisher=publisher, text=text, fetched_at=datetime.fromtimestamp(fetched_at, UTC))
            for url, publisher, text, fetched_at in rows
        )

    def save_subscription(self, site: str, subscription: Subscription) -> None:
        """See `ports.Trust.save_subscription`."""
        known = self._session.scalars(
            select(CoopListRow).where(col(CoopListRow.site) == site, col(CoopListRow.url) == subscription.url)
        ).first()
        row = known or CoopListRow(
            key=new_internal_id(subscription.fetched_at), site=site, url=subscription.url, **_contents(subscription)
        )
        for name, value in _contents(subscription).items():
            setattr(row, name, value)
        self._session.add(row)
        self._session.flush()

    def remove_subscription(self, site: str, url: str) -> bool:
        """See `ports.Trust.remove_subscription`."""
        return self._deleted(delete(CoopListRow).where(col(CoopListRow.site) == site, col(CoopListRow.url) == url)) > 0

    def _deleted(self, statement: Delete) -> int:
        result = cast("CursorResult[Any]", self._session.execute(statement, execution_options=_WITHOUT_SYNC))
        return result.rowcount


def _contents(subscription: Subscription) -> dict[str, Any]:
    return {
        "publisher": subscription.publisher,
        "version": subscription.coop_list.version,
        "text": subscription.text,
        "fetched_at": epoch_s(subscription.fetched_at),
    }


# Every request at a gate asks for the policy, and the rows that it is made of hardly ever change. They are read each
# time, so what another process took away is gone at once; only what was made of the very same rows is remembered.
@lru_cache(maxsize=16)
def _policy(stated: tuple[Row, ...], listed: tuple[str, ...]) -> TrustPolicy:
    members = [member for text in listed for member in read_list(text).members]
    policy = TrustPolicy(tuple(map(_issuer, stated))).extended_by(members)
    return TrustPolicy(tuple(issuer for issuer in policy.issuers if issuer.types))


@lru_cache(maxsize=256)
def _issuer(row: Row) -> TrustedIssuer:
    issuer, name, jwks, anchors, types, did, bbs_keys = row
    keys = {jwk["kid"]: PublicKey.parse_jwk(jwk, what="pinned key of a co-op") for jwk in read_json(jwks)}
    return TrustedIssuer(
        issuer=issuer,
        name=name,
        keys=frozenset(key.thumbprint for key in keys.values()),
        public_keys=keys,
        anchors=tuple(anchor.encode() for anchor in read_json(anchors)),
        types=frozenset(read_json(types)),
        did=did,
        bbs_keys={url: _read_bbs_key(multikey) for url, multikey in read_json(bbs_keys).items()},
    )


@lru_cache(maxsize=256)
def _read_bbs_key(multikey: str) -> BbsPublicKey:
    return BbsPublicKey.from_multikey(multikey, what="pinned BBS key of a co-op")
