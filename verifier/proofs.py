"""What a gate may want to be shown: that somebody owns, belongs, speaks for or contributed; one of these, or all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from credentials.errors import Malformed
from credentials.protocols.members import check_text
from credentials.protocols.urls import parse_issuer_url

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_PROOFS: Final = 8
"""More ways in, or more to show at once, nobody reads at a gate; a query stays far below what wallets take."""
_MAX_TEXT: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnsRelease:
    """Shows a copy of the release."""

    release_id: str
    title: str = ""
    """What people call it; empty where it is the very thing that opens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnsTrack:
    """Shows a copy of the track, or of the release that holds it."""

    track_id: str
    release_id: str
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberOf:
    """Shows a membership in good standing of one co-op, which that co-op itself vouches for."""

    coop: str
    """The co-op's address, as `iss` and `coop` of its credentials say it."""
    name: str
    over16: bool = False
    share_class: str | None = None

    @classmethod
    def parse(cls, coop: str, *, name: str, over16: bool = False, share_class: str | None = None) -> MemberOf:
        """Check what a site wrote.

        Raises:
            Malformed: it is no address of a co-op, or no class of shares.
        """
        if share_class is not None:
            check_text(share_class, what="share class", max_chars=_MAX_TEXT)
        url = parse_issuer_url(coop, what="address of the co-op")
        return cls(coop=url, name=name, over16=over16, share_class=share_class)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeaksFor:
    """Shows to be the verified artist or label of that persona."""

    persona: str
    name: str

    @classmethod
    def parse(cls, persona: str, *, name: str) -> SpeaksFor:
        """Check what a site wrote.

        Raises:
            Malformed: it is no id of a persona.
        """
        try:
            return cls(persona=str(UUID(persona)), name=name)
        except ValueError as error:
            raise Malformed("persona", "it is not the UUID that the co-op gave it") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributed:
    """Shows a contribution to one co-op, which that co-op itself vouches for."""

    coop: str
    name: str
    contribution: str

    @classmethod
    def parse(cls, coop: str, *, name: str, contribution: str) -> Contributed:
        """Check what a site wrote.

        Raises:
            Malformed: it is no address of a co-op, or says no contribution.
        """
        check_text(contribution, what="contribution", max_chars=_MAX_TEXT)
        return cls(coop=parse_issuer_url(coop, what="address of the co-op"), name=name, contribution=contribution)


Proof = OwnsRelease | OwnsTrack | MemberOf | SpeaksFor | Contributed


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """One of several proofs opens the gate."""

    proofs: tuple[Proof, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf:
    """All of several proofs are needed, in one answer."""

    proofs: tuple[Proof, ...]


Requirement = Proof | AnyOf | AllOf


def combine(proofs: Sequence[Proof], *, need_all: bool) -> Requirement:
    """Return what has to be shown, if these proofs are named.

    Raises:
        Malformed: none is named, or more than anybody reads at a gate.
    """
    if not 1 <= len(proofs) <= MAX_PROOFS:
        raise Malformed("gate", f"it must name 1 to {MAX_PROOFS} things to show")
    if len(proofs) == 1:
        return proofs[0]
    return AllOf(proofs=tuple(proofs)) if need_all else AnyOf(proofs=tuple(proofs))


def proofs_of(requirement: Requirement) -> tuple[Proof, ...]:
    """Return the proofs that a requirement names, in the site's order."""
    return requirement.proofs if isinstance(requirement, AnyOf | AllOf) else (requirement,)
