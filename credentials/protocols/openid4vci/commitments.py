"""Proofs of type `bbs2023_commitment`: a wallet commits to the secret behind its pseudonyms (docs/decisions/0021).

The JWT is signed by a key that was made for the one request. It binds nothing: it only keeps the commitment together
with the issuer that it is for and the nonce that makes it fresh. The commitment itself hides the wallet's `prover_nym`
and proves that whoever made it knows that secret.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from credentials.encoding import base64url
from credentials.keys.jwk import PublicKey
from credentials.keys.jws import Jws, parse_jws, sign_jws
from credentials.keys.signer import Signer
from credentials.protocols.freshness import check_fresh
from credentials.protocols.members import Members, without_absent
from credentials.protocols.oauth import InvalidProof, refuse_as

TYP: Final = "handstamp-bbs2023-commitment+jwt"
BINDING_METHOD: Final = "bbs_commitment"
PROOF_TYPE: Final = "bbs2023_commitment"
# One kind of key, so that a request tells nothing of the wallet that made it.
ALGORITHMS: Final = ("ES256",)
COMMITMENT_BYTES: Final = 48 + 3 * 32
"""A point, one response each for the blinding factor and the one hidden secret, a challenge."""
_WHAT: Final = "commitment proof"
_MAX_PROOF: Final = 2048
_MAX_NONCE: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentProof:
    """A commitment whose envelope passed. The caller still spends the nonce, and checks the commitment's own proof.

    Attributes:
        commitment_with_proof: as the wallet sent it, of the length that one hidden secret gives.
        nonce: must be the issuer's own, fresh and unused.
    """

    commitment_with_proof: bytes
    nonce: str


def build_commitment_jwt(
    *, signer: Signer, audience: str, nonce: str, issued_at: int, commitment_with_proof: bytes
) -> str:
    """Build the one proof of a request for a credential with pseudonyms.

    Args:
        signer: a key made for this request and thrown away after it.
        audience: the credential issuer's identifier.
        nonce: the issuer's `c_nonce`.
        issued_at: now, in seconds since 1970.
        commitment_with_proof: from `credentials.bbs.commit_nym`.
    """
    header = without_absent(typ=TYP, jwk=signer.public_key.jwk)
    commitment = base64url.encode(commitment_with_proof)
    claims = without_absent(aud=audience, iat=issued_at, nonce=nonce, commitment_with_proof=commitment)
    return sign_jws(header, claims, signer)


def check_commitment_jwt(text: str, *, audience: str, at: datetime) -> CommitmentProof:
    """Check the envelope of a commitment: type, algorithm, key, signature, audience, age, nonce, and its length.

    Raises:
        InvalidProof: any of these fails.
    """
    with refuse_as(InvalidProof):
        if len(text) > _MAX_PROOF:
            raise InvalidProof(f"The commitment proof is longer than {_MAX_PROOF} characters.")
        jws = parse_jws(text, what=_WHAT, typ=TYP, algorithms=ALGORITHMS)
        jws.check_signature(_read_key(jws))
        claims = Members(jws.claims(), what=_WHAT)
        if claims.text("aud") != audience:
            raise InvalidProof("The commitment proof was made for another issuer.")
        check_fresh(claims.time("iat"), at=at, what=_WHAT)
        return CommitmentProof(
            commitment_with_proof=_read_commitment(claims), nonce=claims.text("nonce", max_chars=_MAX_NONCE)
        )


def check_request_commitment(proofs: Sequence[str], *, audience: str, at: datetime) -> CommitmentProof:
    """Check the proofs of a credential request of this type: exactly one.

    Raises:
        InvalidProof: there are several, or it fails.
    """
    if len(proofs) != 1:
        raise InvalidProof("Send exactly one commitment proof; one credential is made for it.")
    return check_commitment_jwt(proofs[0], audience=audience, at=at)


def _read_key(jws: Jws) -> PublicKey:
    if "kid" in jws.header or "x5c" in jws.header or "jwk" not in jws.header:
        raise InvalidProof("The commitment proof must carry its key as `jwk` in the header, and no `kid` or `x5c`.")
    return PublicKey.parse_jwk(jws.header["jwk"], what=f"key of the {_WHAT}")


def _read_commitment(claims: Members) -> bytes:
    name = "commitment_with_proof"
    decoded = base64url.decode(claims.text(name, max_chars=_MAX_PROOF), what=claims.named(name))
    if len(decoded) != COMMITMENT_BYTES:
        raise InvalidProof(f"The commitment proof must hide exactly one secret: {COMMITMENT_BYTES} bytes.")
    return decoded
