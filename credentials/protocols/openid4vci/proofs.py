"""Key proofs of types `jwt` and `attestation` (OpenID4VCI 1.0 App. F): which keys a wallet wants credentials for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from credentials.keys.jwk import PublicKey
from credentials.keys.jws import Jws, parse_jws, sign_jws
from credentials.keys.signer import Signer
from credentials.protocols.freshness import check_fresh
from credentials.protocols.members import Members, without_absent
from credentials.protocols.oauth import InvalidProof, refuse_as
from credentials.protocols.openid4vci.attestations import KeyAttestation, check_key_attestation
from credentials.protocols.openid4vci.credential import MAX_PROOFS, CredentialRequest

TYP: Final = "openid4vci-proof+jwt"
# Credentials of one type look alike for verifiers, and that includes the kind of key that they are bound to.
ALGORITHMS: Final = ("ES256",)
_WHAT: Final = "key proof"
_MAX_PROOF: Final = 24_576
_MAX_NONCE: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A key proof that passed. The caller still spends the nonce: it must be its own, fresh and unused."""

    key: PublicKey
    nonce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestationRules:
    """What an issuer makes of key attestations.

    Attributes:
        anchors: authorities that certify who may attest keys, PEM; with none, attestations say nothing here.
        required: keys without an attestation are refused (HAIP 1.0 §4.5.1).
    """

    anchors: tuple[bytes, ...] = ()
    required: bool = False


NO_ATTESTATIONS: Final = AttestationRules()


def build_proof_jwt(
    *, signer: Signer, audience: str, nonce: str, issued_at: int, key_attestation: str | None = None
) -> str:
    """Build one key proof; `audience` is the credential issuer's identifier. No `iss`: the wallet is anonymous."""
    header = without_absent(typ=TYP, jwk=signer.public_key.jwk, key_attestation=key_attestation)
    return sign_jws(header, {"aud": audience, "iat": issued_at, "nonce": nonce}, signer)


def check_proof_jwt(text: str, *, audience: str, at: datetime) -> Proof:
    """Check one key proof (App. F.4): type, algorithm, key in the header, signature, audience, age, a nonce.

    Raises:
        InvalidProof: any of these fails.
    """
    with refuse_as(InvalidProof):
        return _check_jwt(_parse(text), audience=audience, at=at)


def check_proofs(proofs: Sequence[str], *, audience: str, at: datetime) -> tuple[Proof, ...]:
    """Check all key proofs of one request; each must bring its own key (§8.3: at most one credential per key).

    Raises:
        InvalidProof: one fails, or two prove the same key.
    """
    checked = tuple(check_proof_jwt(text, audience=audience, at=at) for text in proofs)
    _check_distinct(checked)
    return checked


def check_request_proofs(
    request: CredentialRequest,
    *,
    audience: str,
    at: datetime,
    rules: AttestationRules = NO_ATTESTATIONS,
    algorithms: tuple[str, ...] = ALGORITHMS,
) -> tuple[Proof, ...]:
    """Check the proofs of a credential request, of whichever type, and list every key that it wants bound.

    With trusted attesters a key attestation is checked and every key in it counts (App. F.1, F.3). Without any, one
    beside a `jwt` proof is passed over, for the proof itself shows who holds the key; alone it proves nothing.

    Args:
        request: the parsed request.
        audience: the credential issuer's identifier.
        at: now.
        rules: what is made of key attestations.
        algorithms: of keys that a credential may be bound to.

    Raises:
        InvalidProof: there is none, a proof fails, two are for one key, there are too many, or an attestation is wrong
            or missing.
    """
    if not request.proofs or request.proof_type == "bbs2023_commitment":
        raise InvalidProof("This credential is bound to a key: send `proofs` with an array of JWTs under `jwt`.")
    if request.proof_type == "attestation":
        with refuse_as(InvalidProof):
            attested = check_key_attestation(request.proofs[0], anchors=rules.anchors, at=at)
        _check_kinds(attested.keys, algorithms)
        return tuple(Proof(key=key, nonce=attested.nonce) for key in attested.keys)
    return _check_jwts(request.proofs, audience=audience, at=at, rules=rules, algorithms=algorithms)


