"""What a wallet shows: the holdings that answer a query while disclosing the fewest claims (OpenID4VP 1.0 §6.4)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from credentials.encoding.strict_json import Json
from credentials.errors import HolderError, VerifierError
from credentials.protocols.dcql.query import SD_JWT_VC, CredentialQuery, Query, Values
from credentials.protocols.members import shown
from credentials.sd_jwt.issuing import ALWAYS_VISIBLE

# Every presentation shows them anyway. `iat` may be hidden elsewhere, but never in our types.
ALWAYS_SHOWN: Final = ALWAYS_VISIBLE | {"iat"}


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
        claims: all top-level claims, disclosable or not.
    """

    id: str
    format: str
    vct: str
    claims: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which holding answers one credential query, and which claims it must disclose for that.

    Attributes:
        query_id: the id of the credential query.
        holding_id: the id of the holding.
        disclose: names of top-level claims, in the order of the query; empty to disclose nothing that can be hidden.
    """

    query_id: str
    holding_id: str
    disclose: tuple[str, ...]


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


def choose(query: Query, holdings: Sequence[Holding]) -> Choice:
    """Choose what to show: every required part answered, nothing optional, the fewest claims; the earlier wins a tie.

    Where `claim_sets` or options of credential sets allow several answers, the one that discloses least is taken, also
    if the verifier would rather have another (§6.4.1 allows it). If all sets are optional, the first that can be is
    answered.

    Raises:
        UnsupportedQuery: what is required is asked in a way that this version cannot answer.
        NothingMatches: what is required is not there.
    """
    outcomes = {credential.id: _answer(credential, holdings) for credential in query.credentials}
    if not query.credential_sets:
        return _choice(_require([tuple(outcomes)], outcomes))
    required = [group for group in query.credential_sets if group.required]
    if required:
        return _choice(pick for group in required for pick in _require(group.options, outcomes))
    return _choice(_require([option for group in query.credential_sets for option in group.options], outcomes))


def _require(options: Iterable[tuple[str, ...]], outcomes: Mapping[str, _Outcome]) -> tuple[Selection, ...]:
    """The satisfiable option that discloses least."""
    answers: list[tuple[Selection, ...]] = []
    lacks: list[_Lack] = []
    for option in options:
        found = [outcomes[name] for name in option]
        missing = [outcome for outcome in found if isinstance(outcome, _Lack)]
        lacks += missing
        if not missing:
            answers.append(tuple(outcome for outcome in found if isinstance(outcome, Selection)))
    if answers:
        return min(answers, key=_cost)
    if unsupported := [lack.words for lack in lacks if lack.unsupported]:
        raise UnsupportedQuery(_once(unsupported))
    raise NothingMatches(_once(lack.words for lack in lacks))


def _choice(selections: Iterable[Selection]) -> Choice:
    return Choice(selections=tuple({selection.query_id: selection for selection in selections}.values()))


def _cost(selections: Sequence[Selection]) -> tuple[int, int]:
    return sum(len(selection.disclose) for selection in selections), len(selections)


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _answer(query: CredentialQuery, holdings: Sequence[Holding]) -> _Outcome:
    """The holding that answers one credential query with the fewest claims, or why none does."""
    reason = find_unsupported(query)
    if query.trusted_authorities:
        # We cannot tell yet whether a holding is of such an authority; to send it unasked would reveal it.
        reason = "accepts only certain authorities (trusted_authorities)"
    if reason:
        return _Lack(words=f"{shown(query.id)} {reason}", unsupported=True)
    right_type = [item for item in holdings if item.format == query.format and item.vct in query.vct_values]
    if not right_type:
        return _Lack(words=f"{shown(query.id)} wants a credential of type {_list(query.vct_values)}", unsupported=False)
    # Built once per query: a verifier may name hundreds of values, a wallet may hold thousands of copies.
    wanted = [(str(claim.path[0]), Values.of(claim)) for claim in query.claims]
    fits = [
        frozenset(
            index
            for index, (name, values) in enumerate(wanted)
            if name in item.claims and values.match(item.claims[name])
        )
        for item in right_type
    ]
    # Named once per query and tried from the shortest on: a verifier that lists many `claim_sets` costs no more time.
    named = [(frozenset(selection), _names(query, selection)) for selection in query.selections()]
    for count in sorted({len(names) for _, names in named}):
        alike = [(selection, names) for selection, names in named if len(names) == count]
        for item, fitting in zip(right_type, fits, strict=True):
            for selection, names in alike:
                if selection <= fitting:
                    return Selection(query_id=query.id, holding_id=item.id, disclose=names)
    return _Lack(words=_describe_lack(query, frozenset().union(*fits)), unsupported=False)


def find_unsupported(query: CredentialQuery) -> str | None:
    """What neither wallet nor verifier understands yet in a credential query, in words; None when they do."""
    if query.format != SD_JWT_VC:
        return f"wants the format {shown(query.format)}"
    if any(len(claim.path) != 1 or not isinstance(claim.path[0], str) for claim in query.claims):
        return "asks for a part of a claim (a path of several steps)"
    return None


def _names(query: CredentialQuery, selection: tuple[int, ...]) -> tuple[str, ...]:
    names = (str(query.claims[index].path[0]) for index in selection)
    return _once(name for name in names if name not in ALWAYS_SHOWN)


def _describe_lack(query: CredentialQuery, fitting: frozenset[int]) -> str:
    """Say which claims no holding of the right type has, or has with another value than asked."""
    lacking = [claim for index, claim in enumerate(query.claims) if index not in fitting]
    if lacking:
        names = ", ".join(_once(shown(str(claim.path[0])) for claim in lacking))
        return f"{shown(query.id)} wants a certain {names}, and none of your credentials of that type has it"
    return f"{shown(query.id)} wants a combination of claims that no single credential of yours has"


def _list(values: Sequence[str]) -> str:
    return " or ".join(shown(value, max_chars=120) for value in values)
