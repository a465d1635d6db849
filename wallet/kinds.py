"""What an offer brings, told before anything is used up: our own types, whose shape this wallet knows, and others'."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import schemas
from credentials.protocols.openid4vci import SD_JWT_VC, CredentialConfiguration, NoSuchConfiguration
from credentials.protocols.openid4vci.forms import BBS_2023, DOOR_PASS, EDDSA_RDFC_2022, LDP_VC, split_name
from schemas import CredentialType
from schemas.linked import CONTEXTS
from schemas.types import BY_LDP_TYPE
from wallet import words
from wallet.desk import Desk
from wallet.linked import LinkedKind

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


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedForm:
    """One of our types in a form that is shown by proofs instead of being used up.

    Attributes:
        type: what it says.
        kind: in which of the forms.
    """

    type: CredentialType
    kind: LinkedKind


Kind = CredentialType | LinkedForm | ForeignKind


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
    if linked := _linked_form(configuration):
        return linked
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
    """Return what something brings, such as "a track", in whichever form."""
    match kind:
        case ForeignKind():
            return f"“{kind.name}”"
        case LinkedForm():
            return words.kind_of_type(kind.type.configuration_id)
        case CredentialType():
            return words.kind_of_type(kind.configuration_id)


def _linked_form(configuration: CredentialConfiguration) -> LinkedForm | None:
    """Return which of our types a configuration brings as what, if it is one that is shown by proofs."""
    known, kind = _known_type(configuration), _linked_kind(configuration)
    return LinkedForm(type=known, kind=kind) if known and kind else None


def _known_type(configuration: CredentialConfiguration) -> CredentialType | None:
    if configuration.format == DOOR_PASS:
        return schemas.BY_CONFIGURATION.get(split_name(configuration.id)[0])
    known = BY_LDP_TYPE.get(configuration.types[-1]) if configuration.types else None
    same = known and (configuration.contexts, configuration.types) == (CONTEXTS, known.ldp_types)
    return known if same else None


def _linked_kind(configuration: CredentialConfiguration) -> LinkedKind | None:
    commits = configuration.commitment_algorithms
    if commits and _OUR_ALGORITHM not in commits:
        return None
    match configuration.format, configuration.signing_algorithms:
        case (format_, _) if format_ == DOOR_PASS:
            return LinkedKind.DOOR if commits else None
        case (format_, signing) if format_ == LDP_VC and BBS_2023 in signing:
            return LinkedKind.PSEUDONYM if commits else LinkedKind.BASELINE
        case (format_, signing) if format_ == LDP_VC and EDDSA_RDFC_2022 in signing:
            return LinkedKind.SIGNED
        case _:
            return None


def _name_of(configuration: CredentialConfiguration) -> str:
    names = [display.name for display in configuration.displays if display.name]
    return words.plain(names[0] if names else configuration.id)[:_MAX_NAME]
