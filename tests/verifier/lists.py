"""What the tests of status lists at a site have in common."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request  # noqa: TC002 - FastAPI reads the annotations
from starlette.responses import JSONResponse, Response

from credentials.sd_jwt.issuing import build_sd_jwt_vc
from credentials.status import (
    INVALID,
    PackedStatuses,
    StatusReference,
    build_status_list,
)
from schemas import RELEASE_OWNERSHIP
from tests.verifier.conftest import COOP, RELEASE, Gate, Site, Visitor

if TYPE_CHECKING:
    import httpx

    from credentials.keys.signer import LocalSigner

LISTS = [f"{COOP}/statuslists/{name}" for name in ("first", "second", "third")]
MONTH_S = 1_793_491_200  # the first of November 2026


@dataclass
class Host:
    """The co-op's host, as the site's network reaches it; every request to it is noted."""

    clock: Any
    signer: LocalSigner
    x5c: list[str]
    app: FastAPI
    statuses: dict[str, PackedStatuses] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    down: bool = False
    conditional: int = 0
    changes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.statuses |= {uri: PackedStatuses.all_valid(4096, bits=2) for uri in LISTS}
        self.signed_at = self.clock()
        self.app.add_api_route("/{path:path}", self.answer, response_class=Response)

    def revoke(self, index: int, uri: str = LISTS[0], status: int = INVALID) -> None:
        self.statuses[uri] = self.statuses[uri].replaced({index: status})
        self.signed_at = self.clock()

    def token(self, listed: str, **changes: Any) -> str:
        arguments: dict[str, Any] = {
            "uri": listed,
            "issued_at": int(self.signed_at.timestamp()),
            "expires_at": int(self.signed_at.timestamp()) + 86_400,
            "ttl_s": 300,
            "signer": self.signer,
            "x5c": self.x5c,
        }
        return build_status_list(self.statuses[listed], **(arguments | changes))

    async def answer(self, path: str, request: Request) -> Response:
        self.asked.append(path)
        if self.down:
            return Response(status_code=503)
        if path == ".well-known/oauth-authorization-server":
            return JSONResponse({"status_list_aggregation_endpoint": f"{COOP}/statuslists"})
        if path == "statuslists":
            return JSONResponse({"status_lists": LISTS})
        uri = f"{COOP}/{path}"
        if uri not in self.statuses:
            return Response(status_code=404)
        tag = f'"{hash(self.statuses[uri].packed)}-{self.signed_at}"'
        if request.headers.get("if-none-match") == tag:
            self.conditional += 1
            return Response(status_code=304)
        return Response(self.token(uri, **self.changes), headers={"ETag": tag})

    def lists_asked(self) -> list[str]:
        return [path for path in self.asked if path.startswith("statuslists/")]


def issue(visitor: Visitor, index: int, uri: str = LISTS[0]) -> str:
    return build_sd_jwt_vc(
        vct=RELEASE_OWNERSHIP.vct,
        issuer=COOP,
        holder_key=visitor.holder.public_key,
        issued_at=MONTH_S,
        disclosable=dict.fromkeys(RELEASE_OWNERSHIP.claim_names, "none") | {"release": RELEASE},
        digest_count=RELEASE_OWNERSHIP.digest_count,
        signer=visitor.coop.signer,
        x5c=visitor.coop.x5c,
        random=secrets.token_bytes,
        status=StatusReference(uri=uri, index=index),
    )


async def show(site: Site, gate: Gate, index: int, uri: str = LISTS[0]) -> httpx.Response:
    """Start a visit and show a credential whose status is kept at an index of a list."""
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("cross_device")
    return await visitor.send(request, visitor.answer(request, credential=issue(visitor, index, uri)))


def code_of(answer: httpx.Response) -> str:
    return str(answer.json().get("code"))
