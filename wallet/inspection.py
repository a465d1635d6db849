"""What a co-op hands over is looked at before it is kept: an issuer can mark a listener, too.

`credentials.verify.verify_issued` looks at each instance by itself: signature, trust, key, and that nothing it shows
differs from others of its type. Here stand the rest: the instances of a copy beside each other, the type's schema, and
what hides inside a text. Only the catalogue could show a mark inside a title or number that looks right; this wallet
does not compare with it yet.
"""

import contextlib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from credentials.encoding.strict_json import Json
from credentials.errors import HandstampError, IssuerError
from credentials.evidence import Foreign, Received
from credentials.json_schema import check_claims_form
from credentials.keys.errors import CertificateUntrusted
from credentials.keys.signer import LocalSigner
from credentials.sd_jwt import SdJwt, parse_sd_jwt
from credentials.trust import TrustPolicy
from credentials.verify import verify_issued
from schemas import CredentialType
from wallet.errors import UnknownAuthority, UnwantedCredential
from wallet.state import ForeignType

_LAST_MOMENT_S: Final = 253402300800
"""The end of the year 9999, the last that a calendar here has."""


class Marked(IssuerError):
    """What was handed over could mark the listener, or is not what was asked for; `inspect` names the host."""

    code = "marked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """What was found good.

    Attributes:
        claims: what every instance says.
        instances: each with the key that it is bound to.
        issuer_key: thumbprint of the key that signed all of them.
        chain: the certificates that all of them carry; empty for a foreign type, which is not compared.
        expires_at: when all of them end; None for never.
        vct: their type.
        id: the issuer's number for the copy, or one made of what it says.
        foreign: how the issuer names it, if the type is none of ours.
    """

    claims: dict[str, Json]
    instances: tuple[tuple[str, LocalSigner], ...]
    issuer_key: str
    expires_at: datetime | None
    vct: str
    id: str
    chain: tuple[str, ...] = ()
    foreign: ForeignType | None = None


@contextlib.contextmanager
def inspecting(credentials: Sequence[str], *, keys: Mapping[str, LocalSigner], host: str) -> Iterator[None]:
    """Hold what came to what was asked for, and name the host in whatever refusal the block ends with.

    Raises:
        UnknownAuthority: the issuer's key is certified, by nobody whom the wallet trusts.
        UnwantedCredential: anything else, with the reason; the refusal that it comes from is its cause.
    """
    try:
        if len(credentials) != len(keys):
            raise Marked(f"{len(credentials)} instances came where {len(keys)} were asked for")
        yield
    except CertificateUntrusted as error:
        raise UnknownAuthority(host) from error
    except HandstampError as error:
        raise UnwantedCredential(host, error.detail.rstrip(".")) from error


def check_keys(evidence: Sequence[Received] | Sequence[Foreign]) -> None:
    """Check that every instance is bound to a key of its own.

    Raises:
        Marked: two share one.
    """
    if len({each.holder_key for each in evidence}) != len(evidence):
        raise Marked("two instances are bound to the same key, so using both would show that they are yours")


def inspect(
    credentials: Sequence[str],
    *,
    keys: Mapping[str, LocalSigner],
    kind: CredentialType,
    issuer: str,
    policy: TrustPolicy,
    host: str,
    at: datetime,
) -> Inspected:
    """Check all instances of one copy.

    Args:
        credentials: what came, one instance for each of `keys`.
        keys: the fresh keys that were sent, by thumbprint.
        kind: the type that was asked for.
        issuer: the co-op's URL, as every instance must name it.
        policy: whom the wallet trusts.
        host: for the words of a refusal.
        at: now.

    Raises:
        UnknownAuthority: no pinned authority vouches for the co-op's key.
        UnwantedCredential: anything else, with the reason; the refusal that it comes from is its cause.
    """
    with inspecting(credentials, keys=keys, host=host):
        holder_keys = frozenset(keys)
        evidence = [_verify(each, kind, policy=policy, holder_keys=holder_keys, at=at) for each in credentials]
        read = [parse_sd_jwt(each) for each in credentials]
        _check_each(evidence, read, kind=kind, issuer=issuer)
        _check_together(evidence, read)
    return Inspected(
        claims={name: evidence[0].disclosed[name] for name in kind.claim_names},
        instances=tuple((text, keys[each.holder_key]) for text, each in zip(credentials, evidence, strict=True)),
        issuer_key=evidence[0].issuer_key,
        expires_at=end_of(read[0]),
        vct=kind.vct,
        id=str(evidence[0].disclosed[kind.countable_claim]),
        chain=_chain_of(read[0]),
    )


def _verify(
    credential: str, kind: CredentialType, *, policy: TrustPolicy, holder_keys: frozenset[str], at: datetime
) -> Received:
    return verify_issued(
        credential,
        policy=policy,
        holder_keys=holder_keys,
        at=at,
        digest_count=kind.digest_count,
        claim_names=frozenset(kind.claim_names),
        lifetime_months=kind.lifetime_months,
        has_status=True,
    )


def end_of(sd_jwt: SdJwt) -> datetime | None:
    """Return when a credential stops being valid; None for never."""
    end = sd_jwt.claims.get("exp")
    if not isinstance(end, int | float) or end >= _LAST_MOMENT_S:
        return None
    return datetime.fromtimestamp(end, UTC)


def _chain_of(sd_jwt: SdJwt) -> tuple[str, ...]:
    x5c = sd_jwt.header.get("x5c")
    return tuple(map(str, x5c)) if isinstance(x5c, list) else ()


def _check_each(evidence: Sequence[Received], read: Sequence[SdJwt], *, kind: CredentialType, issuer: str) -> None:
    for each, sd_jwt in zip(evidence, read, strict=True):
        if each.issuer != issuer:
            raise Marked("it names another issuer than the one that was asked")
        if each.vct != kind.vct:
            raise Marked("it is of another type than was offered")
        check_claims_form(kind, sd_jwt.claims)
        check_plain(each.disclosed, kind)


def _check_together(evidence: Sequence[Received], read: Sequence[SdJwt]) -> None:
    check_keys(evidence)
    for each, sd_jwt in zip(evidence, read, strict=True):
        if sd_jwt.header != read[0].header:
            raise Marked("its instances are not signed alike")
        if each.disclosed != evidence[0].disclosed or each.issued_at != evidence[0].issued_at:
            raise Marked("its instances do not all say the same")
        if ("status" in sd_jwt.claims) != ("status" in read[0].claims):
            raise Marked("only some of its instances can be taken back")


def check_plain(claims: Mapping[str, Json], kind: CredentialType) -> None:
    """Check that no text has characters that nobody sees, or is written in another way than Unicode calls normal.

    Raises:
        Marked: one has, or is.
    """
    for name, value in claims.items():
        # How much a claim is filled up is the schema's to say; here it is looked at without.
        text = str(value).rstrip(" ") if name in kind.padded_claims else str(value)
        hidden = any(unicodedata.category(letter)[0] == "C" for letter in text)
        if hidden or text != unicodedata.normalize("NFC", text) or text != " ".join(text.split()):
            raise Marked(f"{name} holds something that cannot be seen, which could mark you")
