"""What the tests of Token Status Lists have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from credentials.status import (
    PackedStatuses,
    StatusList,
    build_status_list,
    verify_status_list,
)

if TYPE_CHECKING:
    from tests.credentials.conftest import World

URI = "http://coop.localhost:8701/statuslists/Ab0"
OTHER = "http://coop.localhost:8701/statuslists/Xy1"


def make(world: World, statuses: PackedStatuses | None = None, **changes: Any) -> str:
    arguments: dict[str, Any] = {
        "uri": URI,
        "issued_at": world.now_s,
        "expires_at": world.now_s + 86_400,
        "ttl_s": 300,
        "signer": world.issuer,
        "x5c": world.x5c,
    }
    return build_status_list(statuses or PackedStatuses.all_valid(1024), **(arguments | changes))


def check(world: World, token: str, **changes: Any) -> StatusList:
    arguments: dict[str, Any] = {"uri": URI, "issuer": world.policy.issuers[0], "at": world.now}
    return verify_status_list(token, **(arguments | changes))
