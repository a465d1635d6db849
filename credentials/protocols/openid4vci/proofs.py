"""Key proofs of type `jwt` (OpenID4VCI 1.0 App. F.1): the wallet holds the key that it wants a credential for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from credentials.keys.jwk import PublicKey
from credentials.keys.jws import Jws, parse_jws, sign_jws
from credentials.keys.signer import Signer
from credentials.protocols.freshness import check_fresh
from credentials.protocols.members import Members
from credentials.protocols.oauth import InvalidProof, refuse_as

TYP: Final = "openid4vci-proof+jwt"
_WHAT: Final = "key proof"
_MAX_PROOF: Final = 8192
_MAX_NONCE: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A key proof that passed. The caller still spends the nonce: it must be its own, fresh and unused."""

    key: PublicKey
    nonce: str


def build_proof_jwt(*, signer: Signer, audience: str, nonce: str, issued_at: int) -> str:
    """Build one key proof; `audience` is the credential issuer's identifier. No `iss`: the wallet is anonymous."""
    return sign_jws(
        {"typ": TYP, "jwk": signer.public_key.jwk}, {"aud": audience, "iat": issued_at, "nonce": nonce}, signer
    )


def check_proof_jwt(text: str, *, audience: str, at: datetime) -> Proof:
    """Check one key proof (App. F.4): type, algorithm, key in the header, signature, audience, age, a nonce.

    Raises:
        InvalidProof: any of these fails.
    """
    with refuse_as(InvalidProof):
        if len(text) > _MAX_PROOF:
            raise InvalidProof("The key proof is longer than 8192 characters.")
        jws = parse_jws(text, what=_WHAT, typ=TYP)
        key = _read_key(jws)
        jws.check_signature(key)
        claims = Members(jws.claims(), what=_WHAT)
        if claims.text("aud") != audience:
            raise InvalidProof("The key proof was made for another issuer.")
        check_fresh(claims.time("iat"), at=at, what=_WHAT)
        return Proof(key=key, nonce=claims.text("nonce", max_chars=_MAX_NONCE))


def check_proofs(proofs: Sequence[str], *, audience: str, at: datetime) -> tuple[Proof, ...]:
    """Check all key proofs of one request; each must bring its own key (§8.3: at most one credential per key).

    Raises:
        InvalidProof: one fails, or two prove the same key.
    """
    checked = tuple(check_proof_jwt(text, audience=audience, at=at) for text in proofs)
    if len({proof.key.thumbprint for proof in checked}) != len(checked):
        raise InvalidProof("Two key proofs are for the same key. Every credential needs a key of its own.")
    return checked


def _read_key(jws: Jws) -> PublicKey:
    # App. F.1: exactly one of `kid`, `jwk` and `x5c` says which key; two could name different ones.
    if "kid" in jws.header or "x5c" in jws.header or "jwk" not in jws.header:
        raise InvalidProof("The key proof must carry its public key as `jwk` in the header, and no `kid` or `x5c`.")
    return PublicKey.parse_jwk(jws.header["jwk"], what=f"key of the {_WHAT}")
