"""A co-op that issues linked credentials, and a wallet that derives what a gate asks for."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from credentials.bbs import BbsSecretKey, ProverNym, commit_nym
from credentials.bbs.commitments import ProverBlind
from credentials.data_integrity import bbs_2023, ecdsa_rdfc_2019
from credentials.data_integrity.bbs_2023_values import Feature
from credentials.data_integrity.presentations import build_presentation
from credentials.dids import type_key_url
from credentials.dids.did_key import build_did_key
from credentials.door_pass import HeldDoorPass, PassContent, issue_door_pass, month_of, open_door_pass
from credentials.keys.signer import LocalSigner
from credentials.linked_credential import MANDATORY_POINTERS, build_linked_credential
from credentials.months import start_of_month
from credentials.protocols.openid4vp import AuthorizationRequest, AuthorizationResponse
from credentials.trust import TrustedIssuer, TrustPolicy
from schemas import ALL, RELEASE_OWNERSHIP, CredentialType
from tests.verifier.conftest import COOP, NOW, RELEASE, Site

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from credentials.data_integrity.bbs_2023 import BaseCredential
    from credentials.encoding.strict_json import Json

DID = "did:web:coop.localhost%3A8701"
_KEY = BbsSecretKey.from_key_material(b"a co-op of the tests" * 2, b"", b"")


@dataclass
class LinkedCoop:
    """Signs linked credentials of every type with one key, for the month of the day it is asked."""

    key: BbsSecretKey = field(default_factory=lambda: _KEY)
    did: str = DID
    url: str = COOP

    @property
    def method(self) -> str:
        return self.method_of(RELEASE_OWNERSHIP.configuration_id)

    def method_of(self, name: str) -> str:
        return type_key_url(self.did, name, self.key.public_key)

    def trusted(self, **changes: Any) -> TrustedIssuer:
        given: dict[str, Any] = {
            "issuer": self.url,
            "name": "Sound Commons",
            "did": self.did,
            "bbs_keys": {self.method_of(each.configuration_id): self.key.public_key for each in ALL},
            "types": frozenset(each.vct for each in ALL),
        }
        return TrustedIssuer(**{**given, **changes})

    def document(self, kind: CredentialType, at: datetime, claims: Mapping[str, str]) -> dict[str, Json]:
        known = dict.fromkeys(kind.claim_names, "none") | dict(claims)
        return build_linked_credential(kind, issuer_did=self.did, month_start=start_of_month(at), claims=known)

    def sign(self, document: Mapping[str, Json], **more: Any) -> dict[str, Json]:
        return bbs_2023.add_base_proof(
            document,
            secret_key=self.key,
            verification_method=self.method_of(document["type"][1]),
            mandatory=MANDATORY_POINTERS,
            random=secrets.token_bytes,
            in_document_order=True,
            **more,
        )

    def baseline(self, at: datetime, kind: CredentialType = RELEASE_OWNERSHIP, **claims: str) -> BaseCredential:
        document = self.document(kind, at, {kind.subject_claim: RELEASE} | claims)
        return bbs_2023.open_base(self.sign(document), public_key=self.key.public_key)


def present(request: AuthorizationRequest, credential: Mapping[str, Json], **changes: Any) -> dict[str, Json]:
    """Return a presentation by another wallet, whose owner is known by a did:key."""
    signer = changes.pop("signer", None) or LocalSigner.generate()
    did = build_did_key(signer.public_key)
    given: dict[str, Any] = {
        "suite": ecdsa_rdfc_2019.SUITE,
        "signer": signer,
        "holder": did,
        "verification_method": f"{did}#{signer.public_key.multikey}",
        "challenge": request.nonce,
        "domain": request.client_id,
        "created": NOW,
    }
    return build_presentation([credential], **{**given, **changes})


@dataclass
class NymHolder:
    """A wallet with one nym, which all credentials of its scope share."""

    coop: LinkedCoop
    nym: ProverNym = field(default_factory=lambda: ProverNym.generate(secrets.token_bytes))
    blind: ProverBlind = field(default_factory=lambda: ProverBlind.generate(secrets.token_bytes))
    entropy: bytes = field(default_factory=lambda: bytes(1) + secrets.token_bytes(31))

    def receive(self, at: datetime, kind: CredentialType = RELEASE_OWNERSHIP, **claims: str) -> BaseCredential:
        committed = commit_nym(self.nym, random=secrets.token_bytes, blind=self.blind)
        secured = self.coop.sign(
            self.coop.document(kind, at, {kind.subject_claim: RELEASE} | claims),
            feature=Feature.PSEUDONYM,
            commitment_with_proof=committed.commitment_with_proof,
            entropy=self.entropy,
        )
        return bbs_2023.open_base(secured, public_key=self.coop.key.public_key, prover_nym=self.nym, blind=self.blind)

    def door_pass(
        self, at: datetime, kind: CredentialType = RELEASE_OWNERSHIP, subject: str = RELEASE, share_class: str = "none"
    ) -> HeldDoorPass:
        content = PassContent(
            vct=kind.vct, subject=subject, month=month_of(start_of_month(at)), share_class=share_class
        )
        committed = commit_nym(self.nym, random=secrets.token_bytes, blind=self.blind)
        issued = issue_door_pass(
            self.coop.key,
            committed.commitment_with_proof,
            content,
            verification_method=self.coop.method_of(kind.configuration_id),
            entropy=self.entropy,
        )
        return open_door_pass(
            issued,
            policy=TrustPolicy((self.coop.trusted(),)),
            issuer=self.coop.url,
            expected=content,
            prover_nym=self.nym,
            blind=self.blind,
            at=at,
        )


def derive(base: BaseCredential, request: AuthorizationRequest, query_id: str, **changes: Any) -> dict[str, Json]:
    """Return what a wallet shows for one query of a request."""
    asked = request.dcql.find(query_id)
    assert asked is not None
    given: dict[str, Any] = {
        "selective": ["/" + "/".join(map(str, claim.path)) for claim in asked.claims],
        "presentation_header": request.presentation_header,
        "nym_domain": request.nym_domains.get(query_id),
        "random": secrets.token_bytes,
    }
    return bbs_2023.derive(base, **{**given, **changes})


def answer_form(request: AuthorizationRequest, **shown: Mapping[str, Json]) -> bytes:
    """Return the form of an answer; `release_nym` stands for the query `release-nym`."""
    token = {name.replace("_", "-"): (presentation,) for name, presentation in shown.items()}
    return AuthorizationResponse(vp_token=token, state=request.state).to_form()


def trust(site: Site, coop: LinkedCoop, **changes: Any) -> LinkedCoop:
    """Let a site trust the BBS key of the co-op beside its certificates."""
    trusted = coop.trusted(anchors=(site.authority.pem,), **changes)
    with site.parts.work.write() as stores:
        stores.save_issuer("main", trusted, now=site.clock())
    return coop
