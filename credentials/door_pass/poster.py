"""The poster at the door: a signed QR that tells a wallet, without a network, which gate this is and what it asks.

A JWS of type `handstamp-door-poster+jwt` (our own: `docs/divergences.md`). A pseudonym counts at one gate, so a wallet
makes passes only for gates that speak for themselves: the key must be known to be that of the gate's own host.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from credentials.door_pass.errors import PosterUntrusted
from credentials.door_pass.values import MAX_SUBJECT, Limit, check_gate
from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.keys.errors import BadSignature, WrongAlgorithm
from credentials.keys.jwk import PublicKey
from credentials.keys.jws import parse_jws, sign_jws
from credentials.keys.signer import Signer
from credentials.protocols.members import Members, without_absent
from credentials.protocols.openid4vp.linked import origin_of
from credentials.validity import check_valid

TYP: Final = "handstamp-door-poster+jwt"
MAX_BYTES: Final = 2_048
_WHAT: Final = "poster"
_MAX_NAME: Final = 120
_MAX_ACCEPTED: Final = 8
_MAX_SUBJECTS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster:
    """What a poster says.

    Attributes:
        gate: the address of the door's gate.
        name: what people call the door.
        accepts: the types that open it, each with its subjects; an empty tuple for any.
        limit: how often it lets the same holder in.
        issued_at: when it was signed.
        expires_at: when it ends.
    """

    gate: str
    name: str
    accepts: tuple[tuple[str, tuple[str, ...]], ...]
    limit: Limit
    issued_at: datetime
    expires_at: datetime

    @property
    def origin(self) -> str:
        """The site whose door this is, in lower case: scheme, host and port."""
        return origin_of(self.gate)


def sign_poster(poster: Poster, signer: Signer) -> str:
    """Sign a poster with the key of the gate's site.

    Raises:
        Malformed: it says something that no wallet would read.
    """
    claims: dict[str, Json] = {
        "gate": poster.gate,
        "name": poster.name,
        "accepts": [without_absent(vct=vct, ids=list(subjects)) for vct, subjects in poster.accepts],
        "limit": poster.limit.value,
        "iat": int(poster.issued_at.timestamp()),
        "exp": int(poster.expires_at.timestamp()),
    }
    text = sign_jws({"typ": TYP}, claims, signer)
    _read(text)  # What could not be read is not printed.
    return text


def check_poster(text: str, *, keys_of: Callable[[str], Collection[PublicKey]], at: datetime) -> Poster:
    """Read a poster, and check that the site signed it whose door it names.

    Args:
        text: what was scanned.
        keys_of: the keys known beforehand to be those of a site, by its origin (`https://venue.example`).
        at: the time of the check.

    Raises:
        Malformed, WrongTyp, UnsupportedAlgorithm: it is no poster.
        PosterUntrusted: none of those keys signed it.
        Expired, NotYetValid: it does not count at this time.
    """
    poster, check_signature = _read(text)
    if not any(check_signature(key) for key in keys_of(poster.origin)):
        raise PosterUntrusted
    times = {"iat": int(poster.issued_at.timestamp()), "exp": int(poster.expires_at.timestamp())}
    check_valid(times, now=at.timestamp(), clock_skew_s=60, what=_WHAT)
    return poster


def _read(text: str) -> tuple[Poster, Callable[[PublicKey], bool]]:
    jws = parse_jws(text, what=_WHAT, typ=TYP, max_bytes=MAX_BYTES)

    def is_signed_by(key: PublicKey) -> bool:
        try:
            jws.check_signature(key)
        except (BadSignature, WrongAlgorithm):
            return False
        return True

    members = Members(jws.claims(), what=_WHAT)
    return (
        Poster(
            gate=check_gate(members.text("gate")),
            name=members.text("name", max_chars=_MAX_NAME),
            accepts=members.array("accepts", _read_accepted, max_items=_MAX_ACCEPTED),
            limit=_read_limit(members.text("limit")),
            issued_at=_moment(members.time("iat")),
            expires_at=_moment(members.time("exp")),
        ),
        is_signed_by,
    )


def _read_accepted(value: Json, what: str) -> tuple[str, tuple[str, ...]]:
    members = Members(value, what=what)
    return members.text("vct", max_chars=MAX_SUBJECT), members.optional_texts(
        "ids", max_items=_MAX_SUBJECTS, max_chars=MAX_SUBJECT
    )


def _read_limit(text: str) -> Limit:
    try:
        return Limit(text)
    except ValueError as error:
        raise Malformed(_WHAT, "its limit is none that is known here") from error


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
