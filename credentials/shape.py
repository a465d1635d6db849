"""Like every other of its type: what a wallet checks on receipt, so that an issuer cannot tag a holder.

Whatever differs between two credentials of one type, and is shown to verifiers, lets them recognise the holder: an odd
date, a digest more, an extra header, a space (design/protocols.md, "What must not link a holder", rule 7). Keys, salts,
digests and the signature differ by nature, which is why each credential is shown once. Not seen from here: values that
differ from the catalogue's, and a key or certificate made for one holder, which a wallet compares with what is stated
in public; and a status list that one holder is alone on, which nobody but the issuer can tell.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from credentials.encoding import base64url
from credentials.encoding.strict_json import Json, dump
from credentials.keys.certificates import parse_x5c
from credentials.months import months_after, start_of_month
from credentials.refusals import Recognisable
from credentials.sd_jwt.disclosure import DEFAULT_HASH, DIGESTS, HASH_NAME, SALT_BYTES, Disclosure, digest_sha256
from credentials.sd_jwt.reading import SdJwt

# In the order in which every credential has them: the order could tag a holder too.
_HEADER = ["alg", "typ", "kid", "x5c"]
_VISIBLE = ["iss", "iat", "vct", "cnf", "exp", "status", DIGESTS, HASH_NAME]
_STATUS_ENTRY = ["idx", "uri"]
_HOLDER_KEY = {"EC": ["kty", "crv", "x", "y"], "OKP": ["kty", "crv", "x"]}
_SALT_CHARACTERS = len(base64url.encode(bytes(SALT_BYTES)))
_DIGEST_CHARACTERS = len(digest_sha256(""))


def check_shape(
    sd_jwt: SdJwt,
    *,
    issuer_key: str,
    at: datetime,
    digest_count: int,
    claim_names: frozenset[str] | None,
    clock_skew_s: int,
    lifetime_months: int | None = None,
    has_status: bool | None = None,
) -> None:
    """Check that a credential just issued differs from others of its type in nothing that it shows.

    Args:
        sd_jwt: the credential, its signature checked.
        issuer_key: thumbprint of the key that signed it, which `kid` must be.
        at: the time of receipt; `iat` must be the first second of this month, in UTC.
        digest_count: how many digests the type has, decoys included.
        claim_names: the claims that the type has; None if that is checked elsewhere.
        clock_skew_s: how far the issuer's clock may be off, around the turn of a month.
        lifetime_months: how many months after the one of `iat` every credential of the type ends; None for never.
        has_status: whether every credential of the type has a status; None if it may.

    Raises:
        Recognisable: it differs, and how.
    """
    months = _months_around(at, timedelta(seconds=clock_skew_s))
    absent = _absent(sd_jwt, has_end=lifetime_months is not None, has_status=has_status)
    comparisons = (
        *_compare_header(sd_jwt, issuer_key),
        ("it always shows other claims than others", list(sd_jwt.issuer_claims) == _without(_VISIBLE, absent)),
        *_compare_visible(sd_jwt, months, digest_count),
        ("it does not end when others do", _ends_with_others(sd_jwt, months, lifetime_months)),
        ("its status is kept elsewhere, or written otherwise, than that of others", _has_usual_status(sd_jwt)),
        *_compare_disclosures(sd_jwt, claim_names),
        ("it is not written as compactly as others", _is_compact(sd_jwt)),
    )
    for difference, same in comparisons:
        if not same:
            raise Recognisable(difference)


def _months_around(at: datetime, skew: timedelta) -> set[int]:
    return {start_of_month(at - skew), start_of_month(at + skew)}


def _absent(sd_jwt: SdJwt, *, has_end: bool, has_status: bool | None) -> set[str]:
    if has_status is None:
        has_status = "status" in sd_jwt.issuer_claims
    return {name for name, there in (("exp", has_end), ("status", has_status)) if not there}


def _compare_header(sd_jwt: SdJwt, issuer_key: str) -> Iterator[tuple[str, bool]]:
    yield "its header has other members than others", list(sd_jwt.header) == _HEADER
    yield "its key id is not the thumbprint of its key", sd_jwt.header.get("kid") == issuer_key
    yield "its certificates are more, or written otherwise, than the key needs", _is_bare_chain(sd_jwt.header["x5c"])


def _compare_visible(sd_jwt: SdJwt, months: set[int], digest_count: int) -> Iterator[tuple[str, bool]]:
    claims = sd_jwt.issuer_claims
    yield "the holder's key has other members than others", _is_bare_key(claims.get("cnf"))
    # Only an integer: 1.7e9 is the same number, but is written otherwise.
    date = claims.get("iat")
    yield "its date is not the first second of this month", isinstance(date, int) and date in months
    yield f"it does not have {digest_count} digests of one kind", _are_usual(claims.get(DIGESTS), digest_count)
    yield "it hashes otherwise than others", claims.get(HASH_NAME) == DEFAULT_HASH


def _compare_disclosures(sd_jwt: SdJwt, claim_names: frozenset[str] | None) -> Iterator[tuple[str, bool]]:
    names = {disclosure.name for disclosure in sd_jwt.disclosures}
    claims = sd_jwt.claims
    flat = all(
        sd_jwt.locations[each.digest] == (each.name,) and each.value == claims.get(str(each.name))
        for each in sd_jwt.disclosures
    )
    yield "some of its claims are hidden inside others", flat and len(names) == len(sd_jwt.disclosures)
    yield "it has other claims than others", claim_names is None or names == claim_names
    same_salts = all(len(disclosure.salt) == _SALT_CHARACTERS for disclosure in sd_jwt.disclosures)
    yield "its salts are longer or shorter than others", same_salts


def _is_bare_chain(x5c: Json) -> bool:
    # A path is found among whatever is sent, so a certificate beside it, the same one twice, or spare bits at the end
    # of its base64 would pass the check of the key, and be seen by every verifier.
    chain = parse_x5c(x5c, what="issuer's certificate chain")
    return not chain.self_signed and x5c == chain.x5c() and chain.is_straight


def _is_compact(sd_jwt: SdJwt) -> bool:
    # A space between two members is as good a tag as a number. Members keep their order when they are written again.
    header, payload, _ = sd_jwt.unbound.partition("~")[0].split(".")
    return (
        header == _write(dict(sd_jwt.header))
        and payload == _write(dict(sd_jwt.issuer_claims))
        and all(disclosure.encoded == _write_disclosure(disclosure) for disclosure in sd_jwt.disclosures)
    )


def _write(value: Json) -> str:
    return base64url.encode(dump(value))


def _write_disclosure(disclosure: Disclosure) -> str:
    return _write([disclosure.salt, disclosure.name, disclosure.value])


def _are_usual(digests: Json, count: int) -> bool:
    if not isinstance(digests, list) or len(digests) != count:
        return False
    texts = [digest for digest in digests if isinstance(digest, str) and len(digest) == _DIGEST_CHARACTERS]
    return len(texts) == count and texts == sorted(texts)


def _is_bare_key(confirmation: Json) -> bool:
    if not isinstance(confirmation, dict) or list(confirmation) != ["jwk"]:
        return False
    key = confirmation["jwk"]
    return isinstance(key, dict) and list(key) == _HOLDER_KEY.get(str(key.get("kty")))


def _without(names: list[str], absent: set[str]) -> list[str]:
    return [name for name in names if name not in absent]


def _ends_with_others(sd_jwt: SdJwt, months: set[int], lifetime_months: int | None) -> bool:
    start, end = sd_jwt.issuer_claims.get("iat"), sd_jwt.issuer_claims.get("exp")
    if lifetime_months is None:
        return end is None
    # Only from the months that `iat` may be of: what came could be a number that no calendar has.
    ends = [months_after(month, lifetime_months) for month in months if month == start]
    return isinstance(end, int) and end in ends


def _has_usual_status(sd_jwt: SdJwt) -> bool:
    if "status" not in sd_jwt.issuer_claims:
        return True
    status, issuer = sd_jwt.issuer_claims["status"], sd_jwt.issuer_claims.get("iss")
    if not isinstance(status, dict) or list(status) != ["status_list"]:
        return False
    entry = status["status_list"]
    if not isinstance(entry, dict) or list(entry) != _STATUS_ENTRY:
        return False
    # Which list and which entry differ by nature, and are drawn at random. Whose list it is must not.
    index, uri = entry["idx"], entry["uri"]
    is_index = isinstance(index, int) and not isinstance(index, bool) and index >= 0
    return is_index and isinstance(uri, str) and uri.startswith(f"{issuer}/")
