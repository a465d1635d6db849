"""Whom a site trusts, in the database: `verifier.ports.Trust`."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import CursorResult, delete, or_
from sqlmodel import col, select

from credentials.bbs import BbsPublicKey
from credentials.keys.jwk import PublicKey
from credentials.trust import TrustedIssuer, TrustPolicy
from plumbing.clock import epoch_s
from plumbing.ids import new_internal_id
from verifier.subscriptions import Subscription
from verifier.tables import CoopListRow, TrustedIssuerRow

if TYPE_CHECKING:
    from sqlalchemy.sql.dml import Delete
    from sqlmodel import Session

_WITHOUT_SYNC: Final = {"synchronize_session": False}


class TrustRows:
    """A part of `verifier.store.SqlStores`, which opens the session."""

    _session: Session

    def load_policy(self, site: str) -> TrustPolicy:
        """See `ports.Trust.load_policy`."""
        listed = [member for each in self.load_subscriptions(site) for member in each.coop_list.members]
        policy = TrustPolicy(self.load_stated(site)).extended_by(listed)
        return TrustPolicy(tuple(issuer for issuer in policy.issuers if issuer.types))

    def load_stated(self, site: str) -> tuple[TrustedIssuer, ...]:
        """See `ports.Trust.load_stated`."""
        rows = self._session.exec(select(TrustedIssuerRow).where(TrustedIssuerRow.site == site))
        return tuple(_issuer(row) for row in rows)

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

    def remove_issuer(self, site: str, name: str) -> bool:
        """See `ports.Trust.remove_issuer`."""
        named = or_(col(TrustedIssuerRow.issuer) == name, col(TrustedIssuerRow.did) == name)
        return self._deleted(delete(TrustedIssuerRow).where(col(TrustedIssuerRow.site) == site, named)) > 0

    def load_subscriptions(self, site: str) -> tuple[Subscription, ...]:
        """See `ports.Trust.load_subscriptions`."""
        rows = self._session.exec(select(CoopListRow).where(CoopListRow.site == site).order_by(col(CoopListRow.key)))
        return tuple(
            Subscription(
                url=row.url,
                publisher=row.publisher,
                text=row.text,
                fetched_at=datetime.fromtimestamp(row.fetched_at, UTC),
            )
            for row in rows
        )

    def save_subscription(self, site: str, subscription: Subscription) -> None:
        """See `ports.Trust.save_subscription`."""
        known = self._session.exec(
            select(CoopListRow).where(CoopListRow.site == site, CoopListRow.url == subscription.url)
        ).first()
        row = known or CoopListRow(
            key=new_internal_id(subscription.fetched_at), site=site, url=subscription.url, **_contents(subscription)
        )
        for name, value in _contents(subscription).items():
            setattr(row, name, value)
        self._session.add(row)

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


def _issuer(row: TrustedIssuerRow) -> TrustedIssuer:
    keys = {jwk["kid"]: _read_key(tuple(jwk.items())) for jwk in row.keys}
    return TrustedIssuer(
        issuer=row.issuer,
        name=row.name,
        keys=frozenset(key.thumbprint for key in keys.values()),
        public_keys=keys,
        anchors=tuple(anchor.encode() for anchor in row.anchors),
        types=frozenset(row.types),
        did=row.did,
        bbs_keys={url: _read_bbs_key(multikey) for url, multikey in row.bbs_keys.items()},
    )


# Every answer at a gate asks for the policy, and the keys in it hardly ever change.
@lru_cache(maxsize=256)
def _read_key(jwk: tuple[tuple[str, str], ...]) -> PublicKey:
    return PublicKey.parse_jwk(dict(jwk), what="pinned key of a co-op")


@lru_cache(maxsize=256)
def _read_bbs_key(multikey: str) -> BbsPublicKey:
    return BbsPublicKey.from_multikey(multikey, what="pinned BBS key of a co-op")
