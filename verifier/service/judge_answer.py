"""Find out whether a wallet's answer meets the gate's requirement: no transaction, no side effect."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, assert_never

from credentials.protocols.dcql import check_shape
from credentials.protocols.openid4vp import AuthorizationResponse, ErrorResponse, build_presentation_header
from credentials.status.bitstring_checking import TokenRevocations
from credentials.verify import verify
from credentials.verify_linked import Occasion, verify_holder_presentation, verify_linked
from verifier.errors import WalletDeclined
from verifier.evidence import Basis, Evidence, build_evidence
from verifier.forms import Form, nym_domain
from verifier.requirements import types_asked
from verifier.service.build_request import OpenRequest, ask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from credentials.encoding.strict_json import Json
    from credentials.evidence import Verified
    from credentials.protocols.dcql import Presentation
    from verifier.party import Party
    from verifier.requirements import Asked
    from verifier.statuses import KnownStatuses


def judge_answer(
    found: OpenRequest,
    answer: AuthorizationResponse | ErrorResponse,
    *,
    party: Party,
    now: datetime,
    known: KnownStatuses,
) -> Evidence:
    """Find out whether an answer meets the gate's requirement (OpenID4VP 1.0 §8.6).

    1. It is not the wallet's refusal.
    2. It answers what was asked: one presentation for each query of a combination that satisfies.
    3. Each presentation passes the pipeline of its form, for this client and this request's nonce:
       `credentials.verify`, or `credentials.verify_linked`, where a pseudonym must be of this gate, and of this month.
    4. What was disclosed is what was asked, by value, and nothing more; what speaks for a co-op comes from that co-op;
       and at a gate with a limit there is something to count by.

    Raises:
        HandstampError: the first step that fails says why.
    """
    if isinstance(answer, ErrorResponse):  # (1)
        raise WalletDeclined
    gate = found.gate
    asked = ask(found, party)
    presentations = check_shape(asked.query, answer.vp_token)  # (2)
    judge = _Judge(found, asked, party=party, now=now, known=known)
    verified = {query_id: judge.verify(query_id, shown) for query_id, shown in presentations.items()}  # (3)
    basis = None
    if gate.counting is not None:
        period = gate.counting.limit.period(now)
        basis = Basis(key=gate.counting.key, salt=found.request.salt, presentations=presentations, period=period)
    return build_evidence(asked, verified, policy=found.policy, basis=basis)  # (4)


class _Judge:
    """Verifies the presentations of one answer, each by the pipeline of its form."""

    def __init__(
        self,
        found: OpenRequest,
        asked: Asked,
        *,
        party: Party,
        now: datetime,
        known: KnownStatuses,
    ) -> None:
        self._found = found
        self._asked = asked
        self._policy = found.policy
        self._party = party
        self._now = now
        self._known = known
        self._client = party.client_id(found.request.request_id)
        self._nonce = found.gate.terms.shake(found.request.salt).nonce

    @cached_property
    def _presentation_header(self) -> bytes:
        response_url = self._party.response_url(self._found.request.request_id)
        return build_presentation_header(self._client, self._nonce, response_url)

    def verify(self, query_id: str, shown: Presentation) -> Verified:
        types = types_asked(self._asked.query, query_id)
        if isinstance(shown, str):
            return verify(
                shown,
                policy=self._policy,
                audience=self._client,
                nonce=self._nonce,
                at=self._now,
                types=types,
                statuses=self._known.lists,
                lenient=self._known.lenient,
            )
        return self._verify_document(shown, self._asked.forms[query_id], types)

    def _verify_document(self, shown: Mapping[str, Json], form: Form, types: frozenset[str]) -> Verified:
        match form:
            case Form.SIGNED:
                occasion = Occasion(
                    challenge=self._nonce, domain=self._client, presentation_header=self._presentation_header
                )
                return verify_holder_presentation(
                    shown,
                    policy=self._policy,
                    occasion=occasion,
                    at=self._now,
                    types=types,
                    lists={uri: TokenRevocations(listed=each) for uri, each in self._known.lists.items()},
                    lenient=self._known.lenient,
                )
            case Form.BASELINE | Form.PSEUDONYM:
                domain = None if form is Form.BASELINE else nym_domain(self._found.gate, self._party, now=self._now)
                return verify_linked(
                    shown,
                    policy=self._policy,
                    presentation_header=self._presentation_header,
                    nym_domain=domain,
                    at=self._now,
                    types=types,
                )
            case Form.SD_JWT:
                raise AssertionError("check_shape lets no object through for an SD-JWT VC")
            case _:
                assert_never(form)
