"""Key attestations (OpenID4VCI 1.0 App. D): somebody vouches for where a wallet keeps its keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.keys.attesters import check_attester
from credentials.keys.certificates import parse_x5c
from credentials.keys.errors import WrongTyp
from credentials.keys.jwk import PublicKey
from credentials.keys.jws import Jws, parse_jws, sign_jws
from credentials.keys.signer import Signer
from credentials.protocols.freshness import CLOCK_SKEW_S
from credentials.protocols.members import Members, without_absent
from credentials.protocols.oauth import InvalidProof, refuse_as

TYP: Final = "key-attestation+jwt"
# Drafts up to 15 wrote it without the hyphen; it says the same and serves no other purpose.
_TYPES: Final = frozenset({TYP, "keyattestation+jwt"})
_WHAT: Final = "key attestation"
_MAX_KEYS: Final = 20
_MAX_NONCE: Final = 512
_MAX_LEVELS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAttestation:
    """An attestation whose signer is trusted. The caller still spends the nonce.

    Attributes:
        keys: what it vouches for, each once.
        nonce: the `c_nonce` that it was made for.
        key_storage: how well the keys are kept, in the words of App. D.2 or of an ecosystem.
        user_authentication: how well their use is guarded.
    """

    keys: tuple[PublicKey, ...]
    nonce: str
    key_storage: tuple[str, ...] = ()
    user_authentication: tuple[str, ...] = ()


def build_key_attestation(
    *,
    signer: Signer,
    x5c: Sequence[str],
    keys: Sequence[PublicKey],
    nonce: str,
    issued_at: int,
    expires_at: int,
    key_storage: Sequence[str] = (),
) -> str:
    """Build a key attestation as a wallet's provider does; `x5c` is without the anchor (HAIP 1.0 §4.5.1)."""
    claims = without_absent(
        iat=issued_at,
        exp=expires_at,
        attested_keys=[dict(key.jwk) for key in keys],
        key_storage=list(key_storage),
        nonce=nonce,
    )
    return sign_jws({"typ": TYP, "x5c": list(x5c)}, claims, signer)


def check_key_attestation(
    text: str, *, anchors: tuple[bytes, ...], at: datetime, must_expire: bool = False
) -> KeyAttestation:
    """Check a key attestation (App. D.1): type, signer, signature, times, keys, a nonce.

    Args:
        text: the JWT.
        anchors: authorities that certify attesters, PEM.
        at: now.
        must_expire: whether `exp` must be there, as beside a proof of type `jwt`.

    Raises:
        InvalidProof: any of these fails.
    """
    with refuse_as(InvalidProof):
        jws = parse_jws(text, what=_WHAT, typ=None)
        if jws.header.get("typ") not in _TYPES:
            raise WrongTyp(_WHAT, TYP)
        _check_signed(jws, anchors=anchors, at=at)
        claims = Members(jws.claims(), what=_WHAT)
        _check_times(claims, at=at, must_expire=must_expire)
        keys = claims.array("attested_keys", _read_key, max_items=_MAX_KEYS)
        if len({key.thumbprint for key in keys}) != len(keys):
            raise Malformed(claims.named("attested_keys"), "it repeats a key")
        return KeyAttestation(
            keys=keys,
            nonce=claims.text("nonce", max_chars=_MAX_NONCE),
            key_storage=claims.optional_texts("key_storage", max_items=_MAX_LEVELS, max_chars=256),
            user_authentication=claims.optional_texts("user_authentication", max_items=_MAX_LEVELS, max_chars=256),
        )


def _check_signed(jws: Jws, *, anchors: tuple[bytes, ...], at: datetime) -> None:
    chain = parse_x5c(jws.header.get("x5c"), what=_WHAT)
    check_attester(chain, anchors=anchors, at=at)
    jws.check_signature(chain.leaf_key)


def _check_times(claims: Members, *, at: datetime, must_expire: bool) -> None:
    now = at.timestamp()
    expires_at = claims.time("exp") if must_expire else claims.optional_time("exp")
    if claims.time("iat") > now + CLOCK_SKEW_S:
        raise Malformed(_WHAT, "it is dated in the future")
    if expires_at is not None and expires_at < now - CLOCK_SKEW_S:
        raise Malformed(_WHAT, "its time is over")


def _read_key(value: Json, what: str) -> PublicKey:
    return PublicKey.parse_jwk(value, what=what)
