"""Reading SD-JWT and SD-JWT+KB in compact form (RFC 9901 §4 and §7.1)."""

from collections.abc import Mapping
from typing import NamedTuple

from typing_extensions import override

from credentials.encoding.strict_json import MAX_BYTES, Json
from credentials.errors import Malformed
from credentials.keys.jws import Jws, parse_jws
from credentials.sd_jwt.disclosure import Disclosure, choose_digest, parse_disclosure
from credentials.sd_jwt.locating import Location
from credentials.sd_jwt.processing import Processing

MAX_DISCLOSURES = 256
_SEPARATOR = "~"


class SdJwt(NamedTuple):
    """An SD-JWT taken apart, its disclosures matched with its digests. Its signatures are not checked yet."""

    jws: Jws
    """The issuer-signed JWT."""
    issuer_claims: Mapping[str, Json]
    """The payload as it was signed, digests and all."""
    disclosures: tuple[Disclosure, ...]
    locations: Mapping[str, Location]
    """For each disclosure's digest, where it is among the claims."""
    claims: Mapping[str, Json]
    """The processed payload: what is disclosed, digests gone."""
    unbound: str
    """The text up to and including the last `~`: what `sd_hash` is taken over (§4.3.1)."""
    key_binding: str | None
    """The key binding JWT, not read yet; None if this is an SD-JWT without one."""

    @override
    def __repr__(self) -> str:
        return f"SdJwt(jws={self.jws!r}, disclosures={self.disclosures!r})"

    @property
    def header(self) -> Mapping[str, Json]:
        """The issuer's JOSE header."""
        return self.jws.header

    def sd_hash(self) -> str:
        """The digest that a key binding must hold, by the hash that the issuer chose (§4.3.1)."""
        return choose_digest(self.issuer_claims)(self.unbound)


def parse_sd_jwt(text: str, *, max_bytes: int = MAX_BYTES) -> SdJwt:
    """Read an SD-JWT, with or without key binding, and put its disclosed claims in place.

    Args:
        text: `<JWT>~<disclosure>~...~` or `<JWT>~<disclosure>~...~<key binding JWT>`.
        max_bytes: the largest size.

    Raises:
        Malformed: it is too large, or cannot be read.
        HandstampError: one of `credentials.sd_jwt.errors`, or a header that is refused.
    """
    if len(text) > max_bytes:
        raise Malformed("credential", f"it is larger than {max_bytes} bytes")
    # §7.1 step 1. The head is long, and `split` goes from character to character.
    head, separator, rest = text.partition(_SEPARATOR)
    if not separator:
        raise Malformed("credential", "the `~` that ends an SD-JWT is missing")
    *encoded, last = rest.split(_SEPARATOR)
    if len(encoded) > MAX_DISCLOSURES:
        raise Malformed("credential", f"it has more than {MAX_DISCLOSURES} disclosures")
    # Step 2.1; the signature (2.2) and the issuer (2.3) need a policy and are checked by `credentials.verify`.
    jws = parse_jws(head, what="credential", typ=None)
    issuer_claims = jws.claims()
    # Step 2.5.
    digest = choose_digest(issuer_claims)
    # Step 3.1.
    disclosures = tuple([parse_disclosure(part, digest) for part in encoded])
    processing = Processing(disclosures)
    claims = processing.process(issuer_claims)
    unbound = text[: len(text) - len(last)]
    return SdJwt(jws, issuer_claims, disclosures, processing.locations, claims, unbound, last or None)
