"""Take the steps of the pipeline that a file belongs to, with the keys and lists at hand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from credentials.data_integrity.bbs_2023_values import DerivedValue, Feature
from credentials.data_integrity.chains import ProofPolicy
from credentials.data_integrity.errors import UnsupportedSuite
from credentials.data_integrity.keys import FindKey
from credentials.data_integrity.presentations import verify_credential, verify_presentation
from credentials.data_integrity.proofs import read_proofs
from credentials.data_integrity.suites import ALL_SUITES
from credentials.encoding.date_time import parse_date_time
from credentials.encoding.strict_json import Json
from credentials.errors import HandstampError, Malformed
from credentials.evidence import Foreign, Verified
from credentials.json_schema import check_claims_form
from credentials.keys.jws import parse_jws
from credentials.protocols.members import Members
from credentials.protocols.openid4vp.linked import build_presentation_header
from credentials.sd_jwt.presenting import KEY_BINDING_TYP, read_holder_key
from credentials.shape import check_shape
from credentials.statement import verify_statement
from credentials.status import StatusCheck, StatusList
from credentials.status.bitstring_checking import BitstringList, RevocationList, TokenRevocations
from credentials.trust import TrustPolicy
from credentials.vcdm import check_valid_at
from credentials.verify import verify, verify_foreign
from credentials.verify_linked import verify_linked, verify_linked_issued, verify_published
from handstamp.verifying import steps
from handstamp.verifying.reading import LinkedFile, Readable, SdJwtFile, names_our_type
from handstamp.verifying.report import Found, Report, report_failure, report_success
from schemas import BY_LDP_TYPE, BY_VCT

_SKEW_S: Final = 60
_ANY_AGE_S: Final = 100 * 366 * 86_400
_NOT_READ: Final = {1: "A proof in it signs letters: what contexts make of them was not read."}
_SAY: Final = "Say it with --audience and --nonce"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a presentation must have been made for, as far as somebody says."""

    audience: str | None = None
    nonce: str | None = None
    response_uri: str | None = None
    nym_domain: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Whose keys are at hand, and which lists of what was taken back."""

    policy: TrustPolicy
    find_key: FindKey
    chosen: bool
    """Whether somebody said whom they trust; else the keys are those that issuers state of themselves."""
    lists: Mapping[str, StatusList] = field(default_factory=dict)
    bitstrings: Mapping[str, BitstringList] = field(default_factory=dict)
    lenient: frozenset[str] = frozenset()
    """Lists that could not be had."""

    @property
    def revocations(self) -> dict[str, RevocationList]:
        """All lists, as published credentials name them."""
        tokens = {uri: TokenRevocations(listed=each) for uri, each in self.lists.items()}
        return {**tokens, **self.bitstrings}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One file to be checked."""

    known: Known
    asked: Asked
    at: datetime

    def not_trusted(self, step: int) -> dict[int, str]:
        """Say that nobody said whom they trust."""
        if self.known.chosen:
            return {}
        return {step: "You named nobody whom you trust; whether you believe this issuer is for you to say."}

    def not_looked_up(self, step: int, status: StatusCheck) -> dict[int, str]:
        """Say that a list was not at hand."""
        return {step: "The issuer's list could not be had."} if status is StatusCheck.UNKNOWN else {}


def check_file(file: Readable, case: Case) -> Report:
    """Take every step; a refusal becomes a report, too.

    Raises:
        StatusListNeeded: a list must be fetched, or named as one that cannot be had.
    """
    try:
        found = _check_sd_jwt(file, case) if isinstance(file, SdJwtFile) else _LINKED[file.pipeline.what](file, case)
    except HandstampError as error:
        if error.code == "status_list_needed":
            raise
        return report_failure(file.pipeline, error)
    return report_success(file.pipeline, found)


