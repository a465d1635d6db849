"""What the proofs of a credential request prove, by the form of credential that it asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self, assert_never

from credentials.bbs import check_nym_commitment
from credentials.keys.jwk import PublicKey
from credentials.protocols.oauth import (
    InvalidProof,
    UnknownCredentialConfiguration,
    UnknownCredentialIdentifier,
    refuse_as,
)
from credentials.protocols.openid4vci import (
    AttestationRules,
    CredentialRequest,
    Form,
    Proof,
    check_request_commitment,
    check_request_proofs,
    split_name,
)

PUBLISHING_ALGORITHMS: Final = ("EdDSA", "ES256")
"""Of keys that what is published may name: those that sign statements."""
_ONE_KEY: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """A commitment to exactly one secret, whose sender knows it.

    Attributes:
        with_proof: as the wallet sent it; a new one each time.
        point: the commitment itself; the same whenever the same secret and blind are committed to.
    """

    with_proof: bytes
    point: bytes

    @classmethod
    def check(cls, with_proof: bytes) -> Self:
        """Check the proof of a commitment.

        Raises:
            BadCommitment, Malformed: its sender does not know the secret, or it is none.
        """
        return cls(with_proof=with_proof, point=check_nym_commitment(with_proof))


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What a request has proven. The nonces are still to be spent.

    Attributes:
        form: the form that is asked for.
        nonces: of its proofs.
        keys: that credentials shall be bound to, one for each.
        commitment: to the secret behind pseudonyms.
    """

    form: Form
    nonces: frozenset[str] = frozenset()
    keys: tuple[PublicKey, ...] = ()
    commitment: Commitment | None = None

    @classmethod
    def of_keys(cls, form: Form, proofs: Sequence[Proof]) -> Self:
        """Say what key proofs prove."""
        return cls(
            form=form,
            nonces=frozenset(proof.nonce for proof in proofs),
            keys=tuple(proof.key for proof in proofs),
        )


def check_proven(request: CredentialRequest, *, audience: str, at: datetime, rules: AttestationRules) -> Proven:
    """Check the proofs of a request as the form that it asks for wants them.

    Args:
        request: the parsed request.
        audience: the credential issuer's identifier.
        at: now.
        rules: what is made of key attestations.

    Raises:
        UnknownCredentialIdentifier, UnknownCredentialConfiguration: it asks for a form that there is none of.
        InvalidProof: a proof is missing, fails, or is one that the form does not take.
    """
    form = wanted_form(request)
    match form:
        case Form.SD_JWT:
            return Proven.of_keys(form, check_request_proofs(request, audience=audience, at=at, rules=rules))
        case Form.EDDSA:
            return _check_one_key(request, audience=audience, at=at, rules=rules)
        case Form.BBS:
            if request.proofs:
                raise InvalidProof("This credential is bound to nothing: ask for it without `proofs`.")
            return Proven(form=form)
        case Form.PSEUDONYM | Form.DOOR:
            return _check_commitment(request, form, audience=audience, at=at)
        case _:
            assert_never(form)


def wanted_form(request: CredentialRequest) -> Form:
    """Say which form a request asks for.

    Raises:
        UnknownCredentialIdentifier, UnknownCredentialConfiguration: one that nobody knows.
    """
    identifier = request.credential_identifier
    form = split_name(identifier or request.credential_configuration_id or "")[1]
    if form is None and identifier is None:
        raise UnknownCredentialConfiguration("There is no such credential configuration here.")
    if form is None:
        raise UnknownCredentialIdentifier("The access token does not open this credential_identifier.")
    return form


def _check_one_key(request: CredentialRequest, *, audience: str, at: datetime, rules: AttestationRules) -> Proven:
    proofs = check_request_proofs(request, audience=audience, at=at, rules=rules, algorithms=PUBLISHING_ALGORITHMS)
    if len(proofs) != _ONE_KEY:
        raise InvalidProof("What is published names one key, with which its subject signs. Send one key proof.")
    return Proven.of_keys(Form.EDDSA, proofs)


def _check_commitment(request: CredentialRequest, form: Form, *, audience: str, at: datetime) -> Proven:
    if request.proof_type != "bbs2023_commitment" or not request.proofs:
        raise InvalidProof("This credential has pseudonyms: send `proofs` with one JWT under `bbs2023_commitment`.")
    proof = check_request_commitment(request.proofs, audience=audience, at=at)
    with refuse_as(InvalidProof):
        commitment = Commitment.check(proof.commitment_with_proof)
    return Proven(form=form, nonces=frozenset({proof.nonce}), commitment=commitment)
