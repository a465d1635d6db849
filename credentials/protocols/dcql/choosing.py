"""What a wallet shows: the holdings that answer a query while disclosing the fewest claims (OpenID4VP 1.0 §6.4)."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from credentials.encoding.strict_json import Json
from credentials.errors import HolderError, VerifierError
from credentials.protocols.dcql.query import (
    AUTHORITY_KEY_ID,
    LDP_VC,
    SD_JWT_VC,
    SUBJECT,
    CredentialQuery,
    Query,
    TrustedAuthority,
    Values,
)
from credentials.protocols.members import shown
from credentials.sd_jwt.issuing import ALWAYS_VISIBLE
from credentials.sd_jwt.locating import Location, Path, describe, select

# Every presentation shows them anyway. `iat` may be hidden elsewhere, but never in our types.
ALWAYS_SHOWN: Final = ALWAYS_VISIBLE | {"iat"}
# Of a linked credential: what is mandatory in ours, and what comes along with it.
_ALWAYS_SHOWN_LINKED: Final = frozenset({"@context", "type", "issuer", "validFrom", "validUntil"})

_T = TypeVar("_T", bound=Hashable)


class NothingMatches(HolderError):
    """The wallet has nothing that answers the query."""

    code = "nothing_matches"

    def __init__(self, lacks: Sequence[str]) -> None:
        """`lacks` says for every credential query that would have helped what is missing."""
        super().__init__(f"Nothing in this wallet answers the request: {'; '.join(lacks)}.")
        self.lacks = tuple(lacks)


class UnsupportedQuery(VerifierError):
    """The query asks in a way that this version cannot answer."""

    code = "unsupported_query"

    def __init__(self, reasons: Sequence[str]) -> None:
        """`reasons` says for every credential query concerned what is not supported."""
        super().__init__(f"The request asks for what is not supported yet: {'; '.join(reasons)}.")
        self.reasons = tuple(reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One credential of the wallet, as far as a query can see it.

    Attributes:
        id: the wallet's own name for it.
        format: such as `dc+sd-jwt`.
        vct: its type.
        claims: all claims, disclosable or not, with every disclosure in its place; of a linked one, the credential
            from its root, with `credentialSubject` within.
        authority_key_ids: the authority key identifiers of the certificates that it carries, in base64url (§6.1.1.1).
        types: of a linked one, its types as full IRIs.
        holder_bound: whether it is shown with proof of a key that it is bound to; a bbs-2023 proof alone is not.
        queries: the ids of the only queries that it may answer, where the wallet has reasons of its own (a pseudonym
            is for the queries that name a domain); None for any.
        rank: how easily a showing is joined with others, whatever is disclosed; the lowest is taken first.
    """

    id: str
    format: str
    vct: str
    claims: Mapping[str, Json]
    authority_key_ids: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    holder_bound: bool = True
    queries: frozenset[str] | None = None
    rank: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which holding answers one credential query, and which claims it must disclose for that.

    Attributes:
        query_id: the id of the credential query.
        holding_id: the id of the holding.
        paths: where the claims are, in the order of the query; empty to disclose nothing that can be hidden. Elements
            of arrays are named one by one, so that none goes along whose value was not asked for.
        names: the claims that the paths begin at, under the names that they have in every format.
        rank: that of the holding.
    """

    query_id: str
    holding_id: str
    paths: tuple[Path, ...]
    names: tuple[str, ...] = field(default=(), compare=False)
    rank: int = field(default=0, compare=False)

    @property
    def disclose(self) -> tuple[str, ...]:
        """Names of the claims, as every format calls them, of which all, or a part, is disclosed."""
        return _once(self.names or (str(path[0]) for path in self.paths))

    @property
    def pointers(self) -> tuple[str, ...]:
        """The paths as JSON Pointers (RFC 6901), as linked credentials are disclosed by."""
        return tuple("".join(f"/{_escape(part)}" for part in path) for path in self.paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A full answer to a query. Show it to the listener before anything is sent."""

    selections: tuple[Selection, ...]

    def holding_ids(self) -> frozenset[str]:
        """The holdings that would be shown."""
        return frozenset(selection.holding_id for selection in self.selections)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lack:
    """Why nothing answers a credential query."""

    words: str
    unsupported: bool


_Outcome = Selection | _Lack


