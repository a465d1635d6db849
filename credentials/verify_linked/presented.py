"""Steps 1 to 8: what our wallet derives from a bbs-2023 credential for one request."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

from credentials.bbs import BbsPublicKey
from credentials.bbs.secret import Random
from credentials.data_integrity import bbs_2023
from credentials.data_integrity.bbs_2023 import Derived
from credentials.data_integrity.bbs_2023_values import Feature
from credentials.encoding.strict_json import Json
from credentials.errors import HandstampError
from credentials.evidence import SEAL, Verified
from credentials.json_schema import check_linked_form
from credentials.linked_refusals import MissingPseudonym, UnaskedPseudonym
from credentials.protocols.openid4vp.linked import WrongNymDomain, check_presentation_header
from credentials.status import StatusCheck
from credentials.trust import TrustPolicy
from credentials.verify_linked.frame import FRAME_STEPS, Frame, FramePolicy, read_frame

DERIVED_STEPS: Final = (*FRAME_STEPS, "6 the issuer's proof holds")
_STEPS: Final = (*DERIVED_STEPS, "7 made for this verifier and request", "8 the pseudonym asked for, and no other")
SUITES: Final = frozenset({bbs_2023.SUITE})


def verify_linked(
    presentation: Mapping[str, Json],
    *,
    policy: TrustPolicy,
    presentation_header: bytes,
    nym_domain: str | None,
    at: datetime,
    types: Collection[str] | None = None,
    clock_skew_s: int = 60,
) -> Verified:
    """Verify what a wallet derived from a bbs-2023 credential. The steps are numbered in the package.

    Args:
        presentation: the credential that is shown, with its derived proof.
        policy: who is trusted for what, with their BBS keys.
        presentation_header: what the proof must sign for this request.
        nym_domain: the domain that a pseudonym was asked for; None if none was.
        at: the time of the check, with a zone.
        types: the types asked for, by `vct`; None for all that an issuer is trusted for.
        clock_skew_s: how far the issuer's clock may be off.

    Raises:
        HandstampError: the error of the step that failed.
    """
    frame, derived = verify_proof_alone(presentation, policy=policy, at=at, types=types, clock_skew_s=clock_skew_s)
    return _conclude(frame, derived, presentation_header, nym_domain, at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """One of many presentations, with what it must have been made for."""

    presentation: Mapping[str, Json] = field(repr=False)
    presentation_header: bytes
    nym_domain: str | None


def verify_linked_batch(
    showings: Sequence[Showing],
    *,
    policy: TrustPolicy,
    at: datetime,
    random: Random,
    types: Collection[str] | None = None,
    clock_skew_s: int = 60,
) -> tuple[Verified | HandstampError, ...]:
    """Verify many presentations with one pairing of many points, in less time than one after another.

    It is for whoever has many at hand: what was collected, or a queue. A gate answers each wallet as it comes, and lets
    nobody wait for the next.

    Args:
        showings: what was shown, by holders of any issuers.
        policy: who is trusted for what, with their BBS keys.
        at: the time of the check, with a zone.
        random: where numbers come from that nobody knew when the proofs were made.
        types: the types asked for, by `vct`; None for all that an issuer is trusted for.
        clock_skew_s: how far the issuers' clocks may be off.

    Returns:
        For each, in order, the evidence that `verify_linked` returns, or the error that it raises.
    """
    held_to = hold_to(policy, at, types, clock_skew_s)
    results: dict[int, Verified | HandstampError] = {}
    framed: dict[int, tuple[Frame, BbsPublicKey]] = {}
    for index, showing in enumerate(showings):
        try:
            framed[index] = _find_frame(showing.presentation, held_to)
        except HandstampError as error:
            results[index] = error
    secured = [(showings[index].presentation, key) for index, (_, key) in framed.items()]
    for index, derived in zip(framed, bbs_2023.verify_many(secured, random=random), strict=True):
        results[index] = (
            derived if isinstance(derived, HandstampError) else _try(showings[index], framed[index][0], derived, at)
        )
    return tuple(results[index] for index in range(len(showings)))


def _try(showing: Showing, frame: Frame, derived: Derived, at: datetime) -> Verified | HandstampError:
    try:
        return _conclude(frame, derived, showing.presentation_header, showing.nym_domain, at)
    except HandstampError as error:
        return error


def _conclude(
    frame: Frame, derived: Derived, presentation_header: bytes, nym_domain: str | None, at: datetime
) -> Verified:
    """Take steps 7 and 8, of something that is proven."""
    check_presentation_header(derived.presentation_header, wanted=presentation_header)  # (7)
    _check_pseudonym(derived, nym_domain)  # (8)
    return seal(frame, at=at, steps=_STEPS, pseudonym=derived.pseudonym)


def seal(
    frame: Frame, *, at: datetime, steps: tuple[str, ...], holder_key: str | None = None, pseudonym: bytes | None = None
) -> Verified:
    """Make the evidence of what took all its steps: it has the holder's key, or the pseudonym that was asked for."""
    return Verified(
        SEAL,
        issuer=frame.trusted.issuer,
        vct=frame.kind.vct,
        issued_at=frame.issued_at,
        disclosed=frame.disclosed,
        issuer_key=frame.proof.verification_method,
        at=at,
        steps=steps,
        status=StatusCheck.NONE,
        holder_key=holder_key,
        pseudonym=pseudonym,
    )


def verify_proof_alone(
    presentation: Mapping[str, Json],
    *,
    policy: TrustPolicy,
    at: datetime,
    types: Collection[str] | None,
    clock_skew_s: int,
) -> tuple[Frame, Derived]:
    """Take steps 1 to 6: what is shown is true, for whomever the proof was made.

    Raises:
        HandstampError: the error of the step that failed.
    """
    frame, key = _find_frame(presentation, hold_to(policy, at, types, clock_skew_s))
    return frame, bbs_2023.verify_derived(presentation, public_key=key)  # (6)


def hold_to(
    policy: TrustPolicy, at: datetime, types: Collection[str] | None, clock_skew_s: int, *, complete: bool = False
) -> FramePolicy:
    """Say what the frame of a bbs-2023 credential is held to; only a `complete` one has every claim of its type."""
    return FramePolicy(
        policy=policy,
        at=at,
        suites=SUITES,
        check_form=partial(check_linked_form, complete=complete),
        types=types,
        clock_skew_s=clock_skew_s,
    )


def _find_frame(presentation: Mapping[str, Json], held_to: FramePolicy) -> tuple[Frame, BbsPublicKey]:
    """Take steps 1 to 5."""
    frame = read_frame(presentation, held_to)
    return frame, find_bbs_key(frame, held_to.at)  # (4)


def find_bbs_key(frame: Frame, at: datetime) -> BbsPublicKey:
    """Take step 4: find the key among those that are known as the issuer's.

    Raises:
        TrustExpired: what is known of the issuer has ended.
        WrongIssuerKey: the proof names a key that is not known as theirs for this type.
    """
    name = frame.kind.configuration_id
    return frame.trusted.find_bbs_key(frame.proof.verification_method, type_name=name, at=at)


def _check_pseudonym(derived: Derived, nym_domain: str | None) -> None:
    if nym_domain is None:
        # Any feature but the plain one makes a crowd of its own.
        if derived.feature is not Feature.BASELINE:
            raise UnaskedPseudonym
        return
    if derived.pseudonym is None:
        raise MissingPseudonym
    # Compared as it stands: two spellings of one domain give two pseudonyms, and so two passages.
    if derived.nym_domain != nym_domain:
        raise WrongNymDomain
