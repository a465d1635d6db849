"""Presenting an SD-JWT: some of its disclosures, and a key binding made for one verifier and one request."""

from collections.abc import Iterable

from credentials.errors import Malformed
from credentials.keys.jwk import PublicKey
from credentials.keys.jws import sign_jws
from credentials.keys.signer import Signer
from credentials.sd_jwt.disclosure import choose_digest
from credentials.sd_jwt.errors import NotTheHoldersKey, UnexpectedKeyBinding, UnknownClaim
from credentials.sd_jwt.reading import SdJwt

KEY_BINDING_TYP = "kb+jwt"


def build_presentation(
    sd_jwt: SdJwt, *, disclose: Iterable[str], nonce: str, audience: str, issued_at: int, signer: Signer
) -> str:
    """Present a credential (RFC 9901 §7.2).

    Args:
        sd_jwt: the credential as it was issued, without key binding.
        disclose: names of top-level claims. Whatever can be disclosed inside one of them goes with it.
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
    names = frozenset(disclose)
    for name in sorted(names):
        if name not in sd_jwt.claims:
            raise UnknownClaim(name)
    chosen = [disclosure for disclosure in sd_jwt.disclosures if sd_jwt.roots[disclosure.digest] in names]
    # By name, because the order in which an issuer sent them could tag the holder.
    chosen.sort(key=lambda disclosure: (disclosure.name or "", disclosure.digest))
    head = sd_jwt.unbound.partition("~")[0]
    unbound = "".join(f"{part}~" for part in (head, *(disclosure.encoded for disclosure in chosen)))
    sd_hash = choose_digest(sd_jwt.issuer_claims)(unbound)
    return unbound + sign_jws(
        {"typ": KEY_BINDING_TYP},
        {"iat": issued_at, "aud": audience, "nonce": nonce, "sd_hash": sd_hash},
        signer,
    )


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
