"""What a verifier checks in an answer: it is what was asked, all of it, and nothing else (OpenID4VP 1.0 §6.4, §8.6)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Final, Protocol, TypeAlias

from credentials.encoding.strict_json import Json, dump
from credentials.errors import HolderError
from credentials.protocols.dcql.choosing import (
    ALWAYS_SHOWN,
    UnsupportedQuery,
    find,
    find_unsupported,
    is_always_shown,
)
from credentials.protocols.dcql.query import ISSUER, LDP_VC, SD_JWT_VC, ClaimQuery, CredentialQuery, Query, Values
from credentials.protocols.members import shown
from credentials.sd_jwt.locating import describe, select
from schemas import BY_VCT

# Who issued it and its type an answer tells; dates, key and status it does not.
_NOT_TOLD: Final = ALWAYS_SHOWN - {"iss", "vct"}

Presentation: TypeAlias = "str | Mapping[str, Json]"
"""One presentation of a `vp_token`: text, or in the format `ldp_vc` an object (§8.1)."""


class Answer(Protocol):
    """What a verified presentation says; `credentials.verify.Verified` is one."""

    @property
    def issuer(self) -> str:
        """Who issued it."""
        ...

    @property
    def vct(self) -> str:
        """The credential's type."""
        ...

    @property
    def disclosed(self) -> Mapping[str, Json]:
        """What was disclosed about the subject."""
        ...


class AnswerRefused(HolderError):
    """The presentations are not what the request asked for."""

    code: ClassVar[str] = "answer_refused"


class MissingAnswer(AnswerRefused):
    """A credential that the request requires is not there."""

    code = "missing_answer"

    def __init__(self, wanted: Sequence[str]) -> None:
        """`wanted` are the ids of which one, or all, should have been answered."""
        super().__init__(f"The answer lacks what the request requires: {', '.join(shown(name) for name in wanted)}.")


class UnaskedAnswer(AnswerRefused):
    """A credential came that was not asked for."""

    code = "unasked_answer"

    def __init__(self, query_id: str) -> None:
        """`query_id` under which it came."""
        super().__init__(f"The answer brings {shown(query_id)}, which was not asked for. Nothing of it was kept.")


class WrongAnswerType(AnswerRefused):
    """A credential of another type than asked for."""

    code = "wrong_answer_type"

    def __init__(self, query_id: str, *, wanted: Sequence[str], got: str) -> None:
        """Say both types, so that whoever reads it knows what to mend."""
        types = " or ".join(shown(value, max_chars=120) for value in wanted)
        super().__init__(
            f"For {shown(query_id)}, a credential of type {types} is needed, not {shown(got, max_chars=120)}."
        )


class MissingClaim(AnswerRefused):
    """A claim that was asked for is not disclosed."""

    code = "missing_claim"

    def __init__(self, query_id: str, names: Sequence[str]) -> None:
        """`names` are the claims that are missing."""
        listed = ", ".join(shown(name) for name in names)
        super().__init__(f"For {shown(query_id)}, these claims must be disclosed: {listed}.")


class WrongClaimValue(AnswerRefused):
    """A disclosed claim has none of the values asked for; this is where a gate stays shut."""

    code = "wrong_claim_value"

    def __init__(self, query_id: str, names: Sequence[str]) -> None:
        """`names` are the claims; their values are never repeated."""
        listed = ", ".join(shown(name) for name in names)
        super().__init__(f"For {shown(query_id)}, the credential shown is not one that opens this: {listed} differs.")


class UnaskedClaim(AnswerRefused):
    """A claim was disclosed that was not asked for."""

    code = "unasked_claim"

    def __init__(self, query_id: str, names: Sequence[str]) -> None:
        """`names` are the claims; their values are never repeated."""
        listed = ", ".join(shown(name) for name in names)
        super().__init__(f"For {shown(query_id)}, more was disclosed than asked: {listed}. Nothing of it was kept.")


class WrongPresentationForm(AnswerRefused):
    """Text where an object is due, or an object where text is."""

    code = "wrong_presentation_form"

    def __init__(self, query_id: str, format_: str) -> None:
        """`query_id` under which it came, and the format that was asked for."""
        due = "a JSON object" if format_ == LDP_VC else "a string"
        super().__init__(f"For {shown(query_id)}, a presentation in the format {format_} is due, which is {due}.")


class NotOnePresentation(AnswerRefused):
    """More than one presentation where one was asked for."""

    code = "not_one_presentation"

    def __init__(self, query_id: str) -> None:
        """`query_id` under which they came."""
        super().__init__(f"For {shown(query_id)}, exactly one presentation is needed.")


def check_shape(query: Query, vp_token: Mapping[str, Sequence[Presentation]]) -> Mapping[str, Presentation]:
    """Check, before any cryptography, that a `vp_token` has one presentation under ids that were asked (§8.1).

    Returns:
        The presentation by id.

    Raises:
        UnaskedAnswer, WrongPresentationForm, NotOnePresentation, MissingAnswer: it has not.
    """
    for query_id, presentations in check_several(query, vp_token).items():
        if len(presentations) != 1:
            raise NotOnePresentation(query_id)
    return {query_id: presentations[0] for query_id, presentations in vp_token.items()}