def _check_jwts(
    proofs: Sequence[str], *, audience: str, at: datetime, rules: AttestationRules, algorithms: tuple[str, ...]
) -> tuple[Proof, ...]:
    """Check key proofs with the attestations in their headers; return one for every key of both."""
    proven: list[Proof] = []
    vouched: list[Proof] = []
    for text in proofs:
        with refuse_as(InvalidProof):
            jws = _parse(text, algorithms)
            proof = _check_jwt(jws, audience=audience, at=at)
        proven.append(proof)
        vouched.extend(_attested(jws, proof, at=at, rules=rules, algorithms=algorithms))
    _check_distinct(proven)
    every = {proof.key.thumbprint: proof for proof in (*vouched, *proven)}
    # Nonces of both are spent: an attestation must have been made for this request as well.
    if any(proof.nonce not in {each.nonce for each in proven} for proof in vouched):
        raise InvalidProof("The key attestation was made for another c_nonce than the key proof.")
    if len(every) > MAX_PROOFS:
        raise InvalidProof(f"The proofs are for more than {MAX_PROOFS} keys.")
    return tuple(every.values())


def _attested(
    jws: Jws, proof: Proof, *, at: datetime, rules: AttestationRules, algorithms: tuple[str, ...]
) -> tuple[Proof, ...]:
    attestation = jws.header.get("key_attestation")
    if attestation is None or not rules.anchors:
        if rules.required:
            raise InvalidProof("This co-op gives records only to keys with a key attestation.")
        return ()
    if not isinstance(attestation, str):
        raise InvalidProof("The key_attestation in the header of the key proof is not a JWT.")
    attested = check_key_attestation(attestation, anchors=rules.anchors, at=at, must_expire=True)
    _check_holds(attested, proof.key)
    _check_kinds(attested.keys, algorithms)
    return tuple(Proof(key=key, nonce=attested.nonce) for key in attested.keys)


def _check_holds(attested: KeyAttestation, key: PublicKey) -> None:
    # App. D.1: the proof must be signed by a key of the attestation, else a stranger's attestation would do.
    if key.thumbprint not in {each.thumbprint for each in attested.keys}:
        raise InvalidProof("The key proof is signed by a key that its key attestation does not hold.")


def _check_kinds(keys: Sequence[PublicKey], algorithms: tuple[str, ...]) -> None:
    if any(key.algorithm not in algorithms for key in keys):
        raise InvalidProof("The key attestation holds a key of another kind than the metadata names.")


def _check_distinct(proofs: Sequence[Proof]) -> None:
    if len({proof.key.thumbprint for proof in proofs}) != len(proofs):
        raise InvalidProof("Two key proofs are for the same key. Every credential needs a key of its own.")


def _parse(text: str, algorithms: tuple[str, ...] = ALGORITHMS) -> Jws:
    if len(text) > _MAX_PROOF:
        raise InvalidProof(f"The key proof is longer than {_MAX_PROOF} characters.")
    return parse_jws(text, what=_WHAT, typ=TYP, algorithms=algorithms)


def _check_jwt(jws: Jws, *, audience: str, at: datetime) -> Proof:
    key = _read_key(jws)
    jws.check_signature(key)
    claims = Members(jws.claims(), what=_WHAT)
    if claims.text("aud") != audience:
        raise InvalidProof("The key proof was made for another issuer.")
    check_fresh(claims.time("iat"), at=at, what=_WHAT)
    return Proof(key=key, nonce=claims.text("nonce", max_chars=_MAX_NONCE))


def _read_key(jws: Jws) -> PublicKey:
    # App. F.1: exactly one of `kid`, `jwk` and `x5c` says which key; two could name different ones.
    if "kid" in jws.header or "x5c" in jws.header or "jwk" not in jws.header:
        raise InvalidProof("The key proof must carry its public key as `jwk` in the header, and no `kid` or `x5c`.")
    return PublicKey.parse_jwk(jws.header["jwk"], what=f"key of the {_WHAT}")
