"""Presentations by ordinary wallets: one holder, several credentials, each secured in its own way (VCDM 2.0 §4.13).

A presentation proves who shows it, to whom, in answer to what. That its holder is also whom a credential is about is
for the caller to decide, as is which issuers are believed.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from typing_extensions import Unpack

from credentials.data_integrity.adding import ProofOptions
from credentials.data_integrity.chains import ProofPolicy, verify_proofs
from credentials.data_integrity.errors import WrongController
from credentials.data_integrity.keys import check_controller, read_controller
from credentials.data_integrity.proofs import ASSERTION, AUTHENTICATION, controller_of
from credentials.data_integrity.rdfc import RdfcSuite
from credentials.encoding.strict_json import Json
from credentials.enveloped import CREDENTIALS_CONTEXT, Envelope, EnvelopeKind, is_enveloped
from credentials.errors import HandstampError, Malformed
from credentials.keys.signer import Signer

MAX_CREDENTIALS: Final = 16
_WHAT: Final = "presentation"


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
        "@context": [CREDENTIALS_CONTEXT],
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
        Malformed: it names no issuer.
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
        Malformed: it is no presentation, or holds more than sixteen credentials.
    """
    presentation, methods = _verify_holder(document, replace(policy, purpose=AUTHENTICATION))
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
        credentials=tuple(verify_credential(each, inner) for each in read_credentials(presentation)),
    )


def read_credentials(presentation: Mapping[str, Json]) -> tuple[dict[str, Json], ...]:
    """Return the credentials of a presentation; none is fine.

    Raises:
        Malformed: it is no presentation, one of them is no object, or there are too many.
    """
    types = presentation.get("type")
    if "VerifiablePresentation" not in (types if isinstance(types, list) else [types]):
        raise Malformed(_WHAT, "its `type` does not say that it is one")
    value = presentation.get("verifiableCredential", [])
    values = value if isinstance(value, list) else [value]
    credentials = tuple(each for each in values if isinstance(each, dict))
    if len(credentials) != len(values) or len(credentials) > MAX_CREDENTIALS:
        raise Malformed(_WHAT, f"its credentials are not at most {MAX_CREDENTIALS} objects")
    return credentials


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
        raise Malformed(_WHAT, "it is a credential")
    envelope.verify(
        find_key=policy.find_key,
        at=policy.at,
        clock_skew_s=policy.clock_skew_s,
        challenge=policy.challenge,
        domain=policy.domain,
    )
    return envelope.document, (envelope.verification_method,)


def _prove(document: Mapping[str, Json], methods: tuple[str, ...]) -> ProvenCredential:
    issuer = read_controller(document, "issuer")
    if issuer is None:
        raise Malformed("credential", "it names no issuer")
    for method in methods:
        check_controller(document, method, role="issuer")
    return ProvenCredential(document=document, issuer=issuer, verification_methods=methods)
