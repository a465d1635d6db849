"""Encrypted credential requests and responses (OpenID4VCI 1.0 §8.2, §8.3, §10, §12.2.4): what is offered and asked.

ECDH-ES on P-256 with A128GCM or A256GCM, and no compression: the length of a compressed message tells what is in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from credentials.encoding.strict_json import Json, dump
from credentials.errors import Malformed
from credentials.keys.encryption import DecryptionKey, decrypt, encrypt, read_recipient
from credentials.protocols.members import Members, without_absent

ECDH_ES: Final = "ECDH-ES"
ENCS: Final = ("A128GCM", "A256GCM")
_MAX_KEYS: Final = 16
_MAX_LIST: Final = 32
_MAX_NAME: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptionOffer:
    """What an issuer publishes of encryption in one direction.

    Attributes:
        keys: public JWKs to encrypt requests for, each with `kid` and `alg`; empty for responses.
        algorithms: key agreement for responses; empty for requests, where each key says its own.
        encs: content encryption, JOSE names.
        required: messages in this direction must be encrypted.
    """

    keys: tuple[Mapping[str, Json], ...] = ()
    algorithms: tuple[str, ...] = ()
    encs: tuple[str, ...] = ENCS
    required: bool = False

    @classmethod
    def parse_request_side(cls, members: Members) -> Self:
        """Read `credential_request_encryption`; what is missing in it cannot be used, which is the caller's to say."""
        keys = members.optional_object("jwks")
        return cls(
            keys=keys.array("keys", _read_key, max_items=_MAX_KEYS) if keys else (),
            encs=members.optional_texts("enc_values_supported", max_items=_MAX_LIST, max_chars=_MAX_NAME),
            required=members.flag("encryption_required", default=True),
        )

    @classmethod
    def parse_response_side(cls, members: Members) -> Self:
        """Read `credential_response_encryption`; otherwise as `parse_request_side`."""
        return cls(
            algorithms=members.optional_texts("alg_values_supported", max_items=_MAX_LIST, max_chars=_MAX_NAME),
            encs=members.optional_texts("enc_values_supported", max_items=_MAX_LIST, max_chars=_MAX_NAME),
            required=members.flag("encryption_required", default=True),
        )

    def to_json(self) -> dict[str, Json]:
        """Write either member; which one it is shows in whether there are keys."""
        return without_absent(
            jwks={"keys": [dict(key) for key in self.keys]} if self.keys else None,
            alg_values_supported=list(self.algorithms),
            enc_values_supported=list(self.encs),
        ) | {"encryption_required": self.required}

    def usable_key(self) -> Mapping[str, Json] | None:
        """The first key that we can encrypt for; None if there is none."""
        return next((key for key in self.keys if _is_ours(key) and "kid" in key), None)

    def usable_enc(self) -> str | None:
        """The strongest content encryption that both sides have; None if there is none."""
        return next((enc for enc in reversed(ENCS) if enc in self.encs), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedEncryption:
    """How a wallet wants the response encrypted (§8.2).

    Attributes:
        jwk: the wallet's public P-256 key, made for this request, with `alg` ECDH-ES.
        enc: content encryption, A128GCM or A256GCM.
    """

    jwk: Mapping[str, Json] = field(hash=False)
    enc: str

    @classmethod
    def parse(cls, members: Members) -> Self:
        """Read `credential_response_encryption`; older wallets write `alg` beside the key, which is as good.

        Raises:
            Malformed: it cannot be followed: another algorithm, a private or missing key, compression.
            EncryptionImpossible: the key is no point on its curve.
        """
        jwk = dict(members.object("jwk").entries(max_items=_MAX_LIST))
        jwk.setdefault("alg", members.get("alg"))
        if not _is_ours(jwk):
            raise Malformed(members.named("jwk"), "it is not a public P-256 key with `alg` ECDH-ES")
        read_recipient(jwk)
        enc = members.text("enc", max_chars=_MAX_NAME)
        if enc not in ENCS:
            raise Malformed(members.named("enc"), f"it is none of {' and '.join(ENCS)}")
        if "zip" in members:
            raise Malformed(members.named("zip"), "compression is not supported")
        return cls(jwk=jwk, enc=enc)

    def to_json(self) -> dict[str, Json]:
        """Write the member of a request."""
        return {"jwk": dict(self.jwk), "enc": self.enc}


def read_response_encryption(members: Members) -> WantedEncryption | None:
    """The `credential_response_encryption` of a request, or None when absent."""
    wanted = members.optional_object("credential_response_encryption")
    return WantedEncryption.parse(wanted) if wanted else None


def seal(message: Mapping[str, Json], *, to: Mapping[str, Json], enc: str) -> str:
    """Encrypt a credential request or response (§10); send it as `application/jwt`.

    Raises:
        EncryptionImpossible: the key or `enc` cannot be used.
    """
    return encrypt(dump(dict(message)), to=to, enc=enc)


def unseal(data: bytes, *, keys: Mapping[str, DecryptionKey], max_bytes: int, what: str) -> bytes:
    """Decrypt the body of an encrypted request or response into its JSON text.

    Raises:
        Malformed: it is no such body.
        UnreadableEncryption: it does not open with any of the keys.
    """
    try:
        text = data.decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise Malformed(what, "it is not ASCII") from error
    return decrypt(text, keys=keys, max_bytes=max_bytes, what=what).payload


def _is_ours(jwk: Mapping[str, Json]) -> bool:
    named = (jwk.get("kty"), jwk.get("crv"), jwk.get("alg"))
    return named == ("EC", "P-256", ECDH_ES) and "d" not in jwk


def _read_key(value: Json, what: str) -> Mapping[str, Json]:
    members = Members(value, what=what)
    # §12.2.4: each key must have a `kid`; §10: the message must name the key's `alg`, so it has one.
    members.text("kid", max_chars=256)
    members.text("alg", max_chars=_MAX_NAME)
    return members.entries(max_items=_MAX_LIST)
