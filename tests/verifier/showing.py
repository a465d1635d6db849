"""What the tests of linked credentials at gates have in common: gates that count, asking, showing."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from tests.verifier.conftest import JSON, RELEASE, Site, Visitor, make_gate
from tests.verifier.linked import answer_form, derive
from verifier.gates import Counting, Gate
from verifier.proofs import OwnsRelease, Requirement

if TYPE_CHECKING:
    from credentials.data_integrity.bbs_2023 import BaseCredential
    from credentials.protocols.openid4vp import AuthorizationRequest
    from verifier.limits import Limit


def counts(site: Site, limit: Limit, requirement: Requirement | None = None, *, others: bool = False) -> Gate:
    counting = Counting(limit=limit, key=secrets.token_bytes(32), takes_other_wallets=others)
    return site.save_gate(
        make_gate(requirement or OwnsRelease(release_id=RELEASE), clock=site.clock, counting=counting)
    )


async def asked_at(site: Site, gate: Gate, device: str = "same_device") -> tuple[Visitor, AuthorizationRequest]:
    visitor = await site.visitor().start(gate)
    return visitor, await visitor.fetch_request(device)


async def shown_at(site: Site, gate: Gate, base: BaseCredential, query_id: str, **changes: Any) -> str:
    """Show a credential at a gate and come back; return the word for what came of it."""
    visitor, request = await asked_at(site, gate)
    reply = await visitor.send(request, answer_form(request, **{query_id: derive(base, request, query_id, **changes)}))
    if reply.status_code != 200:
        return str(reply.json()["code"])
    back = await visitor.http.get(reply.json()["redirect_uri"], headers=JSON)
    return "open" if back.status_code == 200 else str(back.json()["code"])
