"""Credentials and presentations that travel inside a signed token: VC-JOSE-COSE 1.0 §3.1 and §3.2, VCDM 2.0 §4.13.

The token is the payload of a `data:` URL, so that it can stand in a presentation beside credentials with proofs of
their own. COSE is not read: no other credential here is CBOR.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Final, Self

from credentials.data_integrity.errors import WrongChallenge, WrongDomain, WrongKeyKind
from credentials.data_integrity.keys import FindKey, read_controller
from credentials.data_integrity.proofs import ASSERTION, AUTHENTICATION
from credentials.encoding.strict_json import Json
from credentials.errors import HandstampError, Malformed
from credentials.keys.errors import WrongTyp
from credentials.keys.jwk import PublicKey
from credentials.keys.jws import Jws, parse_jws, sign_jws
from credentials.keys.signer import Signer
from credentials.sd_jwt import parse_sd_jwt
from credentials.validity import check_valid
from schemas.context import CREDENTIALS_V2_URL

_DATA: Final = "data:"
_WHAT: Final = "enveloped credential"


class EnvelopeKind(Enum):
    """What a token holds; the value is its media type after `application/`, which is also its `typ`."""

    CREDENTIAL_JWT = "vc+jwt"
    CREDENTIAL_SD_JWT = "vc+sd-jwt"
    PRESENTATION_JWT = "vp+jwt"

    @property
    def type_name(self) -> str:
        """The `type` of the object that carries it."""
        name = "Presentation" if self is EnvelopeKind.PRESENTATION_JWT else "Credential"
        return f"EnvelopedVerifiable{name}"

    @property
    def purpose(self) -> str:
        """What its key must be for."""
        return AUTHENTICATION if self is EnvelopeKind.PRESENTATION_JWT else ASSERTION


# A tuple, because what is looked for may be anything that JSON knows, lists and objects too.
_TYPE_NAMES: Final = tuple(dict.fromkeys(kind.type_name for kind in EnvelopeKind))


class WrongTokenIssuer(HandstampError):
    """A token whose `iss` is somebody else than the one who speaks in its document."""

    code = "wrong_token_issuer"

    def __init__(self) -> None:
        super().__init__("The token was issued by somebody else than the one that its document names.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A token taken apart. Nothing in it is proven until `verify` has passed."""

    kind: EnvelopeKind
    document: Mapping[str, Json] = field(repr=False)
    """The credential or presentation, as far as it is disclosed, without the claims of the token itself."""
    verification_method: str
    """Its `kid`: the URL of the key."""
    claims: Mapping[str, Json] = field(repr=False)
    jws: Jws = field(repr=False)

    @classmethod
    def parse(cls, value: Mapping[str, Json]) -> Self:
        """Read the object that carries a token (VCDM 2.0 §4.13.1, §4.13.2).

        Raises:
            Malformed: it is not one, or what it holds cannot be read.
            WrongTyp, UnsupportedAlgorithm, UnsupportedHeader and the errors of SD-JWT: as they say.
        """
        contexts = value.get("@context")
        if CREDENTIALS_V2_URL not in (contexts if isinstance(contexts, list) else [contexts]):
            raise Malformed(_WHAT, "its `@context` does not name the context of credentials 2.0")
        url = value.get("id")
        kind = next((kind for kind in EnvelopeKind if _starts(url, kind)), None)
        if not isinstance(url, str) or kind is None:
            raise Malformed(_WHAT, "its `id` is not a `data:` URL of a kind of token that is read here")
        if value.get("type") not in (kind.type_name, [kind.type_name]):
            raise Malformed(_WHAT, f"its `type` is not {kind.type_name}")
        return cls.parse_token(url.removeprefix(_prefix(kind)), kind=kind)

    @classmethod
    def parse_token(cls, text: str, *, kind: EnvelopeKind) -> Self:
        """Read a token alone; errors as for `parse`."""
        if kind is EnvelopeKind.CREDENTIAL_SD_JWT:
            sd_jwt = parse_sd_jwt(text)
            # It would answer a question that nobody asked here: a presentation proves who holds what is in it.
            if sd_jwt.key_binding is not None:
                raise Malformed(_WHAT, "it has a key binding, which belongs to another protocol")
            jws, claims = sd_jwt.jws, sd_jwt.claims
            if jws.header.get("typ") != kind.value:
                raise WrongTyp(_WHAT, kind.value)
        else:
            jws = parse_jws(text, what=_WHAT, typ=kind.value)
            claims = jws.claims()
        kid = jws.header.get("kid")
        if not isinstance(kid, str):
            raise Malformed(_WHAT, "its header does not name a key by `kid`")
        # VC-JOSE-COSE §1.1.2.1 of the model's 1.1 put the credential into claims of these names; 2.0 forbids them.
        if "vc" in claims or "vp" in claims or "@context" not in claims:
            raise Malformed(_WHAT, "its claims are not the members of a credential or presentation")
        document = {name: claim for name, claim in claims.items() if name not in _TOKEN_CLAIMS}
        return cls(kind=kind, document=document, verification_method=kid, claims=claims, jws=jws)

    def verify(
        self,
        *,
        find_key: FindKey,
        at: datetime,
        clock_skew_s: int = 0,
        challenge: str | None = None,
        domain: str | None = None,
    ) -> None:
        """Check the signature, the times, and of a presentation whom and what it answers.

        Raises:
            DidKeyUnknown: the key is not known, or not for this purpose.
            WrongKeyKind, WrongAlgorithm, BadSignature: it was not made by this key.
            NotYetValid, Expired: it does not count at this time.
            WrongTokenIssuer: `iss` is somebody else than issuer or holder.
            WrongChallenge, WrongDomain: `nonce` or `aud` is not what was asked.
        """
        if challenge is not None and self.claims.get("nonce") != challenge:
            raise WrongChallenge
        if domain is not None and self.claims.get("aud") not in (domain, [domain]):
            raise WrongDomain
        check_valid(self.claims, now=at.timestamp(), clock_skew_s=clock_skew_s, what=_WHAT)
        role = "holder" if self.kind is EnvelopeKind.PRESENTATION_JWT else "issuer"
        if "iss" in self.claims and self.claims["iss"] != read_controller(self.document, role):
            raise WrongTokenIssuer
        key = find_key(self.verification_method, purpose=self.kind.purpose)
        if not isinstance(key, PublicKey):
            raise WrongKeyKind(self.kind.value, "P-256, P-384 or Ed25519")
        self.jws.check_signature(key)