def check_several(query: Query, vp_token: Mapping[str, Sequence[Presentation]]) -> Mapping[str, Sequence[Presentation]]:
    """Check the shape as `check_shape` does, for a query that may be answered by several credentials (`multiple`).

    Returns:
        The presentations by id: one, or as many as came where the query allows several; never the same twice.

    Raises:
        UnaskedAnswer, WrongPresentationForm, NotOnePresentation, MissingAnswer: it has not.
    """
    for query_id, presentations in vp_token.items():
        credential = query.find(query_id)
        if credential is None:
            raise UnaskedAnswer(query_id)
        if any(isinstance(each, str) != (credential.format != LDP_VC) for each in presentations):
            raise WrongPresentationForm(query_id, credential.format)
        different = {each if isinstance(each, str) else dump(each) for each in presentations}
        several = credential.multiple and len(different) == len(presentations)
        if not presentations or (len(presentations) > 1 and not several):
            raise NotOnePresentation(query_id)
    _check_sets(query, frozenset(vp_token))
    return vp_token


def check_answer(
    query: Query, answers: Mapping[str, Answer | Sequence[Answer]], *, whole: Collection[str] = ()
) -> None:
    """Check verified presentations against the query. `values` are compared here, whatever the wallet did (§6.4.1).

    Claims that a path leads past are not looked at: whether they could have been hidden, an answer does not say. What
    nobody asked for at the top level is refused.

    Args:
        query: what was asked.
        answers: what `verify` made of each presentation, by the id of its credential query; several where the query
            allows several, each of which must be what was asked.
        whole: the ids of queries that are answered by what cannot be shown in parts: claims that nobody asked for may
            come along, and are for the caller to forget.

    Raises:
        AnswerRefused: something is missing, wrong or was not asked.
        UnsupportedQuery: the query itself is one that this version cannot check.
    """
    for query_id, given in answers.items():
        credential = query.find(query_id)
        if credential is None:
            raise UnaskedAnswer(query_id)
        listed = given if isinstance(given, Sequence) else (given,)
        if not listed or (len(listed) > 1 and not credential.multiple):
            raise NotOnePresentation(query_id)
        for answer in listed:
            _check_one(credential, answer, whole=query_id in whole)
    _check_sets(query, frozenset(answers))


def _check_one(query: CredentialQuery, answer: Answer, *, whole: bool) -> None:
    if reason := _find_uncheckable(query):
        raise UnsupportedQuery([f"{shown(query.id)} {reason}"])
    if not query.accepts_type(vct=answer.vct, types=_types_of(answer.vct)):
        wanted = query.vct_values or [" and ".join(types) for types in query.type_values]
        raise WrongAnswerType(query.id, wanted=wanted, got=answer.vct)
    refusals = [
        _find_refusal(query, [query.claims[index] for index in selection], answer, whole=whole)
        for selection in query.selections()
    ]
    # One of the alternatives must fit exactly; when none does, the verifier's favourite explains why.
    if None not in refusals and refusals[0] is not None:
        raise refusals[0]


def _types_of(vct: str) -> frozenset[str]:
    """The types, as full IRIs, of a linked credential of the type that evidence calls `vct`."""
    kind = BY_VCT.get(vct)
    return frozenset() if kind is None else frozenset(kind.type_iris)


def _find_refusal(
    query: CredentialQuery, selection: Sequence[ClaimQuery], answer: Answer, *, whole: bool
) -> AnswerRefused | None:
    query_id = query.id
    # Evidence holds the claims of the subject alone, whatever the format (§B.1.2: a path begins at the root).
    about = [
        replace(claim, path=query.claim_path(claim.path))
        for claim in selection
        if not is_always_shown(query, claim.path)
    ]
    if missing := [describe(claim.path) for claim in about if not select(answer.disclosed, claim.path)]:
        return MissingClaim(query_id, missing)
    visible: dict[str, Json] = {"iss": answer.issuer, "vct": answer.vct}
    wrong = [describe(claim.path) for claim in about if not _fits(claim, answer.disclosed)]
    wrong += [describe(claim.path) for claim in selection if claim.path[0] in visible and not _fits(claim, visible)]
    if wrong:
        return WrongClaimValue(query_id, wrong)
    always = ALWAYS_SHOWN if query.format == SD_JWT_VC else frozenset[str]()
    wanted = always.union(str(claim.path[0]) for claim in about)
    if not whole and (unasked := [name for name in answer.disclosed if name not in wanted]):
        return UnaskedClaim(query_id, unasked)
    return None


def _fits(claim: ClaimQuery, claims: Mapping[str, Json]) -> bool:
    return bool(find(claims, claim.path, Values.of(claim)))


def _find_uncheckable(query: CredentialQuery) -> str | None:
    """What cannot be checked: an answer does not hold the protocol's claims. Authorities are the trust policy's."""
    not_told = [claim for claim in query.claims if claim.values and is_always_shown(query, claim.path)]
    if query.format == LDP_VC:
        # Who issued it, evidence calls as the policy does; whom a query names by DID was for the wallet to choose by.
        not_told = [claim for claim in not_told if claim.path != (ISSUER,)]
    if any(query.format == LDP_VC or claim.path[0] in _NOT_TOLD for claim in not_told):
        return "asks for values of a claim of the protocol itself"
    return find_unsupported(query)


def _check_sets(query: Query, answered: frozenset[str]) -> None:
    """Check that what was required is answered, and that whatever came belongs to a combination that is complete."""
    if not query.credential_sets:
        wanted = [credential.id for credential in query.credentials]
        if missing := [name for name in wanted if name not in answered]:
            raise MissingAnswer(missing)
        return
    complete: set[str] = set()
    for group in query.credential_sets:
        satisfied = [option for option in group.options if answered.issuperset(option)]
        if group.required and not satisfied:
            raise MissingAnswer(list(dict.fromkeys(name for option in group.options for name in option)))
        complete.update(name for option in satisfied for name in option)
    if not answered:
        raise MissingAnswer([credential.id for credential in query.credentials])
    for name in sorted(answered - complete):
        raise UnaskedAnswer(name)
