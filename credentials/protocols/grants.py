"""Grants: a gate's signed, short-lived permission to a trackserver. It names files and never says who may have them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Self

from credentials.encoding.strict_json import Json
from credentials.errors import HolderError, VerifierError
from credentials.keys.jwk import PublicKey
from credentials.keys.jws import Jws, parse_jws, sign_jws
from credentials.keys.signer import Signer
from credentials.protocols.freshness import CLOCK_SKEW_S
from credentials.protocols.members import Members, check_text, without_absent
from credentials.protocols.urls import parse_issuer_url

TYP: Final = "handstamp-grant+jwt"
MAX_LIFETIME_S: Final = 3600
_WHAT: Final = "grant"
_MAX_GRANT: Final = 16384
_MAX_TRACKS: Final = 200
_MAX_FORMATS: Final = 16
_ID: Final = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_WORD: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
# 128 random bits are 22 characters of base64url.
_JTI: Final = re.compile(r"[A-Za-z0-9_-]{22,128}")
_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class GrantRefused(VerifierError):
    """A grant that this trackserver does not honour."""

    code: ClassVar[str] = "grant_refused"


class UnknownGrantKey(GrantRefused):
    """Signed by a key that is not pinned."""

    code = "unknown_grant_key"

    def __init__(self) -> None:
        super().__init__(
            "The grant is signed with a key that this trackserver does not know. Allow the verifier first."
        )


class WrongGrantAudience(GrantRefused):
    """Made for another trackserver."""

    code = "wrong_grant_audience"

    def __init__(self) -> None:
        super().__init__("The grant was made for another trackserver.")


class WrongGrantIssuer(GrantRefused):
    """Signed with one verifier's key, in another's name."""

    code = "wrong_grant_issuer"

    def __init__(self) -> None:
        super().__init__("The grant names another verifier than the one whose key signed it.")


class GrantTooLong(GrantRefused):
    """Valid for longer than any grant may be, or issued in the future."""

    code = "grant_too_long"

    def __init__(self) -> None:
        super().__init__(
            "The grant is dated in the future, or valid for longer than an hour. If that is so with every grant, the "
            "clock of the site or of this trackserver is wrong."
        )


class GrantExpired(HolderError):
    """Used too late; the listener passes the gate again."""

    code = "grant_expired"

    def __init__(self) -> None:
        super().__init__(
            "The grant has expired. Go through the gate again; if that was just now, the clock of the site or of this "
            "trackserver is wrong."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What may be fetched, from whom, until when.

    Attributes:
        issuer: the verifier's URL.
        audience: the trackserver's URL.
        jti: 128 random bits; redeemed once.
        issued_at: seconds since 1970.
        expires_at: seconds since 1970, at most an hour later.
        release: the trackserver's id of the release.
        tracks: track ids; empty means all of the release.
        formats: such as `original`; at least one.
        quality: such as `lossless`.
        holder_key: thumbprint of the wallet's fresh DPoP key; None when pushed for a browser.
    """

    issuer: str
    audience: str
    jti: str
    issued_at: int
    expires_at: int
    release: str
    tracks: tuple[str, ...] = ()
    formats: tuple[str, ...] = ("original",)
    quality: str = "original"
    holder_key: str | None = None

    @classmethod
    def parse(cls, claims: Json) -> Self:
        """Read the claims of a grant, without any check of signature, audience or time."""
        members = Members(claims, what=_WHAT)
        confirmation = members.optional_object("cnf")
        return cls(
            issuer=parse_issuer_url(members.text("iss"), what="issuer of the grant"),
            audience=parse_issuer_url(members.text("aud"), what="audience of the grant"),
            jti=members.text("jti", pattern=_JTI),
            issued_at=members.time("iat"),
            expires_at=members.time("exp"),
            release=members.text("release", pattern=_ID),
            tracks=members.optional_array("tracks", _read_id, max_items=_MAX_TRACKS),
            formats=members.array("formats", _read_word, max_items=_MAX_FORMATS),
            quality=members.text("quality", pattern=_WORD),
            holder_key=confirmation.text("jkt", pattern=_THUMBPRINT) if confirmation else None,
        )

    def to_json(self) -> dict[str, Json]:
        """The claims of the grant."""
        return without_absent(
            iss=self.issuer,
            aud=self.audience,
            jti=self.jti,
            iat=self.issued_at,
            exp=self.expires_at,
            release=self.release,
            tracks=list(self.tracks),
            formats=list(self.formats),
            quality=self.quality,
            # RFC 9449 §6.1: only a proof by the key with this thumbprint may use the grant.
            cnf={"jkt": self.holder_key} if self.holder_key is not None else None,
        )


def build_grant(grant: Grant, *, signer: Signer) -> str:
    """Sign a grant; `kid` is the thumbprint of the verifier's key, as in its JWKS.

    Raises:
        Malformed: the grant could not be read back, such as one with an impossible id.
    """
    claims = grant.to_json()
    Grant.parse(claims)
    return sign_jws({"typ": TYP, "kid": signer.public_key.thumbprint}, claims, signer)


def read_unverified_issuer(text: str) -> str:
    """Who a grant says it is from, to look up that verifier's pinned keys. Nothing is proven yet."""
    return Grant.parse(_parse(text).claims()).issuer


def read_unverified_kid(text: str) -> str:
    """Which key a grant says it is signed with. Nothing is proven until `verify_grant` has accepted it."""
    return check_text(_parse(text).header.get("kid"), what="`kid` of the grant", max_chars=256)


def verify_grant(
    text: str, *, keys: Mapping[str, PublicKey], audience: str, at: datetime, issuer: str | None = None
) -> Grant:
    """Verify a grant: (1) type and algorithm, (2) a pinned key, (3) its signature, (4) issuer, (5) audience, (6) time.

    Args:
        text: the compact JWS.
        keys: the pinned keys by `kid`, of one verifier; of several only if the caller compares `issuer` itself.
        audience: the trackserver's own URL.
        at: now.
        issuer: the verifier whose keys these are.

    Raises:
        Malformed, GrantRefused, GrantExpired, BadSignature and the other refusals of `parse_jws`.
    """
    jws = _parse(text)
    key = keys.get(check_text(jws.header.get("kid"), what="`kid` of the grant", max_chars=256))
    if key is None:
        raise UnknownGrantKey
    jws.check_signature(key)
    grant = Grant.parse(jws.claims())
    if issuer is not None and grant.issuer != issuer:
        raise WrongGrantIssuer
    if grant.audience != audience:
        raise WrongGrantAudience
    _check_time(grant, at=at)
    return grant


def _check_time(grant: Grant, *, at: datetime) -> None:
    now_s = at.timestamp()
    if grant.issued_at > now_s + CLOCK_SKEW_S or grant.expires_at - grant.issued_at > MAX_LIFETIME_S:
        raise GrantTooLong
    if now_s >= grant.expires_at:
        raise GrantExpired


def _parse(text: str) -> Jws:
    return parse_jws(check_text(text, what=_WHAT, max_chars=_MAX_GRANT), what=_WHAT, typ=TYP)


def _read_id(value: Json, what: str) -> str:
    return check_text(value, what=what, pattern=_ID)


def _read_word(value: Json, what: str) -> str:
    return check_text(value, what=what, pattern=_WORD)
