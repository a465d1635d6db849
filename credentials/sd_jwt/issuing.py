"""Issuing SD-JWT VCs: every credential of a type with the same number of digests.

`build_sd_jwt_vc` makes ours, whose claims all stand at the top level. `build_nested_sd_jwt_vc` makes any other.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from credentials.encoding.strict_json import Json
from credentials.keys.jwk import PublicKey
from credentials.keys.jws import sign_under, write_header
from credentials.keys.signer import Signer
from credentials.sd_jwt.disclosure import (
    DECOY_BYTES,
    DEFAULT_HASH,
    DIGESTS,
    FORBIDDEN_NAMES,
    HASH_NAME,
    digest_sha256,
    write_disclosure,
)
from credentials.sd_jwt.errors import ForbiddenClaimName, ReservedClaim, TooManyClaims
from credentials.sd_jwt.hiding import hide
from credentials.sd_jwt.locating import Path
from credentials.status.reference import StatusReference

TYP = "dc+sd-jwt"
ALWAYS_VISIBLE = frozenset({"iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"})
"""What SD-JWT VC never lets be selectively disclosed: section "Registered JWT Claims"."""


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
    status: StatusReference | None = None,
    expires_at: int | None = None,
) -> str:
    """Issue one SD-JWT VC, bound to a holder's key.

    The issuer is a URL whose host is what its certificates name: `x5c`, leaf first, anchor left out, and empty for a
    key that is found by its id. Both times are in seconds, and coarse, so that they tell nobody apart. `disclosable`
    are the claims that the holder may show or hide, one by one; every credential of a type has the same
    `digest_count`, and decoys fill the rest (RFC 9901 §4.2.5). `random` gives so many secret random bytes.

    Raises:
        ReservedClaim: a claim to disclose must be always visible.
        ForbiddenClaimName: a claim, or something inside its value, has a name kept for digests.
        TooManyClaims: there are more claims than digests.
    """
    _check_disclosable(disclosable)
    if len(disclosable) > digest_count:
        raise TooManyClaims(digest_count)
    disclosures = [write_disclosure(name, value, random) for name, value in disclosable.items()]
    # A decoy is the digest of random bytes, so nobody can tell it from a digest of a disclosure.
    decoys = [random(DECOY_BYTES).hex() for _ in range(digest_count - len(disclosures))]
    claims = _visible(vct, issuer, holder_key, issued_at, expires_at, status)
    # RFC 9901 §4.2.4.1: sorted, so that the order says nothing of the claims.
    claims[DIGESTS] = list[Json](sorted(map(digest_sha256, (*disclosures, *decoys))))
    claims[HASH_NAME] = DEFAULT_HASH
    return _sign(claims, disclosures, signer, x5c)


def build_nested_sd_jwt_vc(  # noqa: PLR0913 - each is a member of the credential, all by name
    *,
    vct: str,
    issuer: str,
    holder_key: PublicKey,
    issued_at: int,
    claims: Mapping[str, Json],
    hidden: Iterable[Path],
    digest_counts: Mapping[Path, int],
    signer: Signer,
    x5c: list[str],
    random: Callable[[int], bytes],
    status: StatusReference | None = None,
    expires_at: int | None = None,
    hash_name: str = DEFAULT_HASH,
) -> str:
    """Issue one SD-JWT VC whose claims may be hidden in parts: members, elements, and one within another.

    Most arguments are those of `build_sd_jwt_vc`. The claims are visible where `hidden` names nothing: claims path
    pointers to what the holder may show or hide, each place with a disclosure of its own. `digest_counts` says how many
    digests an object or array has, decoys included, by its path; () for the top level.

    Raises:
        ReservedClaim: a claim has a name of the protocol.
        ForbiddenClaimName: a claim, or something inside one, has a name kept for digests.
        NothingToHide: a path leads to nothing.
        TooManyClaims: there is more to hide than digests.
        UnsupportedHash: the hash is not one of those that are read.
    """
    _check_disclosable(claims)
    signed, disclosures = hide(claims, paths=hidden, digest_counts=digest_counts, random=random, hash_name=hash_name)
    return _sign(_visible(vct, issuer, holder_key, issued_at, expires_at, status) | signed, disclosures, signer, x5c)


def _visible(
    vct: str, issuer: str, holder_key: PublicKey, issued_at: int, expires_at: int | None, status: StatusReference | None
) -> dict[str, Json]:
    claims: dict[str, Json] = {"iss": issuer, "iat": issued_at, "vct": vct, "cnf": {"jwk": holder_key.jwk}}
    if expires_at is not None:
        claims["exp"] = expires_at
    if status is not None:
        claims["status"] = status.to_json()
    return claims


def _sign(claims: Mapping[str, Json], disclosures: Iterable[str], signer: Signer, x5c: list[str]) -> str:
    header = _write_header(signer.algorithm, signer.public_key.thumbprint, tuple(x5c))
    return "".join(f"{part}~" for part in (sign_under(header, claims, signer), *disclosures))


# Every credential of an issuer has the same header, certificates and all, so it is written once.
@lru_cache(maxsize=16)
def _write_header(algorithm: str, kid: str, x5c: tuple[str, ...]) -> str:
    chain: dict[str, Json] = {"x5c": list[Json](x5c)} if x5c else {}
    return write_header({"typ": TYP, "kid": kid, **chain}, algorithm=algorithm)


def _check_disclosable(disclosable: Mapping[str, Json]) -> None:
    for name, value in disclosable.items():
        if name in ALWAYS_VISIBLE or name in ("iat", HASH_NAME):
            raise ReservedClaim(name)
        if name in FORBIDDEN_NAMES:
            raise ForbiddenClaimName(name)
        if isinstance(value, dict | list):
            _check_names(value)


def _check_names(value: Json) -> None:
    if isinstance(value, dict):
        for name in (*FORBIDDEN_NAMES, HASH_NAME):
            if name in value:
                raise ForbiddenClaimName(name)
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_names(child)
