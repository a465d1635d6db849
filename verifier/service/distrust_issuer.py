"""Take back the trust in a co-op: what it signed opens no gate from then on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from credentials.dids import parse_did
from credentials.dids.did import is_did
from credentials.errors import OperatorError
from credentials.protocols.urls import parse_issuer_url
from credentials.trust.errors import UntrustedIssuer
from verifier.errors import NoLongerTrusted
from verifier.visits import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from credentials.trust import TrustedIssuer, TrustPolicy
    from verifier.gates import Gate
    from verifier.party import Party
    from verifier.ports import Visits, Work

NO_LONGER_TRUSTED: Final = NoLongerTrusted.code
"""Why a visit ended whose co-op was struck out meanwhile."""


class IssuerNotTrusted(OperatorError):
    """The co-op that should be distrusted is not trusted."""

    code = "issuer_not_trusted"

    def __init__(self, issuer: str) -> None:
        super().__init__(f"{issuer} is not trusted here; `handstamp verifier trusted` lists the co-ops that are.")


def distrust_issuer(work: Work, url: str, *, party: Party, now: datetime) -> tuple[Gate, ...]:
    """Trust a co-op no longer; return the gates that are left without any co-op, so that they open to nobody.

    One that a list names is struck out here, whatever the list says of it later.

    Args:
        work: opens the transaction.
        url: the co-op's address, or its DID.
        party: whose trust it is.
        now: when it ends.

    Raises:
        Malformed: the address cannot be read.
        IssuerNotTrusted: the site does not trust it.
    """
    what = "address of the co-op"
    name = parse_did(url, what=what).text if is_did(url) else parse_issuer_url(url, what=what)
    with work.write() as stores:
        found = _find(stores.load_policy(party.site), name)
        if found is None:
            raise IssuerNotTrusted(name)
        stores.remove_issuer(party.site, name)
        _shut_doors(stores, found, now=now)
        if _find(stores.load_policy(party.site), name) is not None:
            struck_out = replace(
                found, keys=frozenset(), public_keys={}, bbs_keys={}, anchors=(), types=frozenset(), until=None
            )
            stores.save_issuer(party.site, struck_out, now=now)
        # Every co-op is trusted at every gate of the site, so it is all of them or none.
        return () if stores.load_policy(party.site).issuers else stores.load_gates(party.site)


def are_trusted(names: Iterable[str], policy: TrustPolicy, *, now: datetime) -> bool:
    """Tell whether all these co-ops are trusted still: one may have been struck out, or its list have ended."""
    found = [_find(policy, name) for name in names]
    return all(each is not None and (each.until is None or now < each.until) for each in found)


def _shut_doors(stores: Visits, found: TrustedIssuer, *, now: datetime) -> None:
    """End the visits that are open, or about to be, on the word of the co-op: they would give grants for minutes."""
    names = {found.issuer, found.did} - {None}
    for visit in stores.load_opening_visits(str(name) for name in names):
        if now < visit.facts.expires_at:
            refused = Refused(facts=visit.facts, last_failure=NO_LONGER_TRUSTED)
            stores.replace_visit(visit, refused, now=now)


def _find(policy: TrustPolicy, name: str) -> TrustedIssuer | None:
    try:
        return policy.issuer_for(name)
    except UntrustedIssuer:
        return None
