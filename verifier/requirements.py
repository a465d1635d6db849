"""What a gate asks for, as a DCQL query: the claims that decide, and nothing beside them.

Each fact is asked for in every form that the gate takes, the most private first; one of them answers. A gate with a
limit also asks for what it counts by: a pseudonym or, of an SD-JWT VC, the one claim that is the same in all instances
of a copy. Of several proofs that are all needed, each is counted: one that is not could be lent to everybody who lacks
it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, assert_never

from credentials.protocols.dcql import ISSUER, LDP_VC, SUBJECT, ClaimQuery, CredentialQuery, CredentialSet, Query
from schemas import BY_VCT, CONTRIBUTION, COOP_MEMBERSHIP, RELEASE_OWNERSHIP, TRACK_OWNERSHIP, VERIFIED_ARTIST
from verifier.forms import Form
from verifier.limits import PSEUDONYM
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
    from collections.abc import Iterable, Mapping, Sequence

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
        counted: what to count by, under the ids of the queries that are counted: a claim, or the pseudonym.
        own_word: the co-op that must itself have issued what answers, under the id of the query.
        forms: in which form each query is answered.
    """

    query: Query
    counted: Mapping[str, str]
    own_word: Mapping[str, str]
    forms: Mapping[str, Form]

    def ids_in(self, form: Form) -> tuple[str, ...]:
        """Return the ids of the queries that are answered in this form."""
        return tuple(query_id for query_id, found in self.forms.items() if found is form)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fact:
    """One thing that satisfies a proof: a credential of this type, with these values.

    Attributes:
        name: what its query is called.
        kind: the type.
        wanted: claims and their values, in order.
        coop: whose own word it must be; None for anybody's who is trusted.
        beside: whether it comes only beside another fact about the same copy.
    """

    name: str
    kind: CredentialType
    wanted: tuple[tuple[str, str], ...]
    coop: str | None = None
    beside: bool = False


@dataclass(frozen=True, slots=True)
class _Draft:
    """The credential queries so far; what two proofs have in common is asked once."""

    counting: bool
    issuers: tuple[str, ...] = ()
    queries: list[CredentialQuery] = field(default_factory=list)
    counted: dict[str, str] = field(default_factory=dict)
    own_word: dict[str, str] = field(default_factory=dict)
    forms: dict[str, Form] = field(default_factory=dict)

    def add(self, fact: _Fact, form: Form) -> str:
        """Ask for one credential in one form; return the id of its query."""
        drafted = _draft(fact, form, counting=self.counting, issuers=self.issuers)
        for query in self.queries:
            if self.forms[query.id] is form and replace(query, id=drafted.id) == drafted:
                return query.id
        same = sum(_types(query) == _types(drafted) and self.forms[query.id] is form for query in self.queries)
        query_id = f"{fact.name}{'' if same == 0 else f'-{same + 1}'}{form.value}"
        self.queries.append(replace(drafted, id=query_id))
        self.forms[query_id] = form
        if form is Form.PSEUDONYM:
            self.counted[query_id] = PSEUDONYM
        elif self.counting:
            self.counted[query_id] = fact.kind.countable_claim
        if fact.coop is not None:
            self.own_word[query_id] = fact.coop
        return query_id


