"""The co-op list: who is a member co-op, by which keys, and what each may issue. One address to subscribe to.

A JWS of type `handstamp-coop-list+jwt` (our own: `docs/divergences.md`), signed by whoever publishes the list, with the
key in its header. That key says nothing by itself: the subscriber compares its thumbprint once and pins it. A list has
a version, which only grows, and an end; so nobody who sits on the way can bring back a co-op that was struck out.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from credentials.bbs import BbsPublicKey
from credentials.dids.did import parse_did, parse_did_url
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.keys.certificates import parse_authority, write_authorities
from credentials.keys.jwk import PublicKey
from credentials.keys.jws import Jws, parse_jws, sign_jws
from credentials.keys.signer import Signer
from credentials.protocols.members import Members, without_absent
from credentials.protocols.urls import parse_issuer_url, parse_service_url
from credentials.trust.errors import CoopListExpired, CoopListRefused, CoopListRolledBack
from credentials.trust.policy import TrustedIssuer, TrustPolicy

TYP: Final = "handstamp-coop-list+jwt"
MAX_BYTES: Final = 524_288
_WHAT: Final = "list of co-ops"
_MAX_MEMBERS: Final = 500
_MAX_KEYS: Final = 20
_MAX_AUTHORITIES: Final = 5
_MAX_TYPES: Final = 50
_MAX_NAME: Final = 200
_MAX_LIFETIME: Final = timedelta(days=400)
_CLOCK_SKEW: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoopList:
    """A list as its publisher signed it. It is proven only when `verify_coop_list` gave it."""

    url: str
    """Where it is published, which is also its name."""
    name: str
    """What its publisher calls it."""
    version: int
    issued_at: datetime
    expires_at: datetime
    members: tuple[TrustedIssuer, ...]
    """Each trusted until `expires_at`."""
    publisher: PublicKey = field(compare=False)


def build_coop_list(coop_list: CoopList, signer: Signer) -> str:
    """Sign a list; `publisher` is taken from the signer.

    Raises:
        Malformed: a member has neither a key nor an authority.
        AmbiguousPolicy: it names a co-op twice.
    """
    claims: dict[str, Json] = {
        "sub": coop_list.url,
        "name": coop_list.name,
        "version": coop_list.version,
        "iat": int(coop_list.issued_at.timestamp()),
        "exp": int(coop_list.expires_at.timestamp()),
        "members": [_write_member(member) for member in coop_list.members],
    }
    text = sign_jws({"typ": TYP, "jwk": signer.public_key.jwk}, claims, signer)
    parse_coop_list(text)  # What could not be read is not published.
    return text


def sign_description(description: Json, *, signer: Signer, now: datetime) -> str:
    """Sign a list that a person wrote down: `url`, `name`, `version`, `days` until it ends, and the `members`.

    Raises:
        Malformed: something is missing, or cannot be read.
        AmbiguousPolicy: it names a co-op twice.
    """
    members = Members(description, what=f"description of the {_WHAT}")
    days = members.integer("days", minimum=1, maximum=_MAX_LIFETIME.days)
    claims: dict[str, Json] = {
        "sub": members.required("url"),
        "name": members.required("name"),
        "version": members.required("version"),
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(days=days)).timestamp()),
        "members": members.required("members"),
    }
    text = sign_jws({"typ": TYP, "jwk": signer.public_key.jwk}, claims, signer)
    parse_coop_list(text)  # What could not be read is not published.
    return text


def parse_coop_list(text: str) -> CoopList:
    """Read a list and check that the key in its header signed it, which proves nothing but that it is whole.

    Raises:
        Malformed: it is no such list.
        UnsupportedAlgorithm, WrongTyp, BadSignature and other refusals of a JWS.
        AmbiguousPolicy: it names a co-op twice.
    """
    jws = parse_jws(text, what=_WHAT, typ=TYP, max_bytes=MAX_BYTES)
    publisher = _read_publisher(jws)
    jws.check_signature(publisher)
    members = Members(jws.claims(max_bytes=MAX_BYTES), what=_WHAT)
    ends = _moment(members.time("exp"))
    listed = members.array("members", lambda value, what: _read_member(value, what, ends), max_items=_MAX_MEMBERS)
    TrustPolicy(listed)
    return CoopList(
        url=parse_service_url(members.text("sub"), what=members.named("sub")),
        name=members.text("name", max_chars=_MAX_NAME),
        version=members.integer("version", minimum=1),
        issued_at=_moment(members.time("iat")),
        expires_at=ends,
        members=listed,
        publisher=publisher,
    )


def verify_coop_list(text: str, *, url: str, publisher: str | None, known: CoopList | None, at: datetime) -> CoopList:
    """Check that a list is the one that is published at an address, by its publisher, and not older than known.

    Args:
        text: the signed list.
        url: the address that was subscribed to.
        publisher: thumbprint of the key that was pinned; None when a person has yet to compare it.
        known: the list that was read before from this address; None if none was.
        at: the time of the check.

    Raises:
        CoopListRefused, CoopListExpired, CoopListRolledBack: it is not that list.
        HandstampError: what `parse_coop_list` raises.
    """
    found = parse_coop_list(text)
    if publisher is not None and found.publisher.thumbprint != publisher:
        raise CoopListRefused("another key signed it than the one that was compared when it was subscribed to")
    if found.url != url:
        raise CoopListRefused("it is published for another address")
    if found.issued_at > at + _CLOCK_SKEW:
        raise CoopListRefused("it is dated in the future")
    if found.expires_at - found.issued_at > _MAX_LIFETIME:
        raise CoopListRefused(f"it is meant to last longer than {_MAX_LIFETIME.days} days")
    if at >= found.expires_at:
        raise CoopListExpired
    if known is not None and (found.version < known.version or (found.version == known.version and found != known)):
        raise CoopListRolledBack
    return found


def _read_publisher(jws: Jws) -> PublicKey:
    return PublicKey.parse_jwk(jws.header.get("jwk"), what=f"key of the {_WHAT}")


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _read_member(value: Json, what: str, ends: datetime) -> TrustedIssuer:
    members = Members(value, what=what)
    issuer = parse_issuer_url(members.text("issuer"), what=members.named("issuer"))
    did = members.optional_text("did")
    jwks = members.optional_object("jwks")
    keys = dict(jwks.array("keys", _read_key, max_items=_MAX_KEYS)) if jwks is not None else {}
    anchors = members.optional_array("authorities", _read_authority, max_items=_MAX_AUTHORITIES)
    bbs_keys = dict(members.optional_array("multikeys", _read_multikey, max_items=_MAX_KEYS))
    if not keys and not anchors and not bbs_keys:
        raise Malformed(what, "it has neither keys nor an authority, so nothing could be checked")
    return TrustedIssuer(
        issuer=issuer,
        name=members.text("name", max_chars=_MAX_NAME),
        did=None if did is None else parse_did(did, what=members.named("did")).text,
        keys=frozenset(key.thumbprint for key in keys.values()),
        public_keys=keys,
        bbs_keys=bbs_keys,
        anchors=anchors,
        types=frozenset(members.texts("types", max_items=_MAX_TYPES)),
        until=ends,
    )


def _read_key(value: Json, what: str) -> tuple[str, PublicKey]:
    key = PublicKey.parse_jwk(value, what=what)
    return Members(value, what=what).optional_text("kid") or key.thumbprint, key


def _read_multikey(value: Json, what: str) -> tuple[str, BbsPublicKey]:
    members = Members(value, what=what)
    url = parse_did_url(members.text("id"), what=members.named("id")).text
    multikey = members.text("publicKeyMultibase")
    return url, BbsPublicKey.from_multikey(multikey, what=members.named("publicKeyMultibase"))


def _read_authority(value: Json, what: str) -> bytes:
    return parse_authority(value, what=what)


def _write_member(member: TrustedIssuer) -> dict[str, Json]:
    keys: list[Json] = [{**key.jwk, "kid": kid} for kid, key in member.public_keys.items()]
    multikeys: list[Json] = [{"id": url, "publicKeyMultibase": key.multikey} for url, key in member.bbs_keys.items()]
    return without_absent(
        issuer=member.issuer,
        name=member.name,
        did=member.did,
        types=[*sorted(member.types)],
        jwks={"keys": keys} if keys else None,
        multikeys=multikeys or None,
        authorities=[text for pem in member.anchors for text in write_authorities(pem)],
    )
