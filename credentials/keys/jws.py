"""JSON Web Signatures in compact form (RFC 7515 §7.1), read under the rules of RFC 8725."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from typing_extensions import override

from credentials.encoding import base64url
from credentials.encoding.strict_json import MAX_BYTES, Json, dump, parse_object
from credentials.errors import Malformed
from credentials.keys.errors import UnsupportedAlgorithm, UnsupportedHeader, WrongAlgorithm, WrongTyp
from credentials.keys.jwk import PublicKey
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import Signer

ACCEPTED_ALGORITHMS = frozenset({"ES256", "ES384", "EdDSA"})
# What else is read as one of them: RFC 9864 §2.2.
_SAME_ALGORITHM = {name: kind.algorithm for kind in KeyKind for name in kind.algorithms}
_MAX_HEADER_BYTES = 16_384
_KEPT_CHARACTERS = 8_192


class Jws(NamedTuple):
    """A JWS taken apart. Nothing in it is proven until `check_signature` has passed."""

    what: str
    """What it is, for the words of errors."""
    header: Mapping[str, Json]
    payload: bytes
    signing_input: bytes
    signature: bytes

    @override
    def __repr__(self) -> str:
        return f"Jws(what={self.what!r}, header={self.header!r})"

    def claims(self, *, max_bytes: int = MAX_BYTES) -> dict[str, Json]:
        """Read the payload, of at most `max_bytes`, as a JSON object, anew at every call: keep the result.

        Raises:
            Malformed: it is not one.
        """
        return parse_object(self.payload, what=f"payload of the {self.what}", max_bytes=max_bytes)

    def check_signature(self, key: PublicKey) -> None:
        """Check the signature over the bytes that arrived, by the one algorithm of this key (RFC 8725 §3.1).

        Raises:
            WrongAlgorithm: the header names another algorithm than the key's.
            BadSignature: another key signed, or something was changed.
        """
        if self.header["alg"] not in key.kind.algorithms:
            raise WrongAlgorithm(self.what, key.algorithm)
        key.verify(self.signature, self.signing_input)


def parse_jws(
    text: str,
    *,
    what: str,
    typ: str | None,
    algorithms: Collection[str] = ACCEPTED_ALGORITHMS,
    max_bytes: int = MAX_BYTES,
) -> Jws:
    """Take a compact JWS apart and check its header, but not its signature.

    Args:
        text: header, payload and signature, base64url, with dots between.
        what: what it is, for the words of errors.
        typ: the type that its header must carry, exactly; None if the caller looks at the header itself.
        algorithms: what it may be signed with; `EdDSA` takes in its newer name, `Ed25519`.
        max_bytes: the longest text that is looked at.

    Raises:
        Malformed: it is not a JWS, or larger than `max_bytes`.
        UnsupportedAlgorithm: `alg` is `none`, unknown or not accepted here.
        UnsupportedHeader: it uses `crit` or `b64`; no extension of JWS is understood here.
        WrongTyp: it carries another type.
    """
    if len(text) > max_bytes:
        raise Malformed(what, f"it is larger than {max_bytes} bytes")
    # Not `split`: it goes from character to character.
    signing_input, _, signature = text.rpartition(".")
    written, dot, payload = signing_input.partition(".")
    if not dot or "." in payload:
        raise Malformed(what, "it is not three parts with dots between")
    header = _parse_header(written, f"header of the {what}")
    _check_header(header, what=what, typ=typ, algorithms=frozenset(algorithms))
    content = base64url.decode(payload, what=f"payload of the {what}")
    signed = base64url.decode(signature, what=f"signature of the {what}")
    return Jws(what, header, content, signing_input.encode("ascii"), signed)


def sign_jws(header: Mapping[str, Json], claims: Mapping[str, Json], signer: Signer) -> str:
    """Sign claims; `alg` is put before the members of `header`.

    Raises:
        Malformed: the claims cannot be written as JSON.
    """
    return sign_under(write_header(header, algorithm=signer.algorithm), claims, signer)


def write_header(header: Mapping[str, Json], *, algorithm: str) -> str:
    """Write the first part of a JWS, for `sign_under`; `alg` is put before the members of `header`."""
    return base64url.encode(dump({"alg": algorithm, **header}))


def sign_under(written: str, claims: Mapping[str, Json], signer: Signer) -> str:
    """Sign claims under a header that is written already, by `write_header` with the signer's algorithm.

    Raises:
        Malformed: the claims cannot be written as JSON.
    """
    signing_input = f"{written}.{base64url.encode(dump(claims))}"
    return f"{signing_input}.{base64url.encode(signer.sign(signing_input.encode('ascii')))}"


def _parse_header(text: str, what: str) -> Mapping[str, Json]:
    return _remember_header(text, what) if len(text) <= _KEPT_CHARACTERS else _read_header(text, what)


def _read_header(text: str, what: str) -> Mapping[str, Json]:
    return MappingProxyType(parse_object(base64url.decode(text, what=what), what=what, max_bytes=_MAX_HEADER_BYTES))


# Every credential of an issuer has the same header, certificates and all, so its reading is remembered: what the text
# says, not that it is acceptable, which is checked each time. Anybody may send one, and read it takes twenty times the
# room: so few are remembered, and no long ones.
_remember_header = lru_cache(maxsize=64)(_read_header)


def _check_header(header: Mapping[str, Json], *, what: str, typ: str | None, algorithms: frozenset[str]) -> None:
    # RFC 8725 §3.1: the caller says what is acceptable, never the message.
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or _SAME_ALGORITHM.get(algorithm) not in algorithms:
        raise UnsupportedAlgorithm(what, algorithms)
    for extension in ("crit", "b64"):
        if extension in header:
            raise UnsupportedHeader(what, extension)
    if typ is not None and header.get("typ") != typ:
        raise WrongTyp(what, typ)
