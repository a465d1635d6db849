"""Forty holders with credentials of each type, over the kernel alone: they differ in all that holders may differ in.

Each shows what they have twice at one gate and twice at another. What is recorded of a holder: everything that the
co-op knows of them and gave them. What is recorded of a redemption: what the gate asked and what it was shown.
"""

from __future__ import annotations

import random
import secrets
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from credentials.bbs import BbsSecretKey, ProverNym, commit_nym, draw_entropy
from credentials.bbs.nym_vectors import context_point
from credentials.data_integrity import bbs_2023
from credentials.data_integrity.bbs_2023_values import Feature
from credentials.dids import type_key_url
from credentials.door_pass import Limit, PassContent, issue_door_pass, month_of, open_door_pass, show_door_pass, slot_of
from credentials.linked_credential import MANDATORY_POINTERS, build_linked_credential, claim_pointers
from credentials.months import start_of_month
from credentials.protocols.openid4vp import build_presentation_header
from credentials.trust import TrustedIssuer, TrustPolicy
from schemas import (
    ALL,
    CONTRIBUTION,
    COOP_MEMBERSHIP,
    NOT_KNOWN,
    RELEASE_OWNERSHIP,
    TRACK_OWNERSHIP,
    VERIFIED_ARTIST,
    CredentialType,
    pad_catalogue,
)
from tests.support.leaves import leaves
from tests.support.linking import Redemption, without_common

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from credentials.data_integrity.bbs_2023 import BaseCredential
    from credentials.door_pass import HeldDoorPass
    from credentials.encoding.strict_json import Json
    from tests.support.leaves import Leaf

HOLDERS = 40
VISITS = (1, 2)
VISITS_OF_EACH = 4
AT = datetime(2026, 11, 21, 20, 0, 10, tzinfo=UTC)
COOP = "https://coop.example"
DID = "did:web:coop.example"
GATES = ("https://artist.example/gates/1", "https://venue.example/gates/7")
SHOWN = {
    TRACK_OWNERSHIP: ("track",),
    RELEASE_OWNERSHIP: ("release",),
    COOP_MEMBERSHIP: ("coop", "standing"),
    VERIFIED_ARTIST: ("kind", "vouchedBy"),
    CONTRIBUTION: ("coop", "contribution"),
}
"""What a gate for everybody asks for. A persona is a name: a gate that asks for it knows who comes."""


def claims_of(kind: CredentialType, holder: int) -> dict[str, str]:
    """Return what a credential says of a holder; beside what is shown they differ in whatever they may."""
    own = {
        "acquisition": ("purchase", "stream_to_own", "gift", "code")[holder % 4],
        "acquired": f"{2019 + holder % 8}-{1 + holder % 12:02}",
        "shareClass": ("listener", "artist", "worker")[holder % 3],
        "over16": ("true", "false", NOT_KNOWN)[holder % 3],
        "since": str(2015 + holder % 11),
        "persona": f"6a1f5c3e-8b7d-4c2a-9e10-4f5d6c7b{holder:04}",
        "vouching": "met in person" if holder % 2 else "a label that has known them for a long time said so",
        "catalogue": pad_catalogue(f"9d0f6a1e-2c53-4a4f-8f7d-1a2b3c4d{count:04}" for count in range(1 + holder)),
        "role": ("translator", NOT_KNOWN, "stage hand")[holder % 3],
        "period": f"2026-{1 + holder % 11:02}",
    }
    if kind is VERIFIED_ARTIST:
        own["name"] = "The Long Way Home"[: 3 + holder % 14] + f" {holder}"
    return {name: own.get(name, str(kind.example[name])) for name in kind.linked_claim_names}


def person(holder: int) -> dict[str, str]:
    """Return what a co-op's register says of a holder, and no credential."""
    name = f"{('Quillon', 'Ulfrun', 'Ishbel', 'Oriel')[holder % 4]} Canary{'bird' * (1 + holder % 3)}{holder}"
    return {"name": name, "email": f"{name.replace(' ', '.')}@canary.example", "birthDate": f"{1950 + holder}-03-29"}


