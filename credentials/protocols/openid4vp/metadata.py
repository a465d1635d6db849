"""What verifier and wallet say of themselves (OpenID4VP 1.0 §5.1, §10, §11.1), and to which key an answer goes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Self

from credentials.encoding.strict_json import Json
from credentials.errors import HandstampError, Malformed
from credentials.keys.encryption import KEY_AGREEMENT, read_recipient
from credentials.protocols.dcql import LDP_VC, SD_JWT_VC
from credentials.protocols.members import Members, without_absent
from credentials.protocols.openid4vp.errors import FormatsNotSupported, NoUsableEncryption

ISSUER_ALGORITHMS: Final = ("ES256", "ES384", "Ed25519")
"""What a credential may be signed with, under the fully specified names that §B.3.4 asks for."""
HOLDER_ALGORITHMS: Final = ("ES256",)
"""What our wallet signs with, always: another algorithm would tell its owner from others."""
# The strongest first. §8.3: A128GCM is what is meant when nothing is said.
ENCRYPTIONS: Final = ("A256GCM", "A128GCM")
PROOF_TYPE: Final = "DataIntegrityProof"
LINKED_SUITES: Final = ("bbs-2023",)
"""The cryptosuites of the linked credentials that our wallet shows (§B.1.3.2)."""
_POINT: Final = ("kty", "crv", "x", "y")
# The older, less specific name of Ed25519 (RFC 8037).
_SAME: Final = {"EdDSA": "Ed25519"}
_MAX_KEYS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerEncryption:
    """To whom an answer is encrypted, and how (§8.3).

    Attributes:
        key: the verifier's public key, a JWK on P-256 for ECDH-ES.
        enc: how the content is encrypted.
    """

    key: Mapping[str, Json]
    enc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMetadata:
    """What the verifier says about itself. All of it is foreign text: escape before showing.

    Attributes:
        client_name: what it calls itself; nothing vouches for it.
        sd_jwt_algorithms: what the issuer may have signed with; empty for any.
        kb_jwt_algorithms: what the holder may sign with; empty for any.
        takes_sd_jwt: whether it reads SD-JWT VCs.
        linked_suites: the cryptosuites of linked credentials (`ldp_vc`) that it reads; empty for any, None if it reads
            no linked credential.
        encryption_keys: public keys on P-256 that an answer can be encrypted to (ECDH-ES).
        encryption_encs: how its content may be encrypted.
    """

    client_name: str | None = None
    sd_jwt_algorithms: tuple[str, ...] = ISSUER_ALGORITHMS
    kb_jwt_algorithms: tuple[str, ...] = ISSUER_ALGORITHMS
    takes_sd_jwt: bool = True
    linked_suites: tuple[str, ...] | None = None
    encryption_keys: tuple[Mapping[str, Json], ...] = ()
    encryption_encs: tuple[str, ...] = ("A128GCM",)

    @classmethod
    def read(cls, members: Members) -> Self:
        """Read `client_metadata`.

        `vp_formats` and `authorization_encrypted_response_enc`, names of older drafts, are read where the new ones are
        missing, and so is a key that does not repeat its algorithm. Keys of other kinds are passed over (§8.3).

        Raises:
            FormatsNotSupported: the verifier takes nothing that this kernel could make.
        """
        formats = members.optional_object("vp_formats_supported") or members.optional_object("vp_formats")
        ours = formats.optional_object(SD_JWT_VC) if formats else None
        read = cls(
            client_name=members.optional_text("client_name", max_chars=256),
            sd_jwt_algorithms=ours.optional_texts("sd-jwt_alg_values", max_items=64) if ours else (),
            kb_jwt_algorithms=ours.optional_texts("kb-jwt_alg_values", max_items=64) if ours else (),
            takes_sd_jwt=formats is None or ours is not None,
            linked_suites=_read_suites(formats) if formats else (),
            encryption_keys=_read_keys(members),
            encryption_encs=_read_encs(members),
        )
        if read.kb_jwt_algorithms and not set(HOLDER_ALGORITHMS) & set(read.kb_jwt_algorithms):
            read = replace(read, takes_sd_jwt=False)
        if not any(read.takes_issuer(each) for each in ISSUER_ALGORITHMS):
            read = replace(read, takes_sd_jwt=False)
        if not read.takes_sd_jwt and not any(read.takes_suite(each) for each in LINKED_SUITES):
            raise FormatsNotSupported
        return read

    def to_json(self) -> dict[str, Json]:
        """Write `client_metadata`, under the final names only."""
        named = {"sd-jwt_alg_values": self.sd_jwt_algorithms, "kb-jwt_alg_values": self.kb_jwt_algorithms}
        algorithms = without_absent(**{name: list[Json](values) for name, values in named.items()})
        formats: dict[str, Json] = {SD_JWT_VC: algorithms} if self.takes_sd_jwt else {}
        if self.linked_suites is not None:
            named = {"proof_type_values": (PROOF_TYPE,), "cryptosuite_values": self.linked_suites}
            formats[LDP_VC] = without_absent(**{name: list[Json](values) for name, values in named.items()})
        written = without_absent(client_name=self.client_name) | {"vp_formats_supported": formats}
        if self.encryption_keys:
            written["jwks"] = {"keys": [dict(key) for key in self.encryption_keys]}
            written["encrypted_response_enc_values_supported"] = list[Json](self.encryption_encs)
        return written

    def takes_issuer(self, algorithm: str) -> bool:
        """Whether the verifier reads a credential that an issuer signed with `algorithm`."""
        named = {_SAME.get(each, each) for each in self.sd_jwt_algorithms}
        return self.takes_sd_jwt and (not named or _SAME.get(algorithm, algorithm) in named)

    def takes_suite(self, cryptosuite: str) -> bool:
        """Whether the verifier reads linked credentials that are secured in this way."""
        return self.linked_suites is not None and (not self.linked_suites or cryptosuite in self.linked_suites)

    def choose_encryption(self) -> AnswerEncryption:
        """The first key that can be used, and the strongest encryption that both know (§8.3).

        Raises:
            NoUsableEncryption: there is none.
        """
        enc = next((each for each in ENCRYPTIONS if each in self.encryption_encs), None)
        if not self.encryption_keys or enc is None:
            raise NoUsableEncryption
        return AnswerEncryption(key=self.encryption_keys[0], enc=enc)


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletMetadata:
    """What a wallet says about itself when it fetches a request by POST (§5.10, §10).

    Attributes:
        formats: identifiers of the credential formats that it has.
        client_id_prefixes: the prefixes that it can check.
        encryption_encs: how it can encrypt an answer; empty if it does not say.
        request_algorithms: what a request may be signed with; empty if it does not say.
    """

    formats: frozenset[str]
    client_id_prefixes: frozenset[str] = frozenset({"pre-registered"})
    encryption_encs: tuple[str, ...] = ()
    request_algorithms: tuple[str, ...] = ()

    @classmethod
    def read(cls, members: Members) -> Self:
        """Read `wallet_metadata`; `vp_formats`, as older drafts called it, is read where the new name is missing."""
        formats = members.optional_object("vp_formats_supported") or members.optional_object("vp_formats")
        if formats is None:
            raise Malformed(members.what, "`vp_formats_supported` is missing")
        prefixes = members.optional_texts("client_id_prefixes_supported", max_items=32)
        return cls(
            formats=frozenset(formats.entries(max_items=64)),
            client_id_prefixes=frozenset(prefixes or ("pre-registered",)),
            encryption_encs=members.optional_texts("authorization_encryption_enc_values_supported", max_items=32),
            request_algorithms=members.optional_texts("request_object_signing_alg_values_supported", max_items=32),
        )


OUR_WALLET: Final[Mapping[str, Json]] = {
    "authorization_endpoint": "openid4vp:",
    "response_types_supported": ["vp_token"],
    "response_modes_supported": ["direct_post", "direct_post.jwt"],
    "vp_formats_supported": {
        "dc+sd-jwt": {
            "sd-jwt_alg_values": list[Json](ISSUER_ALGORITHMS),
            "kb-jwt_alg_values": list[Json](HOLDER_ALGORITHMS),
        },
        "ldp_vc": {"proof_type_values": [PROOF_TYPE], "cryptosuite_values": list[Json](LINKED_SUITES)},
    },
    "client_id_prefixes_supported": ["x509_san_dns", "x509_hash", "decentralized_identifier", "redirect_uri"],
    "request_object_signing_alg_values_supported": list[Json](ISSUER_ALGORITHMS),
    "authorization_encryption_alg_values_supported": [KEY_AGREEMENT],
    "authorization_encryption_enc_values_supported": list[Json](ENCRYPTIONS),
}
"""`wallet_metadata` of our wallet: the same bytes from everybody, at every site, so that it tells nobody from another
(§15.6). It changes only with a release that can do something else."""


def _read_suites(formats: Members) -> tuple[str, ...] | None:
    linked = formats.optional_object(LDP_VC)
    if linked is None:
        return None
    # §B.1.3.2.3: a list of proof types, if there is one, must hold ours; suites of other proof types say nothing.
    kinds = linked.optional_texts("proof_type_values", max_items=64)
    if kinds and PROOF_TYPE not in kinds:
        return None
    return linked.optional_texts("cryptosuite_values", max_items=64)


def _read_keys(members: Members) -> tuple[Mapping[str, Json], ...]:
    jwks = members.optional_object("jwks")
    keys = (
        jwks.optional_array("keys", lambda value, what: Members(value, what=what), max_items=_MAX_KEYS) if jwks else ()
    )
    return tuple(usable for key in keys if (usable := _read_key(key)) is not None)


def _read_key(key: Members) -> Mapping[str, Json] | None:
    """Return a key that an answer can be encrypted to, cut down to what matters for it; None for any other key.

    §8.3: `use` absent or `enc`, `alg` that of the agreement.
    """
    if key.get("use") not in (None, "enc") or key.get("alg") not in (None, KEY_AGREEMENT):
        return None
    point = {name: key.get(name) for name in _POINT}
    try:
        # Here rather than when the answer is made: by then an instance would be used up for nothing.
        read_recipient({**point, **({"d": ""} if "d" in key else {})})
    except HandstampError:
        return None
    kid = key.optional_text("kid", max_chars=256)
    return {**point, "use": "enc", "alg": KEY_AGREEMENT} | without_absent(kid=kid)


def _read_encs(members: Members) -> tuple[str, ...]:
    older = members.optional_text("authorization_encrypted_response_enc", max_chars=64)
    return (
        members.optional_texts("encrypted_response_enc_values_supported", max_items=32)
        or ((older,) if older else ())
        or ("A128GCM",)
    )
