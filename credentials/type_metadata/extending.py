"""From a type to all that is said of it: its own document, and those that it extends ("Extending Type Metadata")."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from credentials.errors import HandstampError, IssuerError
from credentials.protocols.members import shown
from credentials.sd_jwt.locating import Path, describe
from credentials.type_metadata.documents import ClaimMetadata, Disclosable, TypeDisplay, TypeDocument
from credentials.type_metadata.integrity import check_integrity

MAX_TYPES: Final = 8


class TypeMetadataNeeded(HandstampError):
    """A document that is not at hand. Whoever can fetch it, does so and asks again with it."""

    code = "type_metadata_needed"

    def __init__(self, vct: str) -> None:
        """`vct` is the type whose document is needed: where it is to be had, if it is an address."""
        super().__init__(f"The description of the type {shown(vct, max_chars=120)} is needed and not at hand.")
        self.vct = vct


class OtherType(IssuerError):
    """A document describes another type than the one that refers to it."""

    code = "other_type"

    def __init__(self, wanted: str) -> None:
        super().__init__(f"What was found for the type {shown(wanted, max_chars=120)} describes another type.")


class CircularType(IssuerError):
    """A type that extends itself, directly or by others ("Circular extends Dependencies")."""

    code = "circular_type"

    def __init__(self, vct: str) -> None:
        super().__init__(f"The type {shown(vct, max_chars=120)} extends itself; whoever describes it must mend that.")


class LongTypeChain(IssuerError):
    """A type that extends a type that extends a type, and so on."""

    code = "long_type_chain"

    def __init__(self) -> None:
        super().__init__(f"The type builds on more than {MAX_TYPES - 1} others, which is refused.")


class LoosenedRule(IssuerError):
    """An extending type that says `never` where `always` stood, or makes optional what was mandatory."""

    code = "loosened_rule"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The type loosens what it builds on: {shown(describe(path))} must stay as mandatory and as hidden."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeMetadata:
    """All that is said of a type, its own words and inherited ones.

    Attributes:
        vct: the type.
        extended: the types that it builds on, the nearest first. None of them makes its issuer trusted: who may issue
            what is the trust policy's ("Credential Type Extension and Issuer Authorization").
        name: for developers.
        description: for developers.
        displays: how it is shown to people.
        claims: what is said of claims.
    """

    vct: str
    extended: tuple[str, ...]
    name: str | None
    description: str | None
    displays: tuple[TypeDisplay, ...]
    claims: tuple[ClaimMetadata, ...]


def resolve_type(vct: str, *, integrity: str | None = None, documents: Mapping[str, bytes]) -> TypeMetadata:
    """Put together what is said of a type.

    Args:
        vct: the type, as the credential names it.
        integrity: `vct#integrity` of the credential, if it has one.
        documents: the documents at hand, by type; the bytes as they came, because hashes are taken over them.

    Raises:
        TypeMetadataNeeded: a document is not at hand; it says which.
        WrongIntegrity: a document is not the one that was meant.
        OtherType, CircularType, LongTypeChain, LoosenedRule: the types are not fit to be used.
        Malformed: a document cannot be read.
    """
    chain: list[TypeDocument] = []
    wanted: str | None = vct
    while wanted is not None:
        if any(each.vct == wanted for each in chain):
            raise CircularType(wanted)
        if len(chain) == MAX_TYPES:
            raise LongTypeChain
        document = _take(wanted, integrity, documents)
        chain.append(document)
        wanted, integrity = document.extends, document.extends_integrity
    return _merge(chain)


def _take(vct: str, integrity: str | None, documents: Mapping[str, bytes]) -> TypeDocument:
    if vct not in documents:
        raise TypeMetadataNeeded(vct)
    if integrity is not None:
        check_integrity(documents[vct], integrity, what=f"description of the type {shown(vct, max_chars=120)}")
    document = TypeDocument.parse(documents[vct])
    if document.vct != vct:
        raise OtherType(vct)
    return document


def _merge(chain: list[TypeDocument]) -> TypeMetadata:
    own = chain[0]
    # "Extending Display Metadata": taken whole from the nearest that has any.
    displays = next((document.displays for document in chain if document.displays is not None), ())
    claims: dict[Path, ClaimMetadata] = {}
    for document in reversed(chain):
        for claim in document.claims:
            inherited = claims.get(claim.path)
            claims[claim.path] = claim if inherited is None else _override(inherited, claim)
    return TypeMetadata(
        vct=own.vct,
        extended=tuple(document.vct for document in chain[1:]),
        name=own.name,
        description=own.description,
        displays=displays,
        claims=tuple(claims.values()),
    )


def _override(inherited: ClaimMetadata, own: ClaimMetadata) -> ClaimMetadata:
    # "Extending Claim Metadata": the child's properties win, but may only tighten `sd` and `mandatory`.
    fixed = inherited.sd in (Disclosable.ALWAYS, Disclosable.NEVER)
    if (fixed and own.sd not in (None, inherited.sd)) or (inherited.mandatory and own.mandatory is False):
        raise LoosenedRule(own.path)
    return replace(
        inherited,
        labels=own.labels or inherited.labels,
        mandatory=inherited.mandatory if own.mandatory is None else own.mandatory,
        sd=own.sd or inherited.sd,
        svg_id=own.svg_id or inherited.svg_id,
    )