# A gate asks every visitor the same, and twice: in the request, and when the answer comes.
@lru_cache(maxsize=256)
def build_asked(
    requirement: Requirement,
    *,
    counting: bool,
    forms: tuple[Form, ...] = (Form.SD_JWT,),
    issuers: tuple[str, ...] = (),
) -> Asked:
    """Write a requirement as a query (OpenID4VP 1.0 §6).

    Args:
        requirement: what is to be shown.
        counting: whether the gate counts.
        forms: the forms that it takes, the favourite first.
        issuers: the only co-ops, by their DIDs, whose proofs help; empty for all. A hint: trust decides.
    """
    draft = _Draft(counting, issuers)
    options = [_ask(draft, proof, forms) for proof in ways_in(requirement, counting=counting)]
    groups = [[query_id for option in options for query_id in option]] if isinstance(requirement, AnyOf) else options
    sets = tuple(_any_of(sorted(group, key=lambda query_id: forms.index(draft.forms[query_id]))) for group in groups)
    if all(len(group.options) == 1 for group in sets):
        sets = ()  # §6.4.2: without sets, everything is wanted
    return Asked(
        query=Query(credentials=tuple(draft.queries), credential_sets=sets),
        counted=MappingProxyType(draft.counted),
        own_word=MappingProxyType(draft.own_word),
        forms=MappingProxyType(draft.forms),
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


def types_asked(query: Query, query_id: str) -> frozenset[str]:
    """Return the types (`vct`) that answer one credential query."""
    asked = query.find(query_id)
    if asked is None:
        return frozenset()
    return frozenset(
        vct for vct, kind in BY_VCT.items() if asked.accepts_type(vct=vct, types=frozenset(kind.type_iris))
    )


def _any_of(query_ids: Iterable[str]) -> CredentialSet:
    return CredentialSet(options=tuple((query_id,) for query_id in dict.fromkeys(query_ids)))


def _ask(draft: _Draft, proof: Proof, forms: Sequence[Form]) -> list[str]:
    """Ask for whatever satisfies one proof; return the ids of the queries, of which one must be answered (§6.2)."""
    # The number of a copy is another for the track than for its release: one listener would pass once with each. The
    # pseudonym is the same for both.
    return [
        draft.add(fact, form)
        for form in forms
        for fact in _facts(proof)
        if not (fact.beside and draft.counting and form is Form.SD_JWT)
    ]


def _facts(proof: Proof) -> tuple[_Fact, ...]:
    """Return what satisfies a proof: one fact, or one of several."""
    match proof:
        case OwnsRelease():
            return (_owns(RELEASE, RELEASE_OWNERSHIP, proof.release_id),)
        case OwnsTrack():
            # Whoever owns a release owns a copy of each of its tracks too.
            release = replace(_owns(RELEASE, RELEASE_OWNERSHIP, proof.release_id), beside=True)
            return _owns(TRACK, TRACK_OWNERSHIP, proof.track_id), release
        case MemberOf():
            return (_Fact(name=MEMBERSHIP, kind=COOP_MEMBERSHIP, wanted=_membership(proof), coop=proof.coop),)
        case SpeaksFor():
            return (_owns(ARTIST, VERIFIED_ARTIST, proof.persona),)
        case Contributed():
            wanted = (("coop", proof.coop), (CONTRIBUTION.subject_claim, proof.contribution))
            return (_Fact(name=CONTRIBUTED, kind=CONTRIBUTION, wanted=wanted, coop=proof.coop),)
        case _:
            assert_never(proof)


def _owns(name: str, kind: CredentialType, subject: str) -> _Fact:
    return _Fact(name=name, kind=kind, wanted=((kind.subject_claim, subject),))


def _membership(proof: MemberOf) -> tuple[tuple[str, str], ...]:
    wanted = [(COOP_MEMBERSHIP.subject_claim, proof.coop), ("standing", "good")]
    if proof.over16:
        wanted.append(("over16", "true"))
    if proof.share_class is not None:
        wanted.append(("shareClass", proof.share_class))
    return tuple(wanted)


def _draft(fact: _Fact, form: Form, *, counting: bool, issuers: tuple[str, ...]) -> CredentialQuery:
    if form is Form.SD_JWT:
        claims = [ClaimQuery(path=(name,), values=(value,)) for name, value in fact.wanted]
        if counting:
            claims.append(ClaimQuery(path=(fact.kind.countable_claim,)))
        return CredentialQuery(id=fact.name, vct_values=(fact.kind.vct,), claims=tuple(claims))
    claims = [ClaimQuery(path=(SUBJECT, name), values=(value,)) for name, value in fact.wanted]
    if issuers and form is not Form.SIGNED:
        claims.append(ClaimQuery(path=(ISSUER,), values=issuers))
    return CredentialQuery(
        id=fact.name,
        format=LDP_VC,
        type_values=(fact.kind.type_iris,),
        claims=tuple(claims),
        # OpenID4VP §B.1: a proof by itself is bound to no key; what other wallets make is a presentation that is.
        require_cryptographic_holder_binding=form is Form.SIGNED,
    )


def _types(query: CredentialQuery) -> tuple[object, ...]:
    return query.vct_values, query.type_values