@dataclass
class Recorded:
    """What all parties know in the end.

    Attributes:
        redemptions: what gates got.
        issuance: what the co-op knows and gave, for each holder.
        operations: how often which function of the kernel and of its libraries ran to make what was shown; not for the
            first holder, who finds all caches empty.
    """

    redemptions: list[Redemption] = field(default_factory=list)
    issuance: dict[str, list[Leaf]] = field(default_factory=dict)
    operations: list[Counter[str]] = field(default_factory=list)

    def note(self, holder: int, gate: str, visit: int, got: Mapping[str, object]) -> None:
        self.redemptions.append(Redemption(holder=holder, gate=gate, visit=visit, leaves=tuple(leaves(got))))

    def make(self, holder: int, work: Callable[[], Any]) -> Any:
        """Let a holder make what is shown; the first time, count the work."""
        if len(self.redemptions) % VISITS_OF_EACH:
            return work()
        made, counted = counting_operations(work)
        if holder:
            self.operations.append(counted)
        return made

    @cached_property
    def telling(self) -> list[Redemption]:
        """What is not the same in everybody's redemptions at a gate."""
        return without_common(self.redemptions)

    def pile(self, gate: str, visit: int) -> list[Redemption]:
        """Return one redemption of each holder."""
        return [each for each in self.telling if (each.gate, each.visit) == (gate, visit)]


@dataclass
class KernelCoop:
    """Signs for the crowd; a test changes `build` and `options` to what co-ops elsewhere do."""

    key: BbsSecretKey = field(default_factory=BbsSecretKey.generate)
    build: Callable[[CredentialType, int], dict[str, Json]] = lambda kind, holder: build_linked_credential(
        kind, issuer_did=DID, month_start=start_of_month(AT), claims=claims_of(kind, holder)
    )
    options: Mapping[str, Any] = field(default_factory=lambda: {"in_document_order": True})

    def method_of(self, kind: CredentialType) -> str:
        return type_key_url(DID, kind.configuration_id, self.key.public_key)

    def sign(self, kind: CredentialType, holder: int, **more: Any) -> dict[str, Json]:
        return bbs_2023.add_base_proof(
            self.build(kind, holder),
            secret_key=self.key,
            verification_method=self.method_of(kind),
            mandatory=MANDATORY_POINTERS,
            random=secrets.token_bytes,
            **self.options,
            **more,
        )


def record_baseline(kind: CredentialType, coop: KernelCoop | None = None, *, holders: int = HOLDERS) -> Recorded:
    """Let everybody pass two gates without a limit, twice each."""
    coop, recorded = coop or KernelCoop(), Recorded()
    for holder in range(holders):
        secured = coop.sign(kind, holder)
        base = bbs_2023.open_base(secured, public_key=coop.key.public_key)
        recorded.issuance[f"issuance of {holder}"] = list(leaves({"person": person(holder), "credential": secured}))
        _show_everywhere(recorded, holder, base, kind, counts=False)
    return recorded


def record_pseudonyms(kind: CredentialType, *, holders: int = HOLDERS) -> Recorded:
    """Let everybody pass two gates with a limit, twice each."""
    coop, recorded = KernelCoop(), Recorded()
    for holder in range(holders):
        nym = ProverNym.generate(secrets.token_bytes)
        committed = commit_nym(nym, random=secrets.token_bytes)
        entropy = draw_entropy(secrets.token_bytes)
        sent = committed.commitment_with_proof
        secured = coop.sign(kind, holder, feature=Feature.PSEUDONYM, commitment_with_proof=sent, entropy=entropy)
        base = bbs_2023.open_base(secured, public_key=coop.key.public_key, prover_nym=nym, blind=committed.blind)
        known = {"person": person(holder), "commitment": sent, "entropy": entropy, "credential": secured}
        recorded.issuance[f"issuance of {holder}"] = list(leaves(known))
        _show_everywhere(recorded, holder, base, kind, counts=True)
    return recorded


def _show_everywhere(
    recorded: Recorded, holder: int, base: BaseCredential, kind: CredentialType, *, counts: bool
) -> None:
    for gate in GATES:
        for visit in VISITS:
            nonce = secrets.token_urlsafe(32)
            header = build_presentation_header(f"x509_san_dns:{gate}", nonce, f"{gate}/responses/{nonce}")
            made = recorded.make(
                holder,
                lambda gate=gate, header=header: bbs_2023.derive(
                    base,
                    selective=claim_pointers(SHOWN[kind]),
                    presentation_header=header,
                    nym_domain=gate if counts else None,
                    random=secrets.token_bytes,
                ),
            )
            recorded.note(holder, gate, visit, {"nonce": nonce, "shown": made})


