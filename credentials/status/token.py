"""Status List Tokens: a status list signed as a JWT (draft-ietf-oauth-status-list §5.1)."""

import math
from dataclasses import KW_ONLY, InitVar, dataclass, field
from datetime import datetime
from typing import Final

from credentials.encoding.strict_json import Json, parse
from credentials.errors import Malformed
from credentials.keys.jws import parse_jws, sign_jws
from credentials.keys.signer import Signer
from credentials.protocols.members import Members
from credentials.refusals import Expired, NotYetValid
from credentials.status.errors import StatusElsewhere, WrongStatusList
from credentials.status.packed import PackedStatuses
from credentials.status.reference import check_own_host
from credentials.trust import TrustedIssuer

TYP: Final = "statuslist+jwt"
MEDIA_TYPE: Final = "application/statuslist+jwt"
MAX_TOKEN_BYTES: Final = 1024 * 1024
DEFAULT_TTL_S: Final = 300
"""How long a list without a `ttl` is taken for fresh."""
MAX_TTL_S: Final = 86_400
"""The longest `ttl` that is heeded: what was taken back must be seen within a day, whatever the list says."""

_WHAT: Final = "status list"
_AGGREGATION: Final = "list of status lists"
_SEAL: Final = object()


@dataclass(frozen=True, slots=True)
class StatusList:
    """Evidence that an issuer said this of its credentials. Only `verify_status_list` makes one."""

    seal: InitVar[object]
    _: KW_ONLY
    uri: str
    issuer: str
    statuses: PackedStatuses = field(repr=False)
    issued_at: int
    ttl_s: int
    """For how many seconds after it was fetched it need not be fetched again (§5.1, `ttl`)."""
    expires_at: int | None
    stale: bool
    """It has not expired, but should have been fetched again by now."""

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("A status list comes from verify_status_list() only.")

    def check_not_expired(self, at: datetime) -> None:
        """Check that it may still be relied on (§8.3 step 4c).

        Raises:
            Expired: it may not.
        """
        if self.expires_at is not None and at.timestamp() >= self.expires_at:
            raise Expired(_WHAT)


def build_status_list(
    statuses: PackedStatuses,
    *,
    uri: str,
    issued_at: int,
    expires_at: int,
    ttl_s: int,
    signer: Signer,
    x5c: list[str],
    aggregation_uri: str | None = None,
) -> str:
    """Sign a status list (§5.1).

    Args:
        statuses: what it says.
        uri: where it will be; credentials name it by exactly this text.
        issued_at: now, in seconds.
        expires_at: when it ends, in seconds.
        ttl_s: after how many seconds whoever keeps it should fetch it again.
        signer: the issuer's key, the same that signs its credentials.
        x5c: the issuer's certificates, leaf first, anchor left out.
        aggregation_uri: where all lists of the issuer are listed (§9.2).
    """
    listed = statuses.to_json()
    if aggregation_uri is not None:
        listed["aggregation_uri"] = aggregation_uri
    header: dict[str, Json] = {"typ": TYP, "kid": signer.public_key.thumbprint, "x5c": list[Json](x5c)}
    claims: dict[str, Json] = {
        "sub": uri,
        "iat": issued_at,
        "exp": expires_at,
        "ttl": ttl_s,
        "status_list": listed,
    }
    return sign_jws(header, claims, signer)


def verify_status_list(
    token: str,
    *,
    uri: str,
    issuer: TrustedIssuer,
    at: datetime,
    fetched_at: datetime | None = None,
    clock_skew_s: int = 60,
) -> StatusList:
    """Verify a status list (§8.3 steps 3 to 5) that was fetched from `uri`, as an issuer's credentials name it.

    1. It is a JWT of type `statuslist+jwt`, and not longer than any sensible list.
    2. The issuer of the credentials signed it, with a key that is its own now: lists by others are not taken.
    3. `sub` is the very address that the credential names; an `iss`, where there is one, is the issuer.
    4. It was issued, and has not expired.
    5. It unpacks, within a cap.

    Raises:
        HandstampError: the first step that fails says why.
    """
    check_own_host(uri, issuer=issuer.issuer)
    jws = parse_jws(token, what=_WHAT, typ=TYP, max_bytes=MAX_TOKEN_BYTES)  # (1)
    jws.check_signature(issuer.find_key(jws.header, at=at))  # (2)
    claims = Members(jws.claims(max_bytes=MAX_TOKEN_BYTES), what=_WHAT)
    _check_belongs(claims, uri=uri, issuer=issuer)  # (3)
    issued_at, ttl_s = claims.time("iat"), _read_ttl(claims)
    if at.timestamp() < issued_at - clock_skew_s:  # (4)
        raise NotYetValid(_WHAT)
    found = StatusList(
        _SEAL,
        uri=uri,
        issuer=issuer.issuer,
        statuses=PackedStatuses.parse(claims.required("status_list")),  # (5)
        issued_at=issued_at,
        ttl_s=ttl_s,
        expires_at=claims.optional_time("exp"),
        stale=fetched_at is not None and _is_stale((at - fetched_at).total_seconds(), ttl_s, clock_skew_s),
    )
    found.check_not_expired(at)
    return found


def parse_aggregation(body: bytes, *, issuer: str, max_lists: int) -> tuple[str, ...]:
    """Read which lists an issuer has (§9.3). Those at other hosts than its own are left out.

    Raises:
        Malformed: it is no such document, or names more lists than `max_lists`.
    """
    members = Members(parse(body, what=_AGGREGATION, max_bytes=MAX_TOKEN_BYTES), what=_AGGREGATION)
    if members.required("status_lists") == []:
        return ()
    return tuple(uri for uri in members.texts("status_lists", max_items=max_lists) if _is_own(uri, issuer))


def _is_stale(age_s: float, ttl_s: int, clock_skew_s: int) -> bool:
    return not -clock_skew_s <= age_s <= ttl_s  # fetched in the future: a clock was set back since


def _is_own(uri: str, issuer: str) -> bool:
    try:
        check_own_host(uri, issuer=issuer)
    except StatusElsewhere:
        return False
    return True


def _check_belongs(claims: Members, *, uri: str, issuer: TrustedIssuer) -> None:
    if claims.text("sub") != uri:
        raise WrongStatusList("it names another address as its own")
    # Older drafts had an `iss`; where one is, it must not be somebody else's. An issuer may have two names.
    if "iss" in claims and claims.text("iss") not in (issuer.issuer, issuer.did):
        raise WrongStatusList("it names another issuer")


def _read_ttl(claims: Members) -> int:
    ttl = claims.get("ttl")
    if ttl is None:
        return DEFAULT_TTL_S
    if isinstance(ttl, bool) or not isinstance(ttl, int | float) or not ttl > 0:
        raise Malformed(claims.named("ttl"), "it is not a positive number of seconds")
    return math.ceil(min(ttl, MAX_TTL_S))