def _check_sd_jwt(file: SdJwtFile, case: Case) -> Found:
    if file.pipeline is steps.SD_JWT_HELD:
        return _check_held_sd_jwt(file, case)
    binding = parse_jws(str(file.read.key_binding), what="key binding", typ=KEY_BINDING_TYP)
    claims = Members(binding.claims(), what="key binding")
    audience, nonce = claims.text("aud"), claims.text("nonce")
    verified = verify(
        file.text,
        policy=case.known.policy,
        audience=case.asked.audience or audience,
        nonce=case.asked.nonce or nonce,
        at=case.at,
        max_age_s=_ANY_AGE_S,
        statuses=case.known.lists,
        lenient=case.known.lenient,
    )
    notes = {12: f"It was shown at {_moment(claims.time('iat'))}; a site takes it for five minutes."}
    if case.asked.audience is None or case.asked.nonce is None:
        notes[11] = f"It was shown to {audience}. {_SAY} to compare."
    notes |= case.not_trusted(4) | case.not_looked_up(13, verified.status)
    return Found(says=_say(verified), notes=notes)


def _check_held_sd_jwt(file: SdJwtFile, case: Case) -> Found:
    key = read_holder_key(file.read).thumbprint
    foreign = verify_foreign(file.text, policy=case.known.policy, holder_keys=frozenset({key}), at=case.at)
    notes = {14: "Whether its key is yours, only your wallet knows."} | case.not_trusted(4)
    kind = BY_VCT.get(foreign.vct)
    if kind is None:
        notes[15] = "It is of a type whose form is not known here."
    else:
        # As it was when it was issued: what lasts for ever is still like those of its month.
        issued = datetime.fromtimestamp(foreign.issued_at or 0, UTC)
        check_shape(
            file.read,
            issuer_key=foreign.issuer_key,
            at=issued,
            digest_count=kind.digest_count,
            claim_names=frozenset(kind.claim_names),
            clock_skew_s=0,
            lifetime_months=kind.lifetime_months,
        )
        check_claims_form(kind, file.read.claims)
    return Found(says=_say(foreign), notes=notes)


def _check_shown(file: LinkedFile, case: Case) -> Found:
    (proof,) = read_proofs(file.document)
    value = DerivedValue.parse(proof.proof_value)
    asked = case.asked
    compared = asked.audience is not None and asked.nonce is not None
    header = (
        build_presentation_header(str(asked.audience), str(asked.nonce), asked.response_uri)
        if compared
        else value.presentation_header
    )
    verified = verify_linked(
        file.document,
        policy=case.known.policy,
        presentation_header=header,
        nym_domain=asked.nym_domain or value.nym_domain,
        at=case.at,
    )
    notes = case.not_trusted(3)
    if not compared:
        notes[7] = f"{_SAY} (and --response-uri) to compare."
    if asked.nym_domain is None and value.nym_domain is not None:
        notes[8] = f"Its pseudonym counts at {value.nym_domain}. Say it with --domain to compare."
    return Found(says=_say(verified), notes=notes)


def _check_held(file: LinkedFile, case: Case) -> Found:
    types = file.document.get("type")
    kinds = [BY_LDP_TYPE[each] for each in (types if isinstance(types, list) else []) if each in BY_LDP_TYPE]
    if len(kinds) != 1:
        raise Malformed("credential", "it names no type of ours, or several")
    # As it was when it was issued: what is kept stays good for ten days after its month.
    issued = parse_date_time(file.document.get("validFrom"), what="`validFrom` of the credential")
    check_valid_at(file.document, at=case.at, clock_skew_s=_SKEW_S)
    received = verify_linked_issued(
        file.document,
        policy=case.known.policy,
        kind=kinds[0],
        issuer=str(file.document.get("issuer")),
        feature=Feature.BASELINE,
        at=issued,
        clock_skew_s=0,
    )
    return Found(
        says=_describe(received.issuer, kinds[0].vct, received.issued_at, received.claims), notes=case.not_trusted(3)
    )


