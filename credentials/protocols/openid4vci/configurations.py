"""Credential configurations (OpenID4VCI 1.0 §12.2.4): one kind of credential that an issuer issues, and its labels."""

from dataclasses import dataclass
from typing import Final, Self

from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.protocols.members import Members, check_text, without_absent
from credentials.protocols.openid4vci.commitments import PROOF_TYPE as COMMITMENT
from credentials.protocols.openid4vci.forms import LDP_VC, SD_JWT_VC
from credentials.protocols.paths import Path, read_path

_MAX_DISPLAYS: Final = 64
_MAX_CLAIMS: Final = 256
_MAX_LIST: Final = 32
_MAX_NAME: Final = 256
_MAX_LABEL: Final = 512
_PROOF_ALGORITHMS: Final = "proof_signing_alg_values_supported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """How something is called in one language, and how it looks. All of it is foreign text: escape before showing."""

    name: str | None = None
    locale: str | None = None
    description: str | None = None
    background_color: str | None = None
    text_color: str | None = None
    logo_uri: str | None = None
    logo_alt_text: str | None = None

    @classmethod
    def parse(cls, value: Json, what: str) -> Self:
        """Read one element of a `display` array."""
        members = Members(value, what=what)
        logo = members.optional_object("logo")
        return cls(
            name=members.optional_text("name", max_chars=_MAX_LABEL),
            locale=members.optional_text("locale", max_chars=64),
            description=members.optional_text("description"),
            background_color=members.optional_text("background_color", max_chars=64),
            text_color=members.optional_text("text_color", max_chars=64),
            # A `data:` URI may hold the whole picture.
            logo_uri=logo.text("uri", max_chars=262_144) if logo else None,
            logo_alt_text=logo.optional_text("alt_text", max_chars=_MAX_LABEL) if logo else None,
        )

    def to_json(self) -> dict[str, Json]:
        """Write one element of a `display` array."""
        return without_absent(
            name=self.name,
            locale=self.locale,
            description=self.description,
            background_color=self.background_color,
            text_color=self.text_color,
            logo=without_absent(uri=self.logo_uri, alt_text=self.logo_alt_text),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimDescription:
    """One claim of a credential and its labels (App. B.2)."""

    path: Path
    mandatory: bool = False
    displays: tuple[Display, ...] = ()

    @classmethod
    def parse(cls, value: Json, what: str) -> Self:
        """Read one element of a `claims` array."""
        members = Members(value, what=what)
        return cls(
            path=read_path(members),
            mandatory=members.flag("mandatory", default=False),
            displays=read_displays(members),
        )

    def to_json(self) -> dict[str, Json]:
        """Write one element of a `claims` array."""
        return without_absent(
            path=list(self.path),
            mandatory=self.mandatory or None,
            display=[display.to_json() for display in self.displays],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialConfiguration:
    """One kind of credential that an issuer issues.

    Attributes:
        id: its name in offers and requests.
        format: such as `dc+sd-jwt`; any is read, also one that nobody here can receive.
        vct: the type of an SD-JWT VC; None in other formats.
        contexts: the `@context` of a linked credential (App. A.1.3.2); empty in other formats.
        types: its `type`, likewise.
        scope: to ask for it by scope.
        binding_methods: such as `jwk`; empty when the credential is bound to no key.
        signing_algorithms: of the issuer, JOSE names (COSE numbers are left out).
        proof_algorithms: of key proofs of type `jwt`; empty when these are not taken.
        attestation_algorithms: of proofs of type `attestation`; empty when these are not taken.
        commitment_algorithms: of proofs of our type `bbs2023_commitment`; empty when these are not taken.
        key_attestation_required: in key proofs of type `jwt`.
        displays: how it looks, by language.
        claims: what is in it.
    """

    id: str
    format: str = SD_JWT_VC
    vct: str | None = None
    contexts: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    scope: str | None = None
    binding_methods: tuple[str, ...] = ("jwk",)
    signing_algorithms: tuple[str, ...] = ("ES256",)
    proof_algorithms: tuple[str, ...] = ("ES256",)
    attestation_algorithms: tuple[str, ...] = ()
    commitment_algorithms: tuple[str, ...] = ()
    key_attestation_required: bool = False
    displays: tuple[Display, ...] = ()
    claims: tuple[ClaimDescription, ...] = ()

    @classmethod
    def parse(cls, configuration_id: str, value: Json) -> Self:
        """Read one member of `credential_configurations_supported`."""
        members = Members(value, what="credential configuration")
        format_ = members.text("format", max_chars=64)
        proofs = members.optional_object("proof_types_supported")
        jwt = proofs.optional_object("jwt") if proofs else None
        labels = members.optional_object("credential_metadata")
        algorithms = members.optional_array("credential_signing_alg_values_supported", _read_any, max_items=_MAX_LIST)
        contexts, types = _read_definition(members, format_)
        return cls(
            id=configuration_id,
            format=format_,
            contexts=contexts,
            types=types,
            vct=members.text("vct") if format_ == SD_JWT_VC else members.optional_text("vct"),
            scope=members.optional_text("scope", max_chars=_MAX_NAME),
            binding_methods=members.optional_texts("cryptographic_binding_methods_supported", max_items=_MAX_LIST),
            signing_algorithms=tuple(name for name in algorithms if isinstance(name, str)),
            proof_algorithms=_read_proof_type(proofs, "jwt"),
            attestation_algorithms=_read_proof_type(proofs, "attestation"),
            commitment_algorithms=_read_proof_type(proofs, COMMITMENT),
            key_attestation_required=jwt is not None and "key_attestations_required" in jwt,
            displays=read_displays(labels) if labels else (),
            claims=labels.optional_array("claims", ClaimDescription.parse, max_items=_MAX_CLAIMS) if labels else (),
        )

    def to_json(self) -> dict[str, Json]:
        """Write one member of `credential_configurations_supported`."""
        jwt = _proof_type(self.proof_algorithms)
        if jwt and self.key_attestation_required:
            jwt["key_attestations_required"] = {}
        proofs = {
            "jwt": jwt,
            "attestation": _proof_type(self.attestation_algorithms),
            COMMITMENT: _proof_type(self.commitment_algorithms),
        }
        definition: dict[str, Json] = {"@context": list(self.contexts), "type": list(self.types)}
        labels = without_absent(
            display=[display.to_json() for display in self.displays],
            claims=[claim.to_json() for claim in self.claims],
        )
        return without_absent(
            format=self.format,
            vct=self.vct,
            scope=self.scope,
            cryptographic_binding_methods_supported=list(self.binding_methods),
            credential_signing_alg_values_supported=list(self.signing_algorithms),
            proof_types_supported=without_absent(**proofs),
            credential_definition=definition if self.types else None,
            credential_metadata=labels,
        )


def read_displays(members: Members) -> tuple[Display, ...]:
    """The `display` array of an object, empty when absent."""
    return members.optional_array("display", Display.parse, max_items=_MAX_DISPLAYS)


def _read_any(value: Json, what: str) -> Json:
    if not isinstance(value, str | int):
        raise Malformed(what, "it is neither a name nor a number")
    return value


def _read_proof_type(proofs: Members | None, name: str) -> tuple[str, ...]:
    described = proofs.optional_object(name) if proofs else None
    return described.texts(_PROOF_ALGORITHMS, max_items=_MAX_LIST) if described else ()


def _read_definition(members: Members, format_: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The contexts and types of a linked credential; a context that is an object is left out."""
    definition = members.optional_object("credential_definition") if format_ == LDP_VC else None
    if definition is None:
        return (), ()
    contexts = definition.optional_array("@context", _read_context, max_items=_MAX_LIST)
    return tuple(each for each in contexts if each is not None), definition.texts("type", max_items=_MAX_LIST)


def _read_context(value: Json, what: str) -> str | None:
    return None if isinstance(value, dict) else check_text(value, what=what)


def _proof_type(algorithms: tuple[str, ...]) -> dict[str, Json]:
    return {_PROOF_ALGORITHMS: list(algorithms)} if algorithms else {}
