"""What the tests of choosing have in common."""

from __future__ import annotations

from typing import Any

from credentials.protocols.dcql import (
    ClaimQuery,
    CredentialQuery,
    CredentialSet,
    Holding,
    Query,
)

TRACK = "urn:handstamp:credential:track-ownership:1"
RELEASE = "urn:handstamp:credential:release-ownership:1"


def track(holding_id: str, **claims: Any) -> Holding:
    visible = {"iss": "http://coop.localhost:8701", "vct": TRACK, "iat": 0, "cnf": {}}
    return Holding(id=holding_id, format="dc+sd-jwt", vct=TRACK, claims=visible | claims)


def release(holding_id: str, **claims: Any) -> Holding:
    return Holding(id=holding_id, format="dc+sd-jwt", vct=RELEASE, claims={"vct": RELEASE} | claims)


def wants(query_id: str, vct: str, **claims: tuple[Any, ...]) -> CredentialQuery:
    asked = tuple(ClaimQuery(path=(name,), values=values) for name, values in claims.items())
    return CredentialQuery(id=query_id, vct_values=(vct,), claims=asked)


EITHER = Query(
    credentials=(
        wants("track", TRACK, track=("t1", "t2"), name=()),
        wants("release", RELEASE, release=("r1",)),
    ),
    credential_sets=(CredentialSet(options=(("track",), ("release",))),),
)
