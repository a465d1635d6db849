"""What another co-op or a stranger issues: our types, and one that nobody here knows."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

import schemas
from credentials.keys.jwk import PublicKey
from credentials.sd_jwt.issuing import build_nested_sd_jwt_vc, build_sd_jwt_vc
from credentials.status import StatusReference
from tests.support.outside import release_claims, track_claims

if TYPE_CHECKING:
    from schemas import CredentialType
    from tests.support.other_issuer import OtherIssuer

HOST = "other.localhost"
URL = "http://other.localhost:8801"
LIBRARY_CARD = "https://library.example/types/card"
CARD = {"library": "City Library", "rights": {"lend": True, "halls": ["north", "south"]}, "tier": "full"}

Make = Callable[["OtherIssuer", str, PublicKey], str]


def make_ours(issuer: OtherIssuer, identifier: str, key: PublicKey, **said: str) -> str:
    """Issue one of our own types as a good co-op does; `said` are claims that say something else."""
    kind, claims = OURS[identifier][0], OURS[identifier][1] | said
    month = issuer.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = None
    if kind.lifetime_months:
        months = month.month - 1 + kind.lifetime_months
        end = int(month.replace(year=month.year + months // 12, month=months % 12 + 1).timestamp())
    return build_sd_jwt_vc(
        vct=kind.vct,
        issuer=URL,
        holder_key=key,
        issued_at=int(month.timestamp()),
        disclosable={name: str(value) for name, value in claims.items()},
        digest_count=kind.digest_count,
        signer=issuer.signer,
        x5c=issuer.chain.x5c(),
        random=secrets.token_bytes,
        status=StatusReference(uri=f"{URL}/statuslists/1", index=secrets.randbelow(131_072)),
        expires_at=end,
    )


def make_card(issuer: OtherIssuer, _identifier: str, key: PublicKey) -> str:
    """Issue a nested credential of a type that nobody here knows."""
    return build_nested_sd_jwt_vc(
        vct=LIBRARY_CARD,
        issuer=issuer.iss,
        holder_key=key,
        issued_at=int(issuer.now().timestamp()),
        claims=CARD,
        hidden=[("tier",), ("rights", "lend"), ("rights", "halls", 0)],
        digest_counts={},
        signer=issuer.signer,
        x5c=issuer.chain.x5c(),
        random=secrets.token_bytes,
    )


def _example(kind: CredentialType) -> dict[str, str]:
    return {name: str(kind.example[name]) for name in kind.claim_names}


OURS: dict[str, tuple[CredentialType, dict[str, str]]] = {
    "ep": (schemas.RELEASE_OWNERSHIP, release_claims()),
    "track": (schemas.TRACK_OWNERSHIP, track_claims()),
    "member": (schemas.COOP_MEMBERSHIP, _example(schemas.COOP_MEMBERSHIP)),
    "artist": (schemas.VERIFIED_ARTIST, _example(schemas.VERIFIED_ARTIST)),
    "helper": (schemas.CONTRIBUTION, _example(schemas.CONTRIBUTION)),
}
