"""Linked credentials: bbs-2023 with pseudonyms beside one pairing, the other suites beside their raw signatures."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import cycle
from typing import Final

from benchmarks.bbs import pairing_action, pairings_line
from benchmarks.kernel import raw_actions
from benchmarks.measure import Figure, Goal, Rate, measure_rates
from credentials.bbs import BbsSecretKey, NymCommitment, ProverNym, commit_nym
from credentials.data_integrity import bbs_2023, ecdsa_sd_2023, eddsa_rdfc_2022
from credentials.data_integrity.bbs_2023 import BaseCredential, Derived, Feature
from credentials.data_integrity.proofs import read_proofs
from credentials.encoding.strict_json import Json
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.linked_credential import MANDATORY_POINTERS, build_linked_credential, claim_pointers
from credentials.linked_data import TooMuchWork, canonicalize_nquads
from schemas import TRACK_OWNERSHIP

_DID: Final = "did:web:coop.example"
_METHOD: Final = f"{_DID}#key"
_MONTH_S: Final = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())
_SHOWN: Final = claim_pointers(("track", "name"))
_HEADER: Final = bytes(32)
_DOMAIN: Final = "https://site.example/gates/1"
_COPIES: Final = 32
# The rates of a JavaScript peer, as parts of the rate of raw P-256 verification.
_ECDSA_SD_LEAST: Final = {"issue": 0.024, "derive": 0.043, "verify": 0.033}
_EDDSA_LEAST: Final = 0.1
_POISON_MS: Final = 100.0
_BBS_MOST: Final = {"issue": 6.0, "derive": 8.0, "verify": 6.0}


def build_credential(number: int) -> dict[str, Json]:
    """Build a credential for a track; each number makes another."""
    claims = {**TRACK_OWNERSHIP.example, "name": f"A title of its own, {number}"}
    return build_linked_credential(TRACK_OWNERSHIP, issuer_did=_DID, month_start=_MONTH_S, claims=claims)


@dataclass(frozen=True, slots=True)
class Unlinkable:
    """A co-op with a key, a holder with a nym."""

    key: BbsSecretKey = field(default_factory=BbsSecretKey.generate)
    nym: ProverNym = field(default_factory=lambda: ProverNym.generate(secrets.token_bytes))

    def commit(self) -> NymCommitment:
        """Commit to the nym."""
        return commit_nym(self.nym, random=secrets.token_bytes)

    def issue(self, number: int, commitment: NymCommitment) -> dict[str, Json]:
        """Issue a credential with pseudonyms, its labels in the order of the document."""
        return bbs_2023.add_base_proof(
            build_credential(number),
            secret_key=self.key,
            verification_method=_METHOD,
            mandatory=MANDATORY_POINTERS,
            random=secrets.token_bytes,
            feature=Feature.PSEUDONYM,
            commitment_with_proof=commitment.commitment_with_proof,
            entropy=self.nym.to_bytes(),
            in_document_order=True,
        )

    def open(self, secured: Mapping[str, Json], commitment: NymCommitment) -> BaseCredential:
        """Verify one, as its holder."""
        return bbs_2023.open_base(secured, public_key=self.key.public_key, prover_nym=self.nym, blind=commitment.blind)

    def reopen(self, secured: Mapping[str, Json], commitment: NymCommitment) -> BaseCredential:
        """Open one that was verified on receipt, as the wallet does before it shows it."""
        return bbs_2023.reopen_base(
            secured, public_key=self.key.public_key, prover_nym=self.nym, blind=commitment.blind
        )

    def derive(self, base: BaseCredential) -> dict[str, Json]:
        """Show two claims of it."""
        return bbs_2023.derive(
            base, selective=_SHOWN, presentation_header=_HEADER, nym_domain=_DOMAIN, random=secrets.token_bytes
        )

    def verify(self, shown: Mapping[str, Json]) -> Derived:
        """Verify what is shown, as a gate."""
        return bbs_2023.verify_derived(shown, public_key=self.key.public_key)


def measure_linked(*, rounds: int, seconds: float) -> list[Figure]:
    """Measure; the figures' values are pairings, or parts of a raw signature's rate."""
    return [
        *_measure_bbs_2023(rounds=rounds, seconds=seconds),
        *_measure_ecdsa_sd_2023(rounds=rounds, seconds=seconds),
        _measure_eddsa_rdfc_2022(rounds=rounds, seconds=seconds),
        *_measure_poison(rounds=rounds, seconds=seconds),
    ]


def _measure_bbs_2023(*, rounds: int, seconds: float) -> Sequence[Figure]:
    party = Unlinkable()
    commitment = party.commit()
    issued = [party.issue(number, commitment) for number in range(_COPIES)]
    bases = [party.open(secured, commitment) for secured in issued]
    shown = [party.derive(base) for base in bases]
    # Another one each time, so that nothing of it is remembered but its shape.
    numbers, to_derive, to_verify = (cycle(each) for each in (range(10**6), bases, shown))
    held, stored = cycle(issued), cycle(issued)
    actions: dict[str, Callable[[], object]] = {
        "pairing": pairing_action(),
        "issue": lambda: party.issue(next(numbers), commitment),
        "open": lambda: party.open(next(held), commitment),
        "derive": lambda: party.derive(next(to_derive)),
        "all": lambda: party.derive(party.reopen(next(stored), commitment)),
        "verify": lambda: party.verify(next(to_verify)),
    }
    rates = measure_rates(actions, rounds=rounds, seconds=seconds)
    pairing = rates["pairing"]
    name = "bbs-2023 with pseudonym"
    opened = pairing.beside(rates["open"])
    return [
        pairings_line(f"{name}: issue", rates["issue"], pairing, _BBS_MOST["issue"]),
        Figure(
            name=f"{name}: verify on receipt",
            rate=str(rates["open"]),
            limit="once for each credential",
            ratio=f"{opened:.2f} pairings",
            value=opened,
        ),
        pairings_line(f"{name}: derive, two claims shown", rates["derive"], pairing, _BBS_MOST["derive"]),
        pairings_line(f"{name}: both, from what is stored", rates["all"], pairing, _BBS_MOST["derive"]),
        pairings_line(f"{name}: verify what is shown", rates["verify"], pairing, _BBS_MOST["verify"]),
    ]


def _measure_ecdsa_sd_2023(*, rounds: int, seconds: float) -> Sequence[Figure]:
    signer = LocalSigner.generate()

    def issue(number: int) -> dict[str, Json]:
        return ecdsa_sd_2023.add_base_proof(
            build_credential(number),
            signer=signer,
            verification_method=_METHOD,
            mandatory=MANDATORY_POINTERS,
            random=secrets.token_bytes,
        )

    issued = [issue(number) for number in range(_COPIES)]
    shown = [ecdsa_sd_2023.derive(secured, selective=_SHOWN) for secured in issued]
    numbers, to_derive, to_verify = (cycle(each) for each in (range(10**6), issued, shown))
    actions: dict[str, Callable[[], object]] = {
        "raw": raw_actions()["verify"],
        "issue": lambda: issue(next(numbers)),
        "derive": lambda: ecdsa_sd_2023.derive(next(to_derive), selective=_SHOWN),
        "verify": lambda: ecdsa_sd_2023.verify_derived(next(to_verify), key=signer.public_key),
    }
    rates = measure_rates(actions, rounds=rounds, seconds=seconds)
    return [
        _part_line(f"ecdsa-sd-2023: {name}", rates[name], rates["raw"], "raw P-256 verification", least)
        for name, least in _ECDSA_SD_LEAST.items()
    ]


def _measure_eddsa_rdfc_2022(*, rounds: int, seconds: float) -> Figure:
    signer = LocalSigner.generate(KeyKind.ED25519)
    key, data = signer.public_key, secrets.token_bytes(64)
    signature = signer.sign(data)
    signed = [
        eddsa_rdfc_2022.add_proof(build_credential(number), signer=signer, verification_method=_METHOD)
        for number in range(_COPIES)
    ]
    to_verify = cycle(signed)

    def verify() -> None:
        document = next(to_verify)
        eddsa_rdfc_2022.verify_proof(document, read_proofs(document)[0], key=key)

    rates = measure_rates(
        {"raw": lambda: key.verify(signature, data), "verify": verify}, rounds=rounds, seconds=seconds
    )
    return _part_line(
        "eddsa-rdfc-2022: verify", rates["verify"], rates["raw"], "raw Ed25519 verification", _EDDSA_LEAST
    )


def _measure_poison(*, rounds: int, seconds: float) -> Sequence[Figure]:
    """Measure how long graphs keep us busy that were made to; each is refused in the end."""
    predicate = "<https://example.com/knows>"
    edges = {
        "a clique of 10": [(one, other) for one in range(10) for other in range(10) if one != other],
        "a ring of 300": [(one, (one + 1) % 300) for one in range(300)],
        "two stars of 1,200": [(centre, 2 + 2 * ray + centre) for centre in range(2) for ray in range(1_200)],
        "70 in two camps": [(one, 70 + other) for one in range(70) for other in range(70)],
    }
    texts = {
        name: "".join(f"_:n{one} {predicate} _:n{other} .\n" for one, other in pairs) for name, pairs in edges.items()
    }
    rates = measure_rates(
        {name: partial(_be_poisoned, text) for name, text in texts.items()}, rounds=rounds, seconds=seconds
    )
    return [
        Figure(
            name=f"RDFC-1.0: a poisoned graph is stopped, {name}",
            rate=str(rate),
            limit="milliseconds of one graph",
            ratio=f"{1_000 / rate.median:.1f} ms",
            value=1_000 / rate.median,
            goal=Goal(value=_POISON_MS, at_most=True),
        )
        for name, rate in rates.items()
    ]


def _be_poisoned(text: str) -> None:
    try:
        canonicalize_nquads(text)
    except TooMuchWork:
        return
    raise AssertionError


def _part_line(name: str, rate: Rate, raw: Rate, what: str, least: float) -> Figure:
    """Write a rate as a part of that of a raw signature, beside the least that it should be."""
    part = rate.beside(raw)
    return Figure(
        name=name,
        rate=str(rate),
        limit=f"{what}: {raw}",
        ratio=f"{part:.3f}",
        value=part,
        goal=Goal(value=least),
    )
