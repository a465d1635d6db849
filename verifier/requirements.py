"""What a gate asks for, as a DCQL query: the claims that decide, and nothing beside them.

A gate with a limit also asks for the one claim that it counts by. Of several proofs that are all needed, each is
counted: one that is not could be lent to everybody who lacks it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, assert_never

from credentials.protocols.dcql import ClaimQuery, CredentialQuery, CredentialSet, Query
from schemas import BY_VCT, CONTRIBUTION, COOP_MEMBERSHIP, RELEASE_OWNERSHIP, TRACK_OWNERSHIP, VERIFIED_ARTIST
from verifier.proofs import (
    AnyOf,
    Contributed,
    MemberOf,
    OwnsRelease,
    OwnsTrack,
    Proof,
    Requirement,
    SpeaksFor,
    proofs_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from schemas import CredentialType

TRACK: Final = "track"
RELEASE: Final = "release"
MEMBERSHIP: Final = "membership"
ARTIST: Final = "artist"
CONTRIBUTED: Final = "contribution"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A query, and what DCQL cannot say of it.

    Attributes:
        query: what the wallet gets.
        counted: the claim to count by, under the ids of the queries that are counted.
        own_word: the co-op that must itself have issued what answers, under the id of the query.
    """

    query: Query
    counted: Mapping[str, str]
    own_word: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Draft:
    """The credential queries so far; what two proofs have in common is asked once."""

    counting: bool
    queries: list[CredentialQuery] = field(default_factory=list)
    counted: dict[str, str] = field(default_factory=dict)
    own_word: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, kind: CredentialType, wanted: Sequence[ClaimQuery], *, count: bool) -> str:
        """Ask for one credential; return the id of its query."""
        claims = (*wanted, ClaimQuery(path=(kind.countable_claim,))) if count else tuple(wanted)
        for query in self.queries:
            if (query.vct_values, query.claims) == ((kind.vct,), claims):
                return query.id
        same = sum(query.vct_values == (kind.vct,) for query in self.queries)
        query_id = name if same == 0 else f"{name}-{same + 1}"
        self.queries.append(CredentialQuery(id=query_id, vct_values=(kind.vct,), claims=claims))
        if count:
            self.counted[query_id] = kind.countable_claim
        return query_id


def build_asked(requirement: Requirement, *, counting: bool) -> Asked:
    """Write a requirement as a query (OpenID4VP 1.0 §6), for a gate that counts or for one that does not."""
    draft = _Draft(counting)
    options = [_ask(draft, proof, count=counting) for proof in ways_in(requirement, counting=counting)]
    groups = [[query_id for option in options for query_id in option]] if isinstance(requirement, AnyOf) else options
    sets = tuple(CredentialSet(options=tuple((query_id,) for query_id in dict.fromkeys(group))) for group in groups)
    if all(len(group.options) == 1 for group in sets):
        sets = ()  # §6.4.2: without sets, everything is wanted
    return Asked(
        query=Query(credentials=tuple(draft.queries), credential_sets=sets),
        counted=draft.counted,
        own_word=draft.own_word,
    )


def ways_in(requirement: Requirement, *, counting: bool) -> tuple[Proof, ...]:
    """Return the proofs that are really asked for, in the site's order.

    Where any is enough and copies are counted, releases are left out of which a track is a way in, too: their owners
    have a copy of that track, and would pass twice.
    """
    proofs = proofs_of(requirement)
    if not counting or not isinstance(requirement, AnyOf):
        return proofs
    parts = {proof.release_id for proof in proofs if isinstance(proof, OwnsTrack)}
    return tuple(proof for proof in proofs if not isinstance(proof, OwnsRelease) or proof.release_id not in parts)


def build_query(requirement: Requirement, *, counting: bool = False) -> Query:
    """Return the query of `build_asked` alone."""
    return build_asked(requirement, counting=counting).query


def _ask(draft: _Draft, proof: Proof, *, count: bool) -> list[str]:
    """Ask for whatever satisfies one proof; return the ids of the queries, of which one must be answered (§6.2)."""
    match proof:
        case OwnsRelease():
            return [_owns(draft, RELEASE, RELEASE_OWNERSHIP, proof.release_id, count=count)]
        case OwnsTrack():
            track = _owns(draft, TRACK, TRACK_OWNERSHIP, proof.track_id, count=count)
            # Whoever owns a release owns a copy of each of its tracks too. Where copies are counted, only the track's
            # is: else one listener would pass once with it and once again with the release's.
            return (
                [track] if count else [track, _owns(draft, RELEASE, RELEASE_OWNERSHIP, proof.release_id, count=False)]
            )
        case MemberOf():
            query_id = draft.add(MEMBERSHIP, COOP_MEMBERSHIP, _membership(proof), count=count)
            draft.own_word[query_id] = proof.coop
            return [query_id]
        case SpeaksFor():
            wanted = [_claim(VERIFIED_ARTIST.subject_claim, proof.persona)]
            return [draft.add(ARTIST, VERIFIED_ARTIST, wanted, count=count)]
        case Contributed():
            wanted = [_claim("coop", proof.coop), _claim(CONTRIBUTION.subject_claim, proof.contribution)]
            query_id = draft.add(CONTRIBUTED, CONTRIBUTION, wanted, count=count)
            draft.own_word[query_id] = proof.coop
            return [query_id]
        case _:
            assert_never(proof)


def _membership(proof: MemberOf) -> list[ClaimQuery]:
    wanted = [_claim(COOP_MEMBERSHIP.subject_claim, proof.coop), _claim("standing", "good")]
    if proof.over16:
        wanted.append(_claim("over16", "true"))
    if proof.share_class is not None:
        wanted.append(_claim("shareClass", proof.share_class))
    return wanted


def _owns(draft: _Draft, name: str, kind: CredentialType, catalogue_id: str, *, count: bool) -> str:
    return draft.add(name, kind, [_claim(kind.subject_claim, catalogue_id)], count=count)


def _claim(name: str, value: str) -> ClaimQuery:
    return ClaimQuery(path=(name,), values=(value,))


def types_asked(query: Query, query_id: str) -> frozenset[str]:
    """Return the types (`vct`) that answer one credential query."""
    asked = query.find(query_id)
    return frozenset(asked.vct_values) & BY_VCT.keys() if asked else frozenset()