def record_door_passes(kind: CredentialType, limit: Limit, *, holders: int = HOLDERS) -> Recorded:
    """Let everybody pass two doors, twice each, each time in a half minute of its own."""
    coop, recorded = KernelCoop(), Recorded()
    # They come in any order: who comes when is known to a door anyway.
    slots = iter(random.SystemRandom().sample(range(holders * VISITS_OF_EACH), holders * VISITS_OF_EACH))
    for holder in range(holders):
        nym, entropy = ProverNym.generate(secrets.token_bytes), draw_entropy(secrets.token_bytes)
        committed = commit_nym(nym, random=secrets.token_bytes)
        content = PassContent(
            vct=kind.vct,
            subject=str(kind.example[kind.subject_claim]),
            month=month_of(start_of_month(AT)),
        )
        sent = committed.commitment_with_proof
        method = coop.method_of(kind)
        issued = issue_door_pass(coop.key, sent, content, verification_method=method, entropy=entropy)
        held = open_door_pass(
            issued,
            policy=TrustPolicy((trusted(coop),)),
            issuer=COOP,
            expected=content,
            prover_nym=nym,
            blind=committed.blind,
            at=AT,
        )
        known = {"person": person(holder), "commitment": sent, "entropy": entropy, "pass": issued}
        recorded.issuance[f"issuance of {holder}"] = list(leaves(known))
        _show_at_doors(recorded, holder, held, limit, slots)
    return recorded


def _show_at_doors(recorded: Recorded, holder: int, held: HeldDoorPass, limit: Limit, slots: Iterator[int]) -> None:
    for gate in GATES:
        for visit in VISITS:
            slot = slot_of(AT) + next(slots)
            made = recorded.make(
                holder,
                lambda gate=gate, slot=slot: show_door_pass(
                    held, gate=gate, slot=slot, limit=limit, random=secrets.token_bytes
                ),
            )
            recorded.note(holder, gate, visit, {"pass": made})


def trusted(coop: KernelCoop) -> TrustedIssuer:
    return TrustedIssuer(
        issuer=COOP,
        name="Co-op",
        did=DID,
        types=frozenset(each.vct for each in ALL),
        bbs_keys={coop.method_of(each): coop.key.public_key for each in ALL},
    )


def counting_operations(work: Callable[[], Any]) -> tuple[Any, Counter[str]]:
    """Do something, and count which functions ran how often: a measure of work that no other load disturbs.

    The wallet of each holder is a program of its own, so that what another computed of a domain is of no use to it.
    """
    context_point.cache_clear()
    counted: Counter[str] = Counter()

    def note(frame: Any, event: str, called: Any) -> None:
        if event == "call" and frame.f_code.co_filename != "<string>":
            counted[f"{frame.f_code.co_filename}:{frame.f_code.co_qualname}"] += 1
        elif event == "c_call":
            counted[called.__qualname__] += 1

    sys.setprofile(note)
    try:
        return work(), counted
    finally:
        sys.setprofile(None)


def ordinary_claims(holder: int) -> dict[str, Json]:
    """Return a subject as it is usual elsewhere: what is not known is left out, and things are inside things."""
    artist = {"name": "The Long Way Home"}
    album = {"name": "Night Bus EP", "byArtist": {"name": "The Long Way Home"}}
    known: dict[str, Json] = {"track": "3f1c2a70-5a1f-4b0e-9b1e-0c6a5f0d7e11", "name": "Night Bus"}
    facts: dict[str, Json] = {"isrcCode": "QZ-ABC-26-00001", "acquired": "2026-11", "gtin": "1", "albumName": "EP"}
    return (
        known
        | {name: fact for bit, (name, fact) in enumerate(facts.items()) if holder >> bit & 1}
        | {
            "byArtist": artist,
            "inAlbum": album,
        }
    )


def ordinary(claims: Callable[[int], dict[str, Json]], **options: Any) -> KernelCoop:
    """Return a co-op that issues as it is usual elsewhere."""

    def build(kind: CredentialType, holder: int) -> dict[str, Json]:
        usual = build_linked_credential(
            kind, issuer_did=DID, month_start=start_of_month(AT), claims=claims_of(kind, holder)
        )
        return {**usual, "credentialSubject": claims(holder)}

    return KernelCoop(build=build, options=options)
