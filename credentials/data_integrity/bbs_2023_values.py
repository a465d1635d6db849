"""What proofs of the suite bbs-2023 hold, and how that is written (vc-di-bbs §3.3).

The proofs with pseudonyms here follow a newer draft than the suite's test vectors, and no text says which is meant. So
ours end with a component that names the draft; whoever does not know it refuses the number of components
(docs/divergences.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Self

from credentials.bbs import BbsPublicKey
from credentials.data_integrity.proof_values import (
    MAX_INDEXES,
    MAX_PROOF_BYTES,
    WHAT,
    read_bytes,
    read_components,
    read_count,
    read_indexes,
    read_label_map,
    read_pointers,
    read_text,
    read_value,
    write_value,
)
from credentials.data_integrity.statements import HMAC_KEY_BYTES
from credentials.encoding.cbor import Cbor, Encodable
from credentials.errors import Malformed

VERSION: Final = "cfrg-bbs-pseudonyms-03"
"""The draft that our pseudonyms follow."""
SIGNATURE_BYTES: Final = 80
HEADER_BYTES: Final = 64
ENTROPY_BYTES: Final = 32
PSEUDONYM_BYTES: Final = 48
MAX_DOMAIN_CHARACTERS: Final = 1_024
_KEY_BYTES: Final = 96


class Feature(Enum):
    """What a signature holds beside the statements; the value is the third byte of a base proof."""

    BASELINE = 0x02
    HOLDER_BINDING = 0x04
    PSEUDONYM = 0x06
    HOLDER_BINDING_PSEUDONYM = 0x08

    @property
    def derived(self) -> int:
        """The third byte of a derived proof."""
        return self.value + 1

    @property
    def has_pseudonym(self) -> bool:
        """Whether every showing makes a pseudonym."""
        return self in {Feature.PSEUDONYM, Feature.HOLDER_BINDING_PSEUDONYM}

    @property
    def has_holder_secret(self) -> bool:
        """Whether nobody can show it without a secret of the holder that stands for nothing else."""
        return self in {Feature.HOLDER_BINDING, Feature.HOLDER_BINDING_PSEUDONYM}


_BY_BASE: Final = {feature.value: feature for feature in Feature}
_BY_DERIVED: Final = {feature.derived: feature for feature in Feature}


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseValue:
    """What a base proof holds (§3.3.1). It is for the holder alone."""

    feature: Feature
    signature: bytes = field(repr=False)
    header: bytes = field(repr=False)
    """The hash of the proof's options and that of what is always shown, as they were signed."""
    public_key: BbsPublicKey
    hmac_key: bytes = field(repr=False)
    mandatory: tuple[str, ...]
    entropy: bytes | None = field(repr=False, default=None)
    """The issuer's part of the secret behind the pseudonyms."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the value of a base proof.

        Raises:
            Malformed: it is none, or follows another draft on pseudonyms.
        """
        kind, components = read_value(text, _BY_BASE)
        feature = _BY_BASE[kind]
        read_components(components, 7 if feature.has_pseudonym else 5)
        if feature.has_pseudonym:
            _check_version(components[6])
        return cls(
            feature=feature,
            signature=read_bytes(components[0], SIGNATURE_BYTES),
            header=read_bytes(components[1], HEADER_BYTES),
            public_key=BbsPublicKey.parse(read_bytes(components[2], _KEY_BYTES), what="key in the proof"),
            hmac_key=read_bytes(components[3], HMAC_KEY_BYTES),
            mandatory=read_pointers(components[4]),
            entropy=read_bytes(components[5], ENTROPY_BYTES) if feature.has_pseudonym else None,
        )

    def write(self) -> str:
        """Write it as the value of a proof."""
        components: list[Encodable] = [self.signature, self.header, self.public_key.data, self.hmac_key, self.mandatory]
        if self.feature.has_pseudonym:
            components += [self.entropy, VERSION]
        return write_value(self.feature.value, components)


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedValue:
    """What a derived proof holds (§3.3.6)."""

    feature: Feature
    proof: bytes = field(repr=False)
    label_map: Mapping[str, str]
    mandatory_indexes: tuple[int, ...]
    selective_indexes: tuple[int, ...]
    presentation_header: bytes
    nym_domain: str | None = None
    pseudonym: bytes | None = None
    message_count: int | None = None
    """How many statements may be hidden in all; None in the baseline, where the proof's length says it."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the value of a derived proof.

        Raises:
            Malformed: it is none, or follows another draft on pseudonyms.
        """
        kind, components = read_value(text, _BY_DERIVED)
        feature = _BY_DERIVED[kind]
        read_components(components, _derived_length(feature))
        nym_domain = pseudonym = count = None
        if feature is not Feature.BASELINE:
            count = read_count(components[7 if feature.has_pseudonym else 5], most=MAX_INDEXES)
        if feature.has_pseudonym:
            nym_domain = read_text(components[5], max_characters=MAX_DOMAIN_CHARACTERS)
            pseudonym = read_bytes(components[6], PSEUDONYM_BYTES)
            _check_version(components[8])
        return cls(
            feature=feature,
            proof=read_bytes(components[0], max_bytes=MAX_PROOF_BYTES),
            label_map=read_labels(components[1]),
            mandatory_indexes=read_indexes(components[2]),
            selective_indexes=read_indexes(components[3]),
            presentation_header=read_bytes(components[4]),
            nym_domain=nym_domain,
            pseudonym=pseudonym,
            message_count=count,
        )

    def write(self) -> str:
        """Write it as the value of a proof."""
        labels = {
            int(found.removeprefix("c14n")): int(label.removeprefix("b")) for found, label in self.label_map.items()
        }
        indexes = (self.mandatory_indexes, self.selective_indexes)
        components: list[Encodable] = [self.proof, labels, *indexes, self.presentation_header]
        if self.feature.has_pseudonym:
            components += [self.nym_domain, self.pseudonym]
        if self.feature is not Feature.BASELINE:
            components.append(self.message_count)
        if self.feature.has_pseudonym:
            components.append(VERSION)
        return write_value(self.feature.derived, components)


def read_labels(component: Cbor) -> dict[str, str]:
    """Read a compressed label map (§3.3.5).

    Raises:
        Malformed: it is no map from numbers to numbers.
    """
    labels = read_label_map(component)
    return {f"c14n{found}": f"b{read_count(label, most=MAX_INDEXES)}" for found, label in labels.items()}


def _derived_length(feature: Feature) -> int:
    if feature.has_pseudonym:
        return 9
    return 5 if feature is Feature.BASELINE else 6


def _check_version(component: Cbor) -> None:
    if component != VERSION:
        raise Malformed(WHAT, "its pseudonyms follow another draft than the one that is read here")
