"""What an offer brings, told before anything is used up: our own types, whose shape this wallet knows, and others'."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import schemas
from credentials.protocols.openid4vci import SD_JWT_VC, CredentialConfiguration, NoSuchConfiguration
from schemas import CredentialType
from wallet import words
from wallet.desk import Desk

_OUR_ALGORITHM: Final = "ES256"
_BOUND_TO_A_KEY: Final = frozenset({"jwk"})
_MAX_NAME: Final = 80
FOREIGN_WARNING: Final = (
    "this wallet does not know such things. It can keep and show one, but cannot tell whether something in it marks "
    "you, so that whoever sees it knows you again."
)
"""What a listener hears before a type that is none of ours is received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKind:
    """A type that is none of ours: it can be kept and shown, but not compared with others of its kind.

    Attributes:
        vct: its type identifier.
        name: what the issuer calls it. Foreign text.
    """

    vct: str
    name: str


Kind = CredentialType | ForeignKind


class CannotKeep(Exception):
    """Why one thing of an offer cannot be kept; the words of `NothingOffered` and of the command are made of it."""


def find_kinds(desk: Desk, configuration_ids: Iterable[str]) -> tuple[dict[str, Kind], dict[str, str]]:
    """Return what can be kept, by the co-op's name for it, and why each other thing cannot."""
    kinds: dict[str, Kind] = {}
    left_out: dict[str, str] = {}
    for each in configuration_ids:
        try:
            kinds[each] = kind_of(desk.metadata.configuration(each))
        except (CannotKeep, NoSuchConfiguration) as reason:
            left_out[each] = str(reason).rstrip(".")
    return kinds, left_out


def kind_of(configuration: CredentialConfiguration) -> Kind:
    """Return what a configuration brings.

    Raises:
        CannotKeep: nothing that this wallet can ask for, keep or show.
    """
    if configuration.format != SD_JWT_VC or configuration.vct is None:
        raise CannotKeep(f"{_name_of(configuration)} comes in a form that this wallet does not know")
    if configuration.key_attestation_required:
        raise CannotKeep(f"{_name_of(configuration)} demands proof of where your keys lie, which this wallet has not")
    if not _BOUND_TO_A_KEY & set(configuration.binding_methods):
        raise CannotKeep(f"{_name_of(configuration)} would be anybody's who copies it")
    if _OUR_ALGORITHM not in configuration.proof_algorithms:
        raise CannotKeep(f"{_name_of(configuration)} takes no key of the kind that this wallet makes")
    known = schemas.BY_VCT.get(configuration.vct)
    return known or ForeignKind(vct=configuration.vct, name=_name_of(configuration))


def kind_in_words(kind: Kind) -> str:
    """Return what something brings, such as "a track"."""
    return words.kind_of_type(kind.configuration_id) if isinstance(kind, CredentialType) else f"“{kind.name}”"


def _name_of(configuration: CredentialConfiguration) -> str:
    names = [display.name for display in configuration.displays if display.name]
    return words.plain(names[0] if names else configuration.id)[:_MAX_NAME]
