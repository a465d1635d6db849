"""Presentations by ordinary wallets: one holder, several credentials, each secured in its own way (VCDM 2.0 §4.13).

A presentation proves who shows it, to whom, in answer to what. That its holder is also whom a credential is about is
for the caller to decide, as is which issuers are believed.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from typing_extensions import Unpack

from credentials.data_integrity.adding import ProofOptions
from credentials.data_integrity.chains import ProofPolicy, verify_proofs
from credentials.data_integrity.errors import WrongController
from credentials.data_integrity.keys import check_controller
from credentials.data_integrity.proofs import ASSERTION, AUTHENTICATION, controller_of
from credentials.data_integrity.rdfc import RdfcSuite
from credentials.encoding.strict_json import Json
from credentials.enveloped import Envelope, EnvelopeKind, is_enveloped
from credentials.errors import HandstampError, Malformed
from credentials.keys.signer import Signer
from credentials.vcdm import check_credential, check_presentation, read_credentials, read_issuer
from schemas.context import CREDENTIALS_V2_URL


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenCredential:
    """A credential that its issuer signed."""

    document: Mapping[str, Json] = field(repr=False)
    """What is disclosed, without proofs."""
    issuer: str
    verification_methods: tuple[str, ...]
    """The keys that signed it, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenPresentation:
    """A presentation that its holder signed for this verifier, and every credential in it."""

    document: Mapping[str, Json] = field(repr=False)
    """The presentation without its proofs."""
    holder: str
    """Who controls the key that signed it."""
    credentials: tuple[ProvenCredential, ...]


def build_presentation(
    credentials: Sequence[Mapping[str, Json]],
    *,
    suite: RdfcSuite,
    signer: Signer,
    holder: str,
    verification_method: str,
    **options: Unpack[ProofOptions],
) -> dict[str, Json]:
    """Put credentials into a presentation and sign it.

    Args:
        credentials: secured ones, or objects that carry a token.
        suite: what the holder signs with.
        signer: the holder's key.
        holder: the holder's DID.
        verification_method: the URL of the key, in the holder's DID document.
        options: `challenge` and `domain` as the verifier gave them; `created`.

    Raises:
        HandstampError: as `RdfcSuite.add_proof`.
    """
    presentation: dict[str, Json] = {
        "@context": [CREDENTIALS_V2_URL],
        "type": ["VerifiablePresentation"],
        "holder": holder,
    }
    # An empty array is no statement, so that no signature would cover it.
    if credentials:
        presentation["verifiableCredential"] = [dict(credential) for credential in credentials]
    options["purpose"] = AUTHENTICATION
    return suite.add_proof(presentation, signer=signer, verification_method=verification_method, **options)


def verify_credential(document: Mapping[str, Json], policy: ProofPolicy) -> ProvenCredential:
    """Verify a credential with proofs of its own, or one inside a token, and that its issuer made them.

    Raises:
        HandstampError: as `verify_proofs`, or `Envelope.parse` and `Envelope.verify`.
        WrongController: a key belongs to somebody else than the issuer.
        Malformed: it breaks a rule of its data model.
    """
    if is_enveloped(document):
        envelope = Envelope.parse(document)
        if envelope.kind is EnvelopeKind.PRESENTATION_JWT:
            raise Malformed("credential", "it is a presentation")
        envelope.verify(find_key=policy.find_key, at=policy.at, clock_skew_s=policy.clock_skew_s)
        return _prove(envelope.document, (envelope.verification_method,))
    proven = verify_proofs(document, policy)
    return _prove(proven.document, tuple(proof.verification_method for proof in proven.proofs))


def verify_presentation(document: Mapping[str, Json], policy: ProofPolicy) -> ProvenPresentation:
    """Verify a presentation and every credential in it.

    Args:
        document: a presentation with a proof, or an object that carries one in a token.
        policy: with the `challenge` and `domain` that the verifier gave; its purpose is `authentication` whatever it
            says, and `assertionMethod` for the credentials.

    Raises:
        HandstampError: as `verify_credential`, for the presentation or one of its credentials.
        WrongController: the key belongs to somebody else than the holder that is named, or the proofs are of several.
        Malformed: it, or one of its credentials, breaks a rule of its data model.
    """
    presentation, methods = _verify_holder(document, replace(policy, purpose=AUTHENTICATION))
    check_presentation(presentation)
    if "holder" in presentation:
        for method in methods:
            check_controller(presentation, method, role="holder")
    holders = {controller_of(method) for method in methods}
    if len(holders) != 1:
        raise WrongController("holder")
    inner = replace(policy, purpose=ASSERTION, challenge=None, domain=None)
    return ProvenPresentation(
        document=presentation,
        holder=holders.pop(),
        credentials=tuple(_verify_member(each, inner, methods) for each in read_credentials(presentation)),
    )


def _verify_member(document: Mapping[str, Json], policy: ProofPolicy, methods: tuple[str, ...]) -> ProvenCredential:
    # VCDM 2.0 §4.13.4: the holder's own word stands on the proof of the presentation, which names the holder;
    # `check_presentation` found that it is the holder's.
    if "proof" not in document and not is_enveloped(document):
        return _prove(document, methods)
    return verify_credential(document, policy)


def name_controllers(document: Json) -> Iterator[str]:
    """Name each DID whose keys the proofs and tokens of a document, and of what is inside it, refer to.

    For whoever resolves them beforehand. What cannot be read is passed over here, and refused when it is verified.
    """
    if not isinstance(document, dict):
        return
    if is_enveloped(document):
        with suppress(HandstampError):
            envelope = Envelope.parse(document)
            yield controller_of(envelope.verification_method)
            yield from _name_inner(envelope.document)
        return
    proofs = document.get("proof", [])
    for proof in proofs if isinstance(proofs, list) else [proofs]:
        method = proof.get("verificationMethod") if isinstance(proof, dict) else None
        if isinstance(method, str):
            yield controller_of(method)
    yield from _name_inner(document)


def _name_inner(document: Mapping[str, Json]) -> Iterator[str]:
    inner = document.get("verifiableCredential", [])
    for each in inner if isinstance(inner, list) else [inner]:
        yield from name_controllers(each)


def _verify_holder(document: Mapping[str, Json], policy: ProofPolicy) -> tuple[Mapping[str, Json], tuple[str, ...]]:
    if not is_enveloped(document):
        proven = verify_proofs(document, policy)
        return proven.document, tuple(proof.verification_method for proof in proven.proofs)
    envelope = Envelope.parse(document)
    if envelope.kind is not EnvelopeKind.PRESENTATION_JWT:
        raise Malformed("presentation", "it is a credential")
    envelope.verify(
        find_key=policy.find_key,
        at=policy.at,
        clock_skew_s=policy.clock_skew_s,
        challenge=policy.challenge,
        domain=policy.domain,
    )
    return envelope.document, (envelope.verification_method,)


def _prove(document: Mapping[str, Json], methods: tuple[str, ...]) -> ProvenCredential:
    check_credential(document)
    for method in methods:
        check_controller(document, method, role="issuer")
    return ProvenCredential(document=document, issuer=read_issuer(document), verification_methods=methods)
