"""Presenting an SD-JWT: some of its disclosures, and a key binding made for one verifier and one request."""

from collections.abc import Iterable

from credentials.errors import Malformed
from credentials.keys.jwk import PublicKey
from credentials.keys.jws import sign_jws
from credentials.keys.signer import Signer
from credentials.sd_jwt.disclosure import Disclosure, choose_digest
from credentials.sd_jwt.errors import NotTheHoldersKey, UnexpectedKeyBinding, UnknownClaim
from credentials.sd_jwt.locating import Location, Path, describe, select
from credentials.sd_jwt.reading import SdJwt

KEY_BINDING_TYP = "kb+jwt"


def build_presentation(
    sd_jwt: SdJwt, *, disclose: Iterable[str | Path], nonce: str, audience: str, issued_at: int, signer: Signer
) -> str:
    """Present a credential (RFC 9901 §7.2).

    Args:
        sd_jwt: the credential as it was issued, without key binding.
        disclose: claims path pointers, or names of top-level claims. Whatever can be disclosed inside what is named
            goes with it, and so does whatever it stands inside of, without what else that may hide.
        nonce: the verifier's.
        audience: the verifier's identifier.
        issued_at: the time of the key binding, in seconds.
        signer: the key that the credential is bound to.

    Raises:
        UnknownClaim: the credential does not have such a claim.
        NotTheHoldersKey: it is bound to another key.
        UnexpectedKeyBinding: it is a presentation already.
        Malformed: it is not bound to a key that can be read.
    """
    if sd_jwt.key_binding is not None:
        raise UnexpectedKeyBinding
    if read_holder_key(sd_jwt) != signer.public_key:
        raise NotTheHoldersKey
    chosen = _choose(sd_jwt, [(each,) if isinstance(each, str) else each for each in disclose])
    head = sd_jwt.unbound.partition("~")[0]
    unbound = "".join(f"{part}~" for part in (head, *(disclosure.encoded for disclosure in chosen)))
    sd_hash = choose_digest(sd_jwt.issuer_claims)(unbound)
    return unbound + sign_jws(
        {"typ": KEY_BINDING_TYP},
        {"iat": issued_at, "aud": audience, "nonce": nonce, "sd_hash": sd_hash},
        signer,
    )


def _choose(sd_jwt: SdJwt, paths: Iterable[Path]) -> list[Disclosure]:
    wanted: set[Location] = set()
    for path in paths:
        found = select(sd_jwt.claims, path) if path else ()
        if not found:
            raise UnknownClaim(describe(path))
        wanted.update(location for location, _ in found)
    # Every start of a location is looked up, never one location compared with all others: many paths into a large
    # credential stay cheap.
    leading = {start for location in wanted for start in _starts(location)}
    chosen = [
        disclosure
        for disclosure in sd_jwt.disclosures
        if (location := sd_jwt.locations[disclosure.digest]) in leading
        or (len(location) > 1 and not wanted.isdisjoint(_starts(location)))
    ]
    # By place, because the order in which an issuer sent them could tag the holder.
    chosen.sort(key=lambda disclosure: _in_order(sd_jwt.locations[disclosure.digest]))
    return chosen


def _starts(location: Location) -> list[Location]:
    return [location[:length] for length in range(1, len(location) + 1)]


def _in_order(location: Location) -> tuple[tuple[str, int], ...]:
    return tuple(("", step) if isinstance(step, int) else (step, 0) for step in location)


def read_holder_key(sd_jwt: SdJwt) -> PublicKey:
    """Read the key that the issuer bound the credential to: `cnf` with `jwk` (RFC 7800 §3.2).

    It is read from what was signed: a disclosed `cnf` does not count (SD-JWT VC, "Registered JWT Claims").

    Raises:
        Malformed: it has none, or one that cannot be read.
    """
    confirmation = sd_jwt.issuer_claims.get("cnf")
    if not isinstance(confirmation, dict) or "jwk" not in confirmation:
        raise Malformed("credential", "`cnf` does not hold the holder's key as `jwk`")
    return PublicKey.parse_jwk(confirmation["jwk"], what="holder's key in `cnf`")
