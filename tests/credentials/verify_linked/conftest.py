"""A co-op that issues linked credentials, a wallet that shows parts of them, and somebody with an ordinary wallet."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pytest

import schemas
from credentials.bbs import BbsPublicKey, BbsSecretKey, ProverBlind, ProverNym, commit_nym
from credentials.data_integrity import bbs_2023, ecdsa_rdfc_2019, eddsa_rdfc_2022
from credentials.data_integrity.bbs_2023_values import Feature
from credentials.data_integrity.presentations import build_presentation
from credentials.dids import type_key_url
from credentials.dids.did_key import build_did_key
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.linked_credential import (
    MANDATORY_POINTERS,
    build_linked_credential,
    build_public_credential,
    claim_pointers,
)
from credentials.months import start_of_month
from credentials.trust import TrustedIssuer, TrustPolicy
from credentials.verify_linked import Occasion, verify_holder_presentation, verify_linked, verify_linked_issued

if TYPE_CHECKING:
    from schemas.types import CredentialType

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DID = "did:web:coop.example"
URL = "https://coop.example"
KIND = schemas.TRACK_OWNERSHIP
ARTIST = schemas.VERIFIED_ARTIST
HEADER = bytes(range(32))
DOMAIN = "https://shop.example/gates/1"
OCCASION = Occasion(challenge="a-nonce-of-this-request", domain="x509_san_dns:shop.example", presentation_header=HEADER)


@dataclass(frozen=True, kw_only=True, eq=False)
class Town:
    """Everybody's keys, made once, and what they do with them."""

    bbs_key: BbsSecretKey = field(default_factory=BbsSecretKey.generate)
    signer: LocalSigner = field(default_factory=lambda: LocalSigner.generate(KeyKind.ED25519))
    holder: LocalSigner = field(default_factory=lambda: LocalSigner.generate(KeyKind.P256))
    nym: ProverNym = field(default_factory=lambda: ProverNym.generate(secrets.token_bytes))

    @property
    def method(self) -> str:
        return self.method_of(KIND)

    @property
    def type_keys(self) -> list[tuple[str, BbsPublicKey]]:
        return [(kind.configuration_id, self.bbs_key.public_key) for kind in schemas.ALL]

    def method_of(self, kind: CredentialType) -> str:
        return type_key_url(DID, kind.configuration_id, self.bbs_key.public_key)

    @property
    def plain_method(self) -> str:
        return f"{DID}#{self.signer.public_key.multikey}"

    @property
    def holder_did(self) -> str:
        return build_did_key(self.holder.public_key)

    @property
    def trusted(self) -> TrustedIssuer:
        return TrustedIssuer(
            issuer=URL,
            name="Co-op",
            did=DID,
            types=frozenset(kind.vct for kind in schemas.ALL),
            bbs_keys={self.method_of(kind): self.bbs_key.public_key for kind in schemas.ALL},
            public_keys={self.plain_method: self.signer.public_key},
        )

    @property
    def policy(self) -> TrustPolicy:
        return TrustPolicy((self.trusted,))

    def policy_with(self, **changes: Any) -> TrustPolicy:
        return TrustPolicy((replace(self.trusted, **changes),))

    def build(self, kind: CredentialType = KIND) -> dict[str, Any]:
        return build_linked_credential(kind, issuer_did=DID, month_start=start_of_month(NOW), claims=kind.example)

    def sign(self, document: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        options = {
            "secret_key": self.bbs_key,
            "verification_method": self.method,
            "mandatory": MANDATORY_POINTERS,
            "in_document_order": True,
            "random": secrets.token_bytes,
        } | options
        return bbs_2023.add_base_proof(document or self.build(), **options)

    def commit(self) -> tuple[bytes, ProverBlind]:
        made = commit_nym(self.nym, random=secrets.token_bytes)
        return made.commitment_with_proof, made.blind

    def sign_with_nym(self, document: dict[str, Any] | None = None) -> tuple[dict[str, Any], ProverBlind]:
        commitment, blind = self.commit()
        entropy = ProverNym.generate(secrets.token_bytes).to_bytes()
        signed = self.sign(document, feature=Feature.PSEUDONYM, commitment_with_proof=commitment, entropy=entropy)
        return signed, blind

    def show(
        self, secured: dict[str, Any] | None = None, *, names: tuple[str, ...] = ("track",), **options: Any
    ) -> dict[str, Any]:
        secrets_of_holder = {name: options.pop(name) for name in ("prover_nym", "blind") if name in options}
        base = bbs_2023.open_base(
            secured or self.plain_credential, public_key=self.bbs_key.public_key, **secrets_of_holder
        )
        options = {"presentation_header": HEADER, "random": secrets.token_bytes} | options
        return bbs_2023.derive(base, selective=claim_pointers(names), **options)

    @property
    def plain_credential(self) -> dict[str, Any]:
        return dict(_plain_credential(self))

    @property
    def countable_credential(self) -> tuple[dict[str, Any], ProverBlind]:
        return _countable_credential(self)

    def verify(self, presentation: Any, **options: Any) -> Any:
        options = {
            "policy": self.policy,
            "presentation_header": HEADER,
            "nym_domain": None,
            "at": NOW,
        } | options
        return verify_linked(presentation, **options)

    def receive(self, secured: Any, **options: Any) -> Any:
        options = {
            "policy": self.policy,
            "kind": KIND,
            "issuer": URL,
            "feature": Feature.BASELINE,
            "at": NOW,
        } | options
        return verify_linked_issued(secured, **options)

    def publish(self, *, status: Any = None, subject_id: str | None = None, **changes: Any) -> dict[str, Any]:
        document = build_public_credential(
            ARTIST,
            issuer_did=DID,
            month_start=start_of_month(NOW),
            claims=ARTIST.example,
            subject_id=subject_id or self.holder_did,
            status=status,
        )
        return eddsa_rdfc_2022.add_proof(
            document | changes, signer=self.signer, verification_method=self.plain_method, created=NOW
        )

    def present(self, *credentials: Any, **options: Any) -> dict[str, Any]:
        options = {
            "suite": ecdsa_rdfc_2019.SUITE,
            "signer": self.holder,
            "holder": self.holder_did,
            "verification_method": f"{self.holder_did}#{self.holder.public_key.multikey}",
            "challenge": OCCASION.challenge,
            "domain": OCCASION.domain,
            "created": NOW,
        } | options
        return build_presentation(credentials, **options)

    def verify_holder(self, presentation: Any, **options: Any) -> Any:
        options = {"policy": self.policy, "occasion": OCCASION, "at": NOW} | options
        return verify_holder_presentation(presentation, **options)


@lru_cache(maxsize=4)
def _plain_credential(town: Town) -> dict[str, Any]:
    return town.sign()


@lru_cache(maxsize=4)
def _countable_credential(town: Town) -> tuple[dict[str, Any], ProverBlind]:
    return town.sign_with_nym()


_TOWN = Town()


@pytest.fixture
def town() -> Town:
    return _TOWN
