"""Doors that this wallet knows: gates that a pass can be drawn for without a network.

A number counts at one gate, so a pass is drawn only for a gate that spoke for itself: by a request that its site signed
and that an authority vouches for, or by a poster that the same site signed (rule 6 of the protocol).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import schemas
from credentials.door_pass import Limit, Poster
from credentials.errors import HolderError
from credentials.keys.jwk import PublicKey
from credentials.protocols.dcql import LDP_VC, SUBJECT, CredentialQuery
from credentials.protocols.openid4vp import AuthorizationRequest
from credentials.protocols.urls import host_of
from schemas import CredentialType


class NotADoor(HolderError):
    """A gate that no pass can be drawn for."""

    code = "not_a_door"

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"No pass can be drawn for this gate of {host}: {reason}. Open it with: handstamp wallet open")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDoor:
    """A gate, as its site described it.

    Attributes:
        gate: its address, in the one spelling that numbers are made for.
        name: what the site calls it; foreign text.
        accepts: the types that open it, each with what it must be about; nothing there for whatever it is about.
        limit: how often it lets the same listener in.
        site_key: the key (Multikey) that the site signs with; by it, its posters are known.
        learned_at: when.
    """

    gate: str
    name: str
    accepts: tuple[tuple[str, tuple[str, ...]], ...]
    limit: Limit
    site_key: str = field(repr=False)
    learned_at: datetime

    @property
    def host(self) -> str:
        """Whose door it is."""
        return host_of(self.gate)

    @property
    def key(self) -> PublicKey:
        """The key that its site signs with."""
        return PublicKey.from_multikey(self.site_key, what="key of a site in the wallet")

    def takes(self, vct: str, subject: str) -> bool:
        """Tell whether what is about this opens it."""
        return any(kind == vct and (not subjects or subject in subjects) for kind, subjects in self.accepts)


def door_of_poster(poster: Poster, *, key: PublicKey, at: datetime) -> KnownDoor:
    """Return the door that a poster describes, which was checked."""
    return KnownDoor(
        gate=poster.gate,
        name=poster.name,
        accepts=poster.accepts,
        limit=poster.limit,
        site_key=key.multikey,
        learned_at=at,
    )


def door_of_request(request: AuthorizationRequest, *, gate: str, key: PublicKey, at: datetime) -> KnownDoor:
    """Return the door that a gate's request describes.

    Args:
        request: verified, and for an answer to the gate's own site.
        gate: the gate's address.
        key: the one that signed the request.
        at: now.

    Raises:
        NotADoor: it asks for more than a pass can say, or for a number of something else than this gate.
    """
    host = request.host
    if len([each for each in request.dcql.credential_sets if each.required]) > 1 or _wants_all(request):
        raise NotADoor(host, "it wants several things at once, and a pass says one")
    accepts = _accepts(each for each in request.dcql.credentials if each.format == LDP_VC)
    if not accepts:
        raise NotADoor(host, "it takes nothing that a pass can say")
    return KnownDoor(
        gate=gate,
        name=request.client_metadata.client_name or host,
        accepts=tuple((vct, subjects) for vct, subjects in accepts.items()),
        limit=_limit(request, gate),
        site_key=key.multikey,
        learned_at=at,
    )


def _wants_all(request: AuthorizationRequest) -> bool:
    return not request.dcql.credential_sets and len(request.dcql.credentials) > 1


def _limit(request: AuthorizationRequest, gate: str) -> Limit:
    domains = set(request.nym_domains.values())
    if not domains:
        return Limit.NONE
    if domains == {gate}:
        return Limit.EVER
    if len(domains) == 1 and next(iter(domains)).partition("#")[0] == gate:
        return Limit.MONTH
    raise NotADoor(request.host, "the number that it asks for is not for this gate alone")


def _accepts(queries: Iterable[CredentialQuery]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for query in queries:
        for kind in schemas.ALL:
            if query.accepts_type(vct=kind.vct, types=frozenset(kind.type_iris)):
                found[kind.vct] = tuple(dict.fromkeys((*found.get(kind.vct, ()), *_subjects(query, kind))))
    return found


def _subjects(query: CredentialQuery, kind: CredentialType) -> tuple[str, ...]:
    wanted = [claim.values or () for claim in query.claims if claim.path == (SUBJECT, kind.subject_claim)]
    return tuple(str(value) for values in wanted for value in values)
