"""Issuing SD-JWT VCs: every claim at the top level, every credential of a type with the same number of digests."""

from collections.abc import Callable, Mapping

from credentials.encoding.strict_json import Json
from credentials.keys.jwk import PublicKey
from credentials.keys.jws import sign_jws
from credentials.keys.signer import Signer
from credentials.sd_jwt.disclosure import (
    DEFAULT_HASH,
    DIGESTS,
    FORBIDDEN_NAMES,
    HASH_NAME,
    build_disclosure,
    digest_sha256,
)
from credentials.sd_jwt.errors import ForbiddenClaimName, ReservedClaim, TooManyClaims

TYP = "dc+sd-jwt"
ALWAYS_VISIBLE = frozenset({"iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"})
"""What SD-JWT VC never lets be selectively disclosed: section "Registered JWT Claims"."""
_DECOY_BYTES = 32


def build_sd_jwt_vc(  # noqa: PLR0913 - each is a member of the credential, all by name
    *,
    vct: str,
    issuer: str,
    holder_key: PublicKey,
    issued_at: int,
    disclosable: Mapping[str, Json],
    digest_count: int,
    signer: Signer,
    x5c: list[str],
    random: Callable[[int], bytes],
) -> str:
    """Issue one SD-JWT VC, bound to a holder's key.

    Args:
        vct: the credential's type.
        issuer: the issuer's URL; its host is what the certificate names.
        holder_key: goes into `cnf`.
        issued_at: `iat`, in seconds; coarse, so that it tells nobody apart.
        disclosable: claims that the holder may show or hide, one by one.
        digest_count: how many digests every credential of this type has; decoys fill the rest (RFC 9901 §4.2.5).
        signer: the issuer's key.
        x5c: the issuer's certificates, leaf first, anchor left out.
        random: gives so many secret random bytes.

    Raises:
        ReservedClaim: a claim to disclose must be always visible.
        ForbiddenClaimName: a claim, or something inside its value, has a name kept for digests.
        TooManyClaims: there are more claims than digests.
    """
    _check_disclosable(disclosable, digest_count)
    disclosures = [build_disclosure(name, value, random) for name, value in disclosable.items()]
    # A decoy is the digest of random bytes, so nobody can tell it from a digest of a disclosure.
    decoys = [digest_sha256(random(_DECOY_BYTES).hex()) for _ in range(digest_count - len(disclosures))]
    claims: dict[str, Json] = {
        "iss": issuer,
        "iat": issued_at,
        "vct": vct,
        "cnf": {"jwk": holder_key.jwk},
        # RFC 9901 §4.2.4.1: sorted, so that the order says nothing of the claims.
        DIGESTS: list[Json](sorted([disclosure.digest for disclosure in disclosures] + decoys)),
        HASH_NAME: DEFAULT_HASH,
    }
    header: dict[str, Json] = {"typ": TYP, "kid": signer.public_key.thumbprint, "x5c": list[Json](x5c)}
    signed = sign_jws(header, claims, signer)
    return "".join(f"{part}~" for part in (signed, *(disclosure.encoded for disclosure in disclosures)))


def _check_disclosable(disclosable: Mapping[str, Json], digest_count: int) -> None:
    for name, value in disclosable.items():
        if name in ALWAYS_VISIBLE or name in ("iat", HASH_NAME):
            raise ReservedClaim(name)
        _check_names({name: value})
    if len(disclosable) > digest_count:
        raise TooManyClaims(digest_count)


def _check_names(value: Json) -> None:
    if isinstance(value, dict):
        for name in (*FORBIDDEN_NAMES, HASH_NAME):
            if name in value:
                raise ForbiddenClaimName(name)
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_names(child)