def choose(query: Query, holdings: Sequence[Holding], *, avoid: frozenset[str] = frozenset()) -> Choice:
    """Choose what to show: every required part answered, nothing optional, the fewest claims; the earlier wins a tie.

    Where `claim_sets` or options of credential sets allow several answers, the one that discloses least is taken, also
    if the verifier would rather have another (§6.4.1 allows it). If all sets are optional, the first that can be is
    answered. Where several credentials may answer one query (`multiple`), one does. Each set is answered in turn, with
    regard to what the sets before it show already; all combinations of all sets are not tried.

    Args:
        query: what is asked.
        holdings: what there is; of those that answer alike, the first is taken.
        avoid: names of claims that make their holder recognisable: an answer with fewer of them wins, however many
            other claims it discloses.

    Raises:
        UnsupportedQuery: what is required is asked in a way that this version cannot answer.
        NothingMatches: what is required is not there.
    """
    cost = _Cost(avoid)
    outcomes = {credential.id: _answer(credential, holdings, cost) for credential in query.credentials}
    if not query.credential_sets:
        return Choice(selections=_require([tuple(outcomes)], outcomes, cost, ()))
    required = [group for group in query.credential_sets if group.required]
    if not required:
        options = [option for group in query.credential_sets for option in group.options]
        return Choice(selections=_require(options, outcomes, cost, ()))
    picked: tuple[Selection, ...] = ()
    for group in required:
        picked += _require(group.options, outcomes, cost, picked)
    return Choice(selections=picked)


@dataclass(frozen=True, slots=True)
class _Cost:
    """What a disclosure costs: how recognisable it makes, how much it says, then how many credentials it takes."""

    avoid: frozenset[str]

    def of_claims(self, names: Iterable[str]) -> tuple[int, int]:
        listed = list(names)
        return sum(name in self.avoid for name in listed), len(listed)

    def of_answer(self, selections: Sequence[Selection]) -> tuple[int, int, int, int]:
        avoided, count = self.of_claims(name for selection in selections for name in selection.names)
        return avoided, sum(selection.rank for selection in selections), count, len(selections)


def _require(
    options: Iterable[tuple[str, ...]],
    outcomes: Mapping[str, _Outcome],
    cost: _Cost,
    picked: Sequence[Selection],
) -> tuple[Selection, ...]:
    """What the satisfiable option that discloses least adds to what is picked."""
    answers: list[tuple[Selection, ...]] = []
    lacks: list[_Lack] = []
    for option in options:
        found = [outcomes[name] for name in dict.fromkeys(option)]
        missing = [outcome for outcome in found if isinstance(outcome, _Lack)]
        lacks += missing
        if not missing:
            selections = [outcome for outcome in found if isinstance(outcome, Selection)]
            answers.append(tuple(selection for selection in selections if selection not in picked))
    if answers:
        return min(answers, key=cost.of_answer)
    if unsupported := [lack.words for lack in lacks if lack.unsupported]:
        raise UnsupportedQuery(_once(unsupported))
    raise NothingMatches(_once(lack.words for lack in lacks))


def _once(texts: Iterable[_T]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(texts))


def _answer(query: CredentialQuery, holdings: Sequence[Holding], cost: _Cost) -> _Outcome:
    """The holding that answers one credential query at the least cost, or why none does."""
    if reason := find_unsupported(query):
        return _Lack(words=f"{shown(query.id)} {reason}", unsupported=True)
    right_type = [item for item in holdings if _may_answer(item, query)]
    if not right_type:
        wanted_types = query.vct_values or [" and ".join(types) for types in query.type_values]
        return _Lack(words=f"{shown(query.id)} wants a credential of type {_list(wanted_types)}", unsupported=False)
    accepted = [item for item in right_type if _is_of_authority(item, query.trusted_authorities)]
    accepted.sort(key=lambda item: item.rank)
    if not accepted:
        words = f"{shown(query.id)} accepts only certain authorities, and none of your credentials is of one of them"
        return _Lack(words=words, unsupported=False)
    # Built once per query: a verifier may name hundreds of values, a wallet may hold thousands of copies.
    wanted = [(claim.path, Values.of(claim)) for claim in query.claims]
    fits = [
        frozenset(index for index, (path, values) in enumerate(wanted) if find(item.claims, path, values))
        for item in accepted
    ]
    for item, selection in _cheapest_first(query, accepted, fits, cost):
        paths = _locate(query, item, [wanted[index] for index in selection])
        names = tuple(str(query.claim_path(path)[0]) for path in paths)
        return Selection(query_id=query.id, holding_id=item.id, paths=paths, names=names, rank=item.rank)
    return _Lack(words=_describe_lack(query, frozenset().union(*fits)), unsupported=False)


