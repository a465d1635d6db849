"""Credentials of types that are none of ours: kept when it is proven who issued them, and called what they are.

Nobody here knows what others of such a type look like, so whether one marks its holder cannot be told; the listener
hears that. What can be checked is: who issued it, that it is valid and bound to our keys, and that its instances say
the same.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from credentials.dids import DidResolver, Relation
from credentials.dids.did_web import build_did_web
from credentials.encoding import base64url, strict_json
from credentials.encoding.strict_json import Json
from credentials.evidence import Foreign
from credentials.keys.jwk import PublicKey
from credentials.keys.signer import LocalSigner
from credentials.sd_jwt import SdJwt, parse_sd_jwt
from credentials.trust import TrustedIssuer, TrustPolicy
from credentials.verify import verify_foreign
from wallet.inspection import Inspected, Marked, check_keys, end_of, inspecting

# One number for each instance is no mark: each instance is shown once.
_OF_ONE_INSTANCE: Final = frozenset({"jti", "nbf"})
_INTEGRITY: Final = "vct#integrity"
_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How an issuer of a foreign type can prove itself.

    Attributes:
        issuer: its URL, as it was asked.
        anchors: authorities whose word about it is taken.
        stated: the keys that it states in `jwt-vc-issuer`, by `kid`.
        dids: reads its did:web.
    """

    issuer: str
    anchors: tuple[bytes, ...]
    stated: Mapping[str, PublicKey]
    dids: DidResolver


async def inspect_foreign(
    credentials: Sequence[str],
    *,
    keys: Mapping[str, LocalSigner],
    vct: str,
    proof: Proof,
    host: str,
    at: datetime,
) -> Inspected:
    """Check all instances of one foreign credential.

    Args:
        credentials: what came, one instance for each of `keys`.
        keys: the fresh keys that were sent, by thumbprint.
        vct: the type that was asked for.
        proof: how the issuer's key can be known.
        host: for the words of a refusal.
        at: now.

    Raises:
        UnknownAuthority: the key is certified, by nobody whom the wallet trusts.
        UnwantedCredential: anything else, with the reason; the refusal that it comes from is its cause.
    """
    with inspecting(credentials, keys=keys, host=host):
        read = [parse_sd_jwt(each) for each in credentials]
        policy = TrustPolicy((await _find_issuer(read[0], vct, proof),))
        evidence = [verify_foreign(each, policy=policy, holder_keys=frozenset(keys), at=at) for each in credentials]
        said = [_said(each) for each in evidence]
        check_keys(evidence)
        if any(each != said[0] for each in said):
            raise Marked("its instances do not all say the same")
    claims = {name: value for name, value in said[0].items() if name != _INTEGRITY}
    return Inspected(
        claims=claims,
        instances=tuple((text, keys[each.holder_key]) for text, each in zip(credentials, evidence, strict=True)),
        issuer_key=evidence[0].issuer_key,
        expires_at=end_of(read[0]),
        vct=vct,
        id=base64url.encode(hashlib.sha256(strict_json.dump(dict(sorted(claims.items())))).digest()[:_ID_BYTES]),
    )


async def _find_issuer(sd_jwt: SdJwt, vct: str, proof: Proof) -> TrustedIssuer:
    """Return the issuer that was asked, under the name by which the credential calls it: its URL or its did:web."""
    types, name = frozenset({vct}), proof.issuer
    if sd_jwt.claims.get("vct") != vct:
        raise Marked("it is of another type than was offered")
    if sd_jwt.claims.get("iss") == proof.issuer:
        return TrustedIssuer(
            issuer=proof.issuer,
            name=name,
            anchors=proof.anchors,
            keys=frozenset(key.thumbprint for key in proof.stated.values()),
            public_keys=proof.stated,
            types=types,
        )
    # Only now: not every address can be written as a DID.
    did = build_did_web(proof.issuer)
    if sd_jwt.claims.get("iss") != did:
        raise Marked("it names another issuer than the one that was asked")
    keys = (await proof.dids.resolve(did)).keys_for(Relation.ASSERTION)
    # A key may be named by its whole DID URL, or by the fragment alone.
    named = {short: key for url, key in keys.items() for short in (url, f"#{url.partition('#')[2]}")}
    pinned = frozenset(key.thumbprint for key in keys.values())
    return TrustedIssuer(issuer=did, name=name, keys=pinned, public_keys=named, types=types)


def _said(evidence: Foreign) -> dict[str, Json]:
    return {name: value for name, value in evidence.disclosed.items() if name not in _OF_ONE_INSTANCE}
