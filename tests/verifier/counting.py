"""A listener with a copy before a gate that counts: what the tests of such gates have in common."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from credentials.keys.signer import LocalSigner
from tests.verifier.conftest import (
    FORM,
    JSON,
    PAGE,
    RELEASE,
    Site,
    Visitor,
    make_gate,
)
from verifier.gates import Counting, Gate
from verifier.proofs import OwnsRelease

if TYPE_CHECKING:
    from verifier.limits import Limit

COPY = "c83vEjRWeJCrze8SNFZ4kA"


def limited(site: Site, limit: Limit, **changes: Any) -> Gate:
    counting = Counting(limit=limit, key=secrets.token_bytes(32), takes_other_wallets=True)
    return site.save_gate(make_gate(OwnsRelease(release_id=RELEASE), clock=site.clock, counting=counting, **changes))


async def begun(site: Site, gate: Gate, device: str = "same_device", *, copy: str = COPY) -> tuple[Visitor, Any]:
    """Start a visit and answer it with a new instance of a copy."""
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request(device)
    holder = LocalSigner.generate()
    credential = visitor.coop.issue(holder, release=RELEASE, copy=copy)
    form = visitor.answer(request, credential=credential, disclose=("release", "copy"), signer=holder)
    return visitor, await visitor.send(request, form)


async def came_back(site: Site, gate: Gate, *, copy: str = COPY) -> str:
    """Pass, or be refused, on one device; return the word for what came of it."""
    visitor, reply = await begun(site, gate, copy=copy)
    if reply.status_code != 200:
        return str(reply.json()["code"])
    back = await visitor.http.get(reply.json()["redirect_uri"], headers=JSON)
    return "open" if back.status_code == 200 else str(back.json()["code"])


async def short_code(visitor: Visitor, reply: Any) -> str:
    shown = await visitor.http.get(reply.json()["redirect_uri"], headers=JSON)
    assert shown.status_code == 200, shown.text
    return str(shown.json()["code"])


def cookie_of(visitor: Visitor) -> str:
    return visitor.http.cookies[f"visit-{visitor.visit.rpartition('/')[2]}"].partition(".")[0]


async def typed(site: Site, visitor: Visitor, code: str, **changes: str) -> Any:
    csrf = site.parts.guard.field_value(cookie_of(visitor))
    content = "&".join(f"{name}={value}" for name, value in ({"csrf": csrf, "code": code} | changes).items())
    return await visitor.http.post(f"{visitor.visit}/code", headers=FORM | PAGE, content=content)


def state_of(site: Site, visitor: Visitor) -> object:
    with site.parts.work.read() as stores:
        return stores.load_visit(visitor.visit.rpartition("/")[2])