def _cheapest_first(
    query: CredentialQuery, holdings: Sequence[Holding], fits: Sequence[frozenset[int]], cost: _Cost
) -> Iterator[tuple[Holding, tuple[int, ...]]]:
    # Named once per query and tried from the cheapest on: a verifier that lists many `claim_sets` costs no more time.
    named = _once((cost.of_claims(_names(query, selection)), selection) for selection in query.selections())
    for least in sorted({price for price, _ in named}):
        alike = [(frozenset(selection), selection) for price, selection in named if price == least]
        for item, fitting in zip(holdings, fits, strict=True):
            yield from ((item, selection) for needed, selection in alike if needed <= fitting)


def find(claims: Mapping[str, Json], path: Path, values: Values) -> tuple[Location, ...]:
    """Where a path leads to what has one of the values (§6.4.1: what has another counts as not there)."""
    return tuple(location for location, value in select(claims, path) if values.match(value))


def find_unsupported(query: CredentialQuery) -> str | None:
    """What neither wallet nor verifier understands in a credential query, in words; None when they do."""
    if query.format not in (SD_JWT_VC, LDP_VC):
        return f"wants the format {shown(query.format)}"
    if query.format == LDP_VC and any(not _names_claim(claim.path) for claim in query.claims):
        return "wants a whole credential, or what is no claim of it, instead of certain claims"
    return None


def is_always_shown(query: CredentialQuery, path: Path) -> bool:
    """Whether a path leads to what every presentation of the format shows, so that nothing is disclosed for it."""
    return path[0] in (ALWAYS_SHOWN if query.format == SD_JWT_VC else _ALWAYS_SHOWN_LINKED)


def _names_claim(path: Path) -> bool:
    if path[0] == SUBJECT:
        return len(path) > 1 and isinstance(path[1], str)
    return path[0] in _ALWAYS_SHOWN_LINKED


def _may_answer(item: Holding, query: CredentialQuery) -> bool:
    if item.format != query.format or not query.accepts_type(vct=item.vct, types=item.types):
        return False
    if item.queries is not None and query.id not in item.queries:
        return False
    return item.holder_bound or not query.require_cryptographic_holder_binding


def _is_of_authority(item: Holding, authorities: Sequence[TrustedAuthority]) -> bool:
    """Whether one of the conditions is met (§6.1.1). Lists and federations are not asked: that would tell them."""
    return not authorities or any(
        authority.type == AUTHORITY_KEY_ID and not item.authority_key_ids.isdisjoint(authority.values)
        for authority in authorities
    )


def _locate(query: CredentialQuery, item: Holding, wanted: Sequence[tuple[Path, Values]]) -> tuple[Path, ...]:
    found = (location for path, values in wanted for location in find(item.claims, path, values))
    return _once(location for location in found if not is_always_shown(query, location))


def _names(query: CredentialQuery, selection: tuple[int, ...]) -> tuple[str, ...]:
    """The top-level name of each claim that would be disclosed; the same claim asked for twice counts once (§6.1)."""
    paths = _once(query.claims[index].path for index in selection)
    return tuple(str(query.claim_path(path)[0]) for path in paths if not is_always_shown(query, path))


def _escape(part: object) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


def _describe_lack(query: CredentialQuery, fitting: frozenset[int]) -> str:
    """Say which claims no holding of the right type has, or has with another value than asked."""
    lacking = [claim for index, claim in enumerate(query.claims) if index not in fitting]
    if lacking:
        names = ", ".join(_once(shown(describe(query.claim_path(claim.path))) for claim in lacking))
        return f"{shown(query.id)} wants a certain {names}, and none of your credentials of that type has it"
    return f"{shown(query.id)} wants a combination of claims that no single credential of yours has"


def _list(values: Sequence[str]) -> str:
    return " or ".join(shown(value, max_chars=120) for value in values)