_TOKEN_CLAIMS: Final = frozenset({"iss", "aud", "nonce", "iat", "nbf", "exp", "jti", "sub", "cnf", "_sd_alg"})


def is_enveloped(value: Mapping[str, Json]) -> bool:
    """Say whether an object carries a token instead of claims and a proof."""
    types = value.get("type")
    return any(name in _TYPE_NAMES for name in (types if isinstance(types, list) else [types]))


def sign_envelope(
    document: Mapping[str, Json],
    *,
    kind: EnvelopeKind,
    signer: Signer,
    verification_method: str,
    claims: Mapping[str, Json] | None = None,
) -> dict[str, Json]:
    """Sign a credential or presentation as a JWT, and return the object that carries it.

    Args:
        document: the credential or presentation, without a proof.
        kind: one of the two JWTs; an SD-JWT is built by `credentials.sd_jwt` and carried by `build_envelope`.
        signer: the issuer's or holder's key.
        verification_method: the URL under which others find it.
        claims: claims of the token itself, such as `nonce` and `aud`.
    """
    content = kind.value.partition("+")[0]
    header: dict[str, Json] = {"typ": kind.value, "cty": content, "kid": verification_method}
    return build_envelope(sign_jws(header, {**document, **(claims or {})}, signer), kind=kind)


def build_envelope(token: str, *, kind: EnvelopeKind) -> dict[str, Json]:
    """Return the object that carries a token in a presentation."""
    return {"@context": CREDENTIALS_V2_URL, "id": _prefix(kind) + token, "type": kind.type_name}


def _prefix(kind: EnvelopeKind) -> str:
    return f"{_DATA}application/{kind.value},"


def _starts(url: Json, kind: EnvelopeKind) -> bool:
    return isinstance(url, str) and url.startswith(_prefix(kind))
