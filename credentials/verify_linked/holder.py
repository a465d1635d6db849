"""Steps 13 to 16: a presentation by an ordinary wallet, with `challenge` and `domain` (OpenID4VP 1.0 App. B.1.3.1)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from credentials.data_integrity.bbs_2023 import Derived
from credentials.data_integrity.bbs_2023_values import Feature
from credentials.data_integrity.chains import ProofPolicy, verify_proofs
from credentials.data_integrity.errors import WrongController
from credentials.data_integrity.keys import check_controller, find_key_in
from credentials.data_integrity.proofs import AUTHENTICATION, controller_of, read_proofs
from credentials.dids.document import Relation
from credentials.dids.errors import DidMethodUnsupported
from credentials.dids.own_key import read_own_key
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.evidence import SEAL, Verified
from credentials.linked_refusals import HolderUnknown, NotOneCredential, NotTheHolders, ReusableProof, UnaskedPseudonym
from credentials.refusals import StaleKeyBinding
from credentials.status.bitstring_checking import RevocationList
from credentials.trust import TrustPolicy
from credentials.vcdm import ENVELOPED_CREDENTIAL, check_presentation, is_envelope_of, read_credentials
from credentials.verify_linked.frame import FRAME_STEPS
from credentials.verify_linked.presented import seal, verify_proof_alone
from credentials.verify_linked.published import SUITES, Published, verify_published

_STEPS: Final = (
    "13 a presentation of one credential",
    "14 made for this verifier and request, just now",
    "15 holder's signature",
    *FRAME_STEPS,
    "6 the issuer's proof holds",
    "16 about the holder, or tied to nothing else",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What a presentation must have been made for."""

    challenge: str
    """The request's nonce."""
    domain: str
    """The verifier, as the request names it."""
    presentation_header: bytes | None = None
    """What a bbs-2023 proof by our own wallet would sign for this request."""

    @property
    def headers(self) -> frozenset[bytes]:
        """The presentation headers that tie a bbs-2023 proof to this request, or to nothing."""
        own = set() if self.presentation_header is None else {self.presentation_header}
        return frozenset({b"", self.challenge.encode()} | own)


def verify_holder_presentation(  # noqa: PLR0913 - what to hold it to, all by name
    presentation: Mapping[str, Json],
    *,
    policy: TrustPolicy,
    occasion: Occasion,
    at: datetime,
    types: Collection[str] | None = None,
    lists: Mapping[str, RevocationList] | None = None,
    lenient: Collection[str] = (),
    max_age_s: int = 300,
    clock_skew_s: int = 60,
) -> Verified:
    """Verify a presentation that holds one credential of ours. The steps are numbered in the package.

    Args:
        presentation: what was sent.
        policy: who is trusted for what.
        occasion: what it must have been made for.
        at: the time of the check, with a zone.
        types: the types asked for, by `vct`; None for all that an issuer is trusted for.
        lists: the status lists at hand, under their addresses.
        lenient: addresses of lists that could not be had, and without which the credential is taken.
        max_age_s: how old the holder's signature may be, if it says when it was made.
        clock_skew_s: how far clocks may differ.

    Raises:
        StatusListNeeded: all is right but for the status; fetch the list that it names, and call again.
        HandstampError: the error of the step that failed.
    """
    credential = _read_one(presentation)  # (13)
    holder, holder_key = _verify_holder(presentation, occasion, at, max_age_s, clock_skew_s)  # (14), (15)
    if _is_published(credential):  # (16)
        found = verify_published(
            credential, policy=policy, at=at, types=types, lists=lists, lenient=lenient, clock_skew_s=clock_skew_s
        )
        return _published(found, holder, holder_key, at)
    frame, derived = verify_proof_alone(credential, policy=policy, at=at, types=types, clock_skew_s=clock_skew_s)
    _check_tied(derived, occasion)
    return seal(frame, at=at, steps=_STEPS, holder_key=holder_key)


def _check_tied(derived: Derived, occasion: Occasion) -> None:
    if derived.feature is not Feature.BASELINE:
        raise UnaskedPseudonym
    if derived.presentation_header not in occasion.headers:
        raise ReusableProof


def _published(found: Published, holder: str, holder_key: str, at: datetime) -> Verified:
    if found.subject_id != holder:
        raise NotTheHolders
    return Verified(
        SEAL,
        issuer=found.issuer,
        vct=found.kind.vct,
        issued_at=found.issued_at,
        disclosed=found.claims,
        issuer_key=found.issuer_key,
        at=at,
        steps=_STEPS,
        status=found.status,
        holder_key=holder_key,
    )


def _read_one(presentation: Mapping[str, Json]) -> dict[str, Json]:
    check_presentation(presentation)
    credentials = read_credentials(presentation)
    if len(credentials) != 1 or is_envelope_of(credentials[0], ENVELOPED_CREDENTIAL):
        raise NotOneCredential
    return credentials[0]


def _verify_holder(
    presentation: Mapping[str, Json], occasion: Occasion, at: datetime, max_age_s: int, clock_skew_s: int
) -> tuple[str, str]:
    """Take steps 14 and 15; return the holder's DID and the thumbprint of its key."""
    proofs = read_proofs(presentation)
    dids = {controller_of(proof.verification_method) for proof in proofs}
    if len(dids) != 1:
        raise WrongController("holder")
    # Each is checked over the whole, and a stranger could make the whole as slow to read as is allowed.
    if len(proofs) != 1:
        raise Malformed("presentation", "its holder signed it more than once")
    try:
        document = read_own_key(dids.pop())
    except DidMethodUnsupported as error:
        raise HolderUnknown from error
    policy = ProofPolicy(
        find_key=find_key_in({document.did: document}),
        at=at,
        clock_skew_s=clock_skew_s,
        purpose=AUTHENTICATION,
        challenge=occasion.challenge,
        domain=occasion.domain,
        suites=SUITES,
    )
    proven = verify_proofs(presentation, policy)
    for proof in proven.proofs:
        if proof.created is not None and (at - proof.created).total_seconds() > max_age_s:
            raise StaleKeyBinding(max_age_s)
    method = proven.proofs[0].verification_method
    if "holder" in presentation:
        check_controller(presentation, method, role="holder")
    return document.did, document.find_key(method, relation=Relation.AUTHENTICATION).thumbprint


def _is_published(credential: Mapping[str, Json]) -> bool:
    return any(proof.cryptosuite in SUITES for proof in read_proofs(credential))