def _check_published(file: LinkedFile, case: Case) -> Found:
    known = case.known
    published = verify_published(
        file.document, policy=known.policy, at=case.at, lists=known.revocations, lenient=known.lenient
    )
    says = _describe(published.issuer, published.kind.vct, published.issued_at, published.claims)
    return Found(
        says={**says, "subject": published.subject_id},
        notes=case.not_trusted(3) | case.not_looked_up(12, published.status),
    )


def _check_statement(file: LinkedFile, case: Case) -> Found:
    known = case.known
    statement = verify_statement(
        file.document, policy=known.policy, at=case.at, lists=known.revocations, lenient=known.lenient
    )
    persona = statement.persona
    return Found(
        says={
            "said by": persona.claims.get("name"),
            "said": statement.text,
            "about": statement.about,
            "made at": statement.made_at.isoformat(),
            "vouched for by": persona.issuer,
            "key": persona.subject_id,
        },
        notes=case.not_trusted(4) | case.not_looked_up(4, persona.status),
    )


def _check_any_credential(file: LinkedFile, case: Case) -> Found:
    policy, notes = _proof_policy(case), {}
    try:
        proven = verify_credential(file.document, policy)
    except UnsupportedSuite:
        proven, notes = verify_credential(file.document, replace(policy, suites=ALL_SUITES)), _NOT_READ
    check_valid_at(proven.document, at=case.at, clock_skew_s=_SKEW_S)
    return Found(says={"issuer": proven.issuer, "says": proven.document.get("credentialSubject")}, notes=notes)


def _check_any_presentation(file: LinkedFile, case: Case) -> Found:
    policy = _proof_policy(case, challenge=case.asked.nonce, domain=case.asked.audience)
    notes = {} if case.asked.nonce and case.asked.audience else {2: f"For whom it was made was not compared. {_SAY}."}
    try:
        proven = verify_presentation(file.document, policy)
    except UnsupportedSuite:
        proven = verify_presentation(file.document, replace(policy, suites=ALL_SUITES))
        # Our types are words of our context, and mean nothing to whom did not read it.
        if any(names_our_type(each.document) for each in proven.credentials):
            raise
        notes |= _NOT_READ
    for each in proven.credentials:
        check_valid_at(each.document, at=case.at, clock_skew_s=_SKEW_S)
    shown: list[Json] = [
        {"issuer": each.issuer, "says": each.document.get("credentialSubject")} for each in proven.credentials
    ]
    return Found(says={"holder": proven.holder, "credentials": shown}, notes=notes)


_LINKED: Final[Mapping[str, Callable[[LinkedFile, Case], Found]]] = MappingProxyType(
    {
        steps.LINKED_SHOWN.what: _check_shown,
        steps.LINKED_HELD.what: _check_held,
        steps.PUBLISHED.what: _check_published,
        steps.STATEMENT.what: _check_statement,
        steps.ANY_CREDENTIAL.what: _check_any_credential,
        steps.ANY_PRESENTATION.what: _check_any_presentation,
    }
)


def _proof_policy(case: Case, *, challenge: str | None = None, domain: str | None = None) -> ProofPolicy:
    return ProofPolicy(
        find_key=case.known.find_key,
        at=case.at,
        clock_skew_s=_SKEW_S,
        challenge=challenge,
        domain=domain,
    )


def _say(evidence: Verified | Foreign) -> dict[str, Json]:
    return _describe(evidence.issuer, evidence.vct, evidence.issued_at, evidence.disclosed)


def _describe(issuer: str, vct: str, issued_at: float | None, claims: Mapping[str, Json]) -> dict[str, Json]:
    kind = BY_VCT.get(vct)
    return {
        "issuer": issuer,
        "type": kind.configuration_id if kind else vct,
        "since": None if issued_at is None else _moment(issued_at),
        "says": dict(claims),
    }


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
