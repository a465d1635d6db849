"""Take back the trust in a co-op: what it signed opens no gate from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credentials.errors import OperatorError
from credentials.protocols.urls import parse_issuer_url

if TYPE_CHECKING:
    from verifier.gates import Gate
    from verifier.party import Party
    from verifier.ports import Work


class IssuerNotTrusted(OperatorError):
    """The co-op that should be distrusted is not trusted."""

    code = "issuer_not_trusted"

    def __init__(self, issuer: str) -> None:
        super().__init__(f"{issuer} is not trusted here; `handstamp verifier trusted` lists the co-ops that are.")


def distrust_issuer(work: Work, url: str, *, party: Party) -> tuple[Gate, ...]:
    """Trust a co-op no longer; return the gates that are left without any co-op, so that they open to nobody.

    Raises:
        Malformed: the address cannot be read.
        IssuerNotTrusted: the site does not trust it.
    """
    issuer = parse_issuer_url(url, what="address of the co-op")
    with work.write() as stores:
        if not stores.remove_issuer(party.site, issuer):
            raise IssuerNotTrusted(issuer)
        # Every co-op is trusted at every gate of the site, so it is all of them or none.
        return () if stores.load_policy(party.site).issuers else stores.load_gates(party.site)
