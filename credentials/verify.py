"""The one verification pipeline: from a text that a stranger sent to evidence that a gate may open on.

`verify` takes a presentation. It raises at the first step that fails, so its success is the evidence: a `Verified`.

     1. Read it: an issuer-signed JWT by ES256, ES384 or EdDSA, and disclosures that fit its digests, none twice, none
        unreferenced, under no forbidden or taken name (RFC 9901 §7.1 steps 1, 2.1, 2.5 and 3 to 5).
     2. Its type is `dc+sd-jwt` (SD-JWT VC, "JOSE Header"): what was signed for another purpose is no credential.
     3. What decides validity (`iss`, `vct`, `cnf`, `nbf`, `exp`, `status`) is visible in what the issuer signed, as
        are its sub-claims (SD-JWT VC, "Registered JWT Claims"): no holder can hide an end date.
     4. The issuer is on the policy's list, is trusted for this type, and the type was asked for.
     5. The signing key is the issuer's: pinned, or certified now for the host of `iss` by one of the issuer's anchors
        (RFC 9901 §7.1 step 2.3; SD-JWT VC, "Issuer Verification Key Discovery and Validation").
     6. The issuer's signature fits (RFC 9901 §7.1 step 2.2).
     7. The credential is valid now: `iat` and `nbf` have come, `exp` has not (step 6). Its `status`, if it has one, is
        an entry of a status list at the issuer's own host (Token Status List §8.3 step 1).
     8. There is a key binding, of type `kb+jwt`, by one of the same algorithms (RFC 9901 §7.3 steps 1 to 3, 5.2 and
        5.4). It is always demanded: whether it is needed must not depend on whether it was sent.
     9. It is signed by the key in `cnf` (steps 5.1 and 5.3): whoever shows the credential holds its key.
    10. Its `sd_hash` covers exactly these disclosures (step 5.7): none was added or taken away on the way.
    11. Its `aud` is this verifier and its `nonce` this request's (step 5.6): it was made for nobody and nothing else.
        Nor is the credential itself, by an `aud` of its own (RFC 9901 §7.1 step 6).
    12. It was made just now (step 5.5), and its own `exp` and `nbf`, if any, agree (step 5.8).
    13. The status list says that it is still good (Token Status List §8.3 steps 6 and 7). Last, because a list may have
        to be fetched, and nobody but the holder of a good credential is to make us fetch one.

Both signatures are checked one after the other when all else from 7 to 12 was looked at, or as soon as something in it
is wrong: the mathematics drives everything else out of the processor's caches, so it happens once. Whoever sends two
faults is told the first in this order all the same.

`verify_issued` is for a wallet that receives a credential: steps 1 to 7, and then

    14. it has no key binding (RFC 9901 §7.2) and is bound to a key of this wallet;
    15. it is like every other of its type (`credentials.shape`), so that it does not tag its holder.

`verify_foreign` is for a type whose shape nobody here knows: the same without 15.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple, TypeVar

from credentials.encoding.strict_json import Json
from credentials.errors import HandstampError, Malformed
from credentials.evidence import SEAL, Foreign, Received, Verified
from credentials.keys.errors import BadSignature, WrongTyp
from credentials.keys.jwk import PublicKey
from credentials.keys.jws import Jws, parse_jws
from credentials.refusals import (
    EarlyKeyBinding,
    HiddenValidityClaim,
    MissingKeyBinding,
    NotOurKey,
    StaleKeyBinding,
    UnknownType,
    WrongAudience,
    WrongKeyBinding,
    WrongNonce,
    WrongSdHash,
)
from credentials.sd_jwt.errors import UnexpectedKeyBinding
from credentials.sd_jwt.issuing import ALWAYS_VISIBLE, TYP
from credentials.sd_jwt.presenting import KEY_BINDING_TYP, read_holder_key
from credentials.sd_jwt.reading import SdJwt, parse_sd_jwt
from credentials.shape import check_shape
from credentials.status import StatusCheck, StatusList, StatusReference, check_status
from credentials.trust import TrustedIssuer, TrustPolicy
from credentials.validity import check_valid, read_date

_ISSUED_STEPS: Final = (
    "1 read, disclosures fit",
    "2 type of the message",
    "3 nothing that decides validity is hidden",
    "4 issuer and type trusted",
    "5 key is the issuer's",
    "6 issuer's signature",
    "7 valid now",
)
_PRESENTED_STEPS: Final = (
    *_ISSUED_STEPS,
    "8 key binding is there",
    "9 holder's signature",
    "10 made for these disclosures",
    "11 made for this verifier and request",
    "12 made just now",
    "13 not taken back",
)
_RECEIVED_STEPS: Final = (*_ISSUED_STEPS, "14 bound to our key", "15 like every other of its type")
_NOT_ABOUT_THE_SUBJECT: Final = ALWAYS_VISIBLE | {"iat"}

_Found = TypeVar("_Found", Verified, Received, Foreign)


class _Issued(NamedTuple):
    """What steps 2 to 5 found."""

    name: str
    """`iss`, as it stands in the credential."""
    vct: str
    trusted: TrustedIssuer
    key: PublicKey


def verify(  # noqa: PLR0913 - each is one thing to check against, all by name
    presentation: str,
    *,
    policy: TrustPolicy,
    audience: str,
    nonce: str,
    at: datetime,
    types: frozenset[str] | None = None,
    max_age_s: int = 300,
    clock_skew_s: int = 60,
    statuses: Mapping[str, StatusList] | None = None,
    lenient: Collection[str] = (),
) -> Verified:
    """Verify a presentation: an SD-JWT VC with key binding. The steps are numbered above.

    `audience` is the verifier's own identifier, as the holder was told; no `types` are all that the policy trusts.
    `lenient` are addresses of lists that may be missing or stale, because the gate's policy admits without them.

    Raises:
        StatusListNeeded: all is right but for step 13; fetch the list that it names, and call again.
        HandstampError: `credentials.refusals`, or an error of the step's own package, says what is wrong.
    """
    sd_jwt = parse_sd_jwt(presentation)  # (1)
    issued = _read_issued_part(sd_jwt, policy, types, at)  # (2) to (5)
    try:
        reference = _check_valid_now(sd_jwt, issued, at, clock_skew_s)  # (7)
        binding, holder_key = _read_key_binding(sd_jwt)  # (8)
    except HandstampError:
        sd_jwt.jws.check_signature(issued.key)  # (6)
        raise
    try:
        claims = binding.claims()
        _check_made_for(claims, sd_jwt, audience, nonce)  # (10), (11)
        _check_fresh(claims, at, max_age_s, clock_skew_s)  # (12)
    finally:
        sd_jwt.jws.check_signature(issued.key)  # (6)
        _check_holder_signature(binding, holder_key)  # (9)
    status = check_status(reference, issuer=issued.trusted.issuer, lists=statuses or {}, lenient=lenient, at=at)  # (13)
    return _seal(Verified, sd_jwt, issued, holder_key, at, _PRESENTED_STEPS, status=status)


def verify_issued(  # noqa: PLR0913 - what all of a type have in common, all by name
    credential: str,
    *,
    policy: TrustPolicy,
    holder_keys: frozenset[str],
    at: datetime,
    digest_count: int,
    claim_names: frozenset[str] | None = None,
    clock_skew_s: int = 60,
    lifetime_months: int | None = None,
    has_status: bool | None = None,
) -> Received:
    """Verify a credential on receipt, before it is kept. The steps are numbered above.

    The wallet asked for it with keys that have these thumbprints. The rest is what every credential of its type has in
    common: how many digests it has; its claims, None if they are checked elsewhere; how many months after the one of
    `iat` it ends, None for never; and whether it has a status, None if it may. `iat` is the first second of its month.

    Raises:
        HandstampError: `credentials.refusals`, or an error of the step's own package, says what is wrong.
    """
    sd_jwt = parse_sd_jwt(credential)  # (1)
    issued, holder_key = _verify_received(sd_jwt, policy, holder_keys, at, clock_skew_s)  # (2) to (7), (14)
    check_shape(  # (15)
        sd_jwt,
        issuer_key=issued.key.thumbprint,
        at=at,
        digest_count=digest_count,
        claim_names=claim_names,
        clock_skew_s=clock_skew_s,
        lifetime_months=lifetime_months,
        has_status=has_status,
    )
    return _seal(Received, sd_jwt, issued, holder_key, at, _RECEIVED_STEPS)


def verify_foreign(
    credential: str, *, policy: TrustPolicy, holder_keys: frozenset[str], at: datetime, clock_skew_s: int = 60
) -> Foreign:
    """Verify a credential of a type that is not ours on receipt; arguments and refusals as for `verify_issued`."""
    sd_jwt = parse_sd_jwt(credential)  # (1)
    issued, holder_key = _verify_received(sd_jwt, policy, holder_keys, at, clock_skew_s)  # (2) to (7), (14)
    return _seal(Foreign, sd_jwt, issued, holder_key, at, _RECEIVED_STEPS[:-1])


def _verify_received(
    sd_jwt: SdJwt, policy: TrustPolicy, holder_keys: frozenset[str], at: datetime, clock_skew_s: int
) -> tuple[_Issued, PublicKey]:
    """Take steps 2 to 7 and 14; return what they found, and our key."""
    issued = _read_issued_part(sd_jwt, policy, None, at)
    sd_jwt.jws.check_signature(issued.key)  # (6)
    _check_valid_now(sd_jwt, issued, at, clock_skew_s)  # (7)
    if sd_jwt.key_binding is not None:
        raise UnexpectedKeyBinding
    holder_key = read_holder_key(sd_jwt)
    if holder_key.thumbprint not in holder_keys:
        raise NotOurKey
    return issued, holder_key


def _read_issued_part(sd_jwt: SdJwt, policy: TrustPolicy, types: frozenset[str] | None, at: datetime) -> _Issued:
    """Take steps 2 to 5."""
    if sd_jwt.header.get("typ") != TYP:  # (2)
        raise WrongTyp("credential", TYP)
    claims, signed = sd_jwt.claims, sd_jwt.issuer_claims
    # (3) What is signed in the clear is among the claims, too. Equal: a digest anywhere within would make them differ.
    for name in ALWAYS_VISIBLE.intersection(claims):
        if name not in signed or claims[name] != signed[name]:
            raise HiddenValidityClaim(name)
    issuer, vct = _read_text(claims, "iss"), _read_text(claims, "vct")
    trusted = policy.issuer_for(issuer)  # (4)
    if types is not None and vct not in types:
        raise UnknownType(types)
    trusted.check_may_issue(vct)
    return _Issued(issuer, vct, trusted, trusted.find_key(sd_jwt.header, at=at))  # (5)


def _check_valid_now(sd_jwt: SdJwt, issued: _Issued, at: datetime, clock_skew_s: int) -> StatusReference | None:
    """Take step 7; return where the status is kept."""
    check_valid(sd_jwt.claims, now=at.timestamp(), clock_skew_s=clock_skew_s, what="credential")
    if "status" not in sd_jwt.claims:
        return None
    # `iss` may be a DID of an issuer that is known by its address; its lists are at that address.
    return StatusReference.parse(sd_jwt.claims["status"], issuer=issued.trusted.issuer)


def _read_key_binding(sd_jwt: SdJwt) -> tuple[Jws, PublicKey]:
    if sd_jwt.key_binding is None:
        raise MissingKeyBinding
    return parse_jws(sd_jwt.key_binding, what="key binding", typ=KEY_BINDING_TYP), read_holder_key(sd_jwt)


def _check_holder_signature(binding: Jws, holder_key: PublicKey) -> None:
    try:
        binding.check_signature(holder_key)
    except BadSignature as error:
        raise WrongKeyBinding from error


def _check_made_for(claims: Mapping[str, Json], sd_jwt: SdJwt, audience: str, nonce: str) -> None:
    if claims.get("sd_hash") != sd_jwt.sd_hash():  # (10)
        raise WrongSdHash
    if claims.get("aud") != audience or not _is_for(audience, sd_jwt.claims.get("aud", audience)):  # (11)
        raise WrongAudience(audience)
    if claims.get("nonce") != nonce:
        raise WrongNonce


def _is_for(audience: str, named: Json) -> bool:
    # RFC 7519 §4.1.3: one name, or several.
    return audience in named if isinstance(named, list) else audience == named


def _check_fresh(claims: Mapping[str, Json], at: datetime, max_age_s: int, clock_skew_s: int) -> None:
    made = read_date(claims, "iat", what="key binding")
    if made is None:
        raise Malformed("key binding", "`iat` is missing")
    now = at.timestamp()
    age_s = now - made
    if age_s > max_age_s:
        raise StaleKeyBinding(max_age_s)
    if age_s < -clock_skew_s:
        raise EarlyKeyBinding
    check_valid(claims, now=now, clock_skew_s=clock_skew_s, what="key binding")


def _read_text(claims: Mapping[str, Json], name: str) -> str:
    text = claims.get(name)
    if not isinstance(text, str) or not text:
        raise Malformed("credential", f"`{name}` is missing or not text")
    return text


def _seal(
    kind: type[_Found],
    sd_jwt: SdJwt,
    issued: _Issued,
    holder_key: PublicKey,
    at: datetime,
    steps: tuple[str, ...],
    *,
    status: StatusCheck = StatusCheck.NOT_ASKED,
) -> _Found:
    about = {name: value for name, value in sd_jwt.claims.items() if name not in _NOT_ABOUT_THE_SUBJECT}
    return kind(
        SEAL,
        issuer=issued.name,
        vct=issued.vct,
        issued_at=read_date(sd_jwt.claims, "iat", what="credential"),
        disclosed=MappingProxyType(about),
        issuer_key=issued.key.thumbprint,
        holder_key=holder_key.thumbprint,
        at=at,
        steps=steps,
        status=status,
    )
