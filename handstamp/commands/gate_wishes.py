"""What `handstamp gate add` was asked for, read from its options into what the use case takes."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

import typer

from credentials.errors import Malformed
from credentials.protocols.urls import host_of
from credentials.trust import TrustPolicy
from credentials.trust.errors import UntrustedIssuer
from verifier.gates import Gate, Terms
from verifier.limits import Limit, Monthly, parse_limit
from verifier.proofs import AllOf, Contributed, MemberOf, OwnsRelease, OwnsTrack, Proof, SpeaksFor
from verifier.requirements import ways_in
from verifier.service.add_gate import NewGate, ReleaseAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The options as they were typed; lists may be empty."""

    releases: tuple[str, ...] = ()
    tracks: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    over16: bool = False
    share_class: str | None = None
    artists: tuple[str, ...] = ()
    contributions: tuple[str, ...] = ()
    need_all: bool = False
    opens: str | None = None
    once: bool = False
    per_month: int | None = None
    other_wallets: bool = False
    title: str | None = None
    terms: str | None = None
    package: str = ""

    def read(self, policy: TrustPolicy) -> NewGate:
        """Return the gate that is wished for; `policy` knows the names of co-ops.

        Raises:
            Malformed: an address, an id or a number cannot be read.
            BadParameter: the options do not fit together.
        """
        owned = (*(_release(text) for text in self.releases), *(_track(text) for text in self.tracks))
        return NewGate(
            address=self._opens(owned),
            owned=owned,
            others=self._others(policy),
            need_all=self.need_all,
            limit=self._limit(),
            takes_other_wallets=self.other_wallets,
            title=self.title,
            terms=_terms(self.terms),
            package=self.package,
        )

    def _opens(self, owned: tuple[ReleaseAddress, ...]) -> ReleaseAddress:
        if self.opens is not None:
            return ReleaseAddress.parse(self.opens)
        if len(owned) != 1:
            raise typer.BadParameter(
                "say what opens: --opens https://TRACKSERVER/releases/ID, unless it is the one --release or --track"
            )
        return owned[0]

    def _others(self, policy: TrustPolicy) -> tuple[Proof, ...]:
        if (self.over16 or self.share_class) and not self.members:
            raise typer.BadParameter("--over-16 and --share-class say which members; name their co-op with --member")
        return (*self._members(policy), *map(_artist, self.artists), *self._contributions(policy))

    def _members(self, policy: TrustPolicy) -> list[Proof]:
        return [
            MemberOf.parse(coop, name=_name(coop, policy), over16=self.over16, share_class=self.share_class)
            for coop in self.members
        ]

    def _contributions(self, policy: TrustPolicy) -> list[Proof]:
        split = [text.strip().partition(" ") for text in self.contributions]
        return [Contributed.parse(coop, name=_name(coop, policy), contribution=what.strip()) for coop, _, what in split]

    def _limit(self) -> Limit | None:
        limit = parse_limit(once=self.once, per_month=self.per_month)
        if self.other_wallets and limit is None:
            raise typer.BadParameter("without a limit every wallet is taken; --other-wallets goes with --once")
        return limit


def describe_requirement(gate: Gate) -> str:
    """Say in words whom a gate opens to, to end a sentence that begins with "for who"."""
    joint = " and " if isinstance(gate.requirement, AllOf) else " or "
    proofs = ways_in(gate.requirement, counting=gate.counting is not None)
    numbers = gate.counting is not None and gate.counting.takes_other_wallets
    words = joint.join(_describe(proof, numbers=numbers) for proof in proofs)
    if gate.counting is None:
        return words
    limit = gate.counting.limit
    return f"{words}, {f'{limit.times} times a month' if isinstance(limit, Monthly) else 'once'}"


def _describe(proof: Proof, *, numbers: bool) -> str:
    """Say what one proof is; where `numbers` of copies count, a release's is none of its tracks."""
    match proof:
        case OwnsRelease():
            return f"owns “{proof.title}”" if proof.title else "owns the release"
        case OwnsTrack():
            owns = f"owns “{proof.title}”" if proof.title else "owns the track"
            return owns if numbers else f"{owns} or its release"
        case MemberOf():
            over16 = ", at least 16" if proof.over16 else ""
            return f"is a member of {proof.name}{f' ({proof.share_class})' if proof.share_class else ''}{over16}"
        case SpeaksFor():
            return f"is verified as {proof.name}"
        case Contributed():
            return f"contributed {proof.contribution} to {proof.name}"
        case _:
            assert_never(proof)


def _release(text: str) -> ReleaseAddress:
    address = ReleaseAddress.parse(text)
    if address.track is not None:
        raise typer.BadParameter("--release has no track after a #; use --track for one")
    return address


def _track(text: str) -> ReleaseAddress:
    address = ReleaseAddress.parse(text)
    if address.track is None:
        raise typer.BadParameter("--track needs the track after a #: https://TRACKSERVER/releases/ID#3")
    return address


def _artist(text: str) -> Proof:
    persona, _, name = text.strip().partition(" ")
    return SpeaksFor.parse(persona, name=name.strip() or persona)


def _name(coop: str, policy: TrustPolicy) -> str:
    """Return what people call a co-op: as the site trusts it, else its host."""
    with contextlib.suppress(UntrustedIssuer):
        return policy.issuer_for(coop.rstrip("/")).name
    try:
        return host_of(coop)
    except (Malformed, ValueError):
        return coop


def _terms(given: str | None) -> Terms | None:
    if given is None:
        return None
    with contextlib.suppress(OSError):  # a text may be longer than any file's name
        if Path(given).is_file():
            return Terms.parse(Path(given).read_text("utf-8", "replace"))
    return Terms.parse(given)
