"""Another co-op that also hands out what is shown by proofs, over the kernel alone; a test makes it mark what it signs.

It keeps one commitment for each label of who counts, as a good co-op does, and notes in `violations` what breaks that.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

import schemas
from credentials.bbs import BbsSecretKey, check_nym_commitment, draw_entropy
from credentials.data_integrity import bbs_2023, eddsa_rdfc_2022
from credentials.data_integrity.bbs_2023_values import Feature
from credentials.dids import build_did_document, type_key_url
from credentials.dids.did_key import build_did_key
from credentials.dids.did_web import build_did_web
from credentials.door_pass import PassContent, issue_door_pass, month_of
from credentials.encoding.strict_json import Json
from credentials.keys.jwk import PublicKey
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.linked_credential import MANDATORY_POINTERS, build_linked_credential, build_public_credential
from credentials.months import start_of_month
from credentials.protocols.catalogue import catalogue_claims, catalogue_path
from credentials.protocols.oauth import InvalidProof
from credentials.protocols.openid4vci import (
    AuthorizedCredential,
    CredentialConfiguration,
    CredentialRequest,
    CredentialResponse,
    Form,
    IssuerMetadata,
    check_request_commitment,
    check_request_proofs,
    split_name,
)
from schemas import CredentialType
from schemas.linked import CONTEXTS
from tests.support.other_credentials import OURS, URL, make_ours
from tests.support.other_issuer import OtherIssuer
from tests.support.outside import Authority, Outside

DID = build_did_web(URL)
Document = Mapping[str, Json] | str
"""A linked credential, or the text of a door pass."""
_KEYS = {kind.configuration_id: BbsSecretKey.generate() for kind in schemas.ALL}
"""Drawn once for all tests, for it takes long."""


def make_linked(
    issuer: "LinkedIssuer",
    identifier: str,
    commitment: bytes | None,
    *,
    key: BbsSecretKey | None = None,
    change: Callable[[dict[str, Json]], dict[str, Json]] = lambda document: document,
    **options: Any,
) -> Document:
    """Sign with bbs-2023 as a good co-op does; or another document, with another key or options."""
    if split_name(identifier)[1] is Form.DOOR:
        return make_pass(issuer, identifier, commitment, **options)
    kind, claims = OURS[split_name(identifier)[0]]
    document = build_linked_credential(
        kind, issuer_did=DID, month_start=start_of_month(issuer.now()), claims=claims | issuer.said
    )
    secret_key = key or issuer.bbs_keys[kind.configuration_id]
    made: dict[str, Any] = {
        "secret_key": secret_key,
        "verification_method": type_key_url(DID, kind.configuration_id, secret_key.public_key),
        "mandatory": MANDATORY_POINTERS,
        "random": secrets.token_bytes,
        "in_document_order": True,
    }
    if commitment:
        entropy = issuer.entropy.setdefault(issuer.scope_of(identifier), draw_entropy(secrets.token_bytes))
        made |= {"feature": Feature.PSEUDONYM, "commitment_with_proof": commitment, "entropy": entropy}
    return bbs_2023.add_base_proof(change(document), **(made | options))


def make_pass(issuer: "LinkedIssuer", identifier: str, commitment: bytes | None, **changes: Any) -> str:
    """Sign a door pass as a good co-op does, or one that says something else."""
    kind, claims = OURS[split_name(identifier)[0]]
    said = claims | issuer.said
    content = PassContent(
        vct=kind.vct,
        subject=said[kind.subject_claim],
        month=month_of(start_of_month(issuer.now())),
        share_class=said.get("shareClass", schemas.NOT_KNOWN),
    )
    key = issuer.bbs_keys[kind.configuration_id]
    entropy = issuer.entropy.setdefault(issuer.scope_of(identifier), draw_entropy(secrets.token_bytes))
    method = type_key_url(DID, kind.configuration_id, key.public_key)
    return issue_door_pass(
        key, commitment or b"", replace(content, **changes), verification_method=method, entropy=entropy
    )


def make_instance(issuer: OtherIssuer, identifier: str, key: PublicKey) -> str:
    """Issue an SD-JWT VC that names no copy, for it is counted by pseudonyms."""
    return make_ours(issuer, identifier, key, **{OURS[identifier][0].countable_claim: schemas.NOT_KNOWN})


def _draw_keys() -> dict[str, BbsSecretKey]:
    return dict(_KEYS)


@dataclass(slots=True)
class LinkedIssuer(OtherIssuer):
    """`identifiers` are of copies in forms, such as `ep.bbs`; `said` replaces claims of what is shown by proofs."""

    identifiers: tuple[str, ...] = ("ep", "ep.bbs", "ep.pseudonym")
    make: Callable[[OtherIssuer, str, PublicKey], str] = make_instance
    make_document: Callable[["LinkedIssuer", str, bytes | None], Document] = make_linked
    said: dict[str, str] = field(default_factory=dict)
    bbs_keys: dict[str, BbsSecretKey] = field(default_factory=_draw_keys)
    more_keys: list[tuple[str, BbsSecretKey]] = field(default_factory=list)
    """Names of types with older keys."""
    publisher: LocalSigner = field(default_factory=lambda: LocalSigner.generate(KeyKind.ED25519))
    scopes: dict[str, str] = field(default_factory=lambda: {"ep": "who", "track": "who", "member": "me"})
    points: dict[str, bytes] = field(default_factory=dict)
    entropy: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    listed: dict[str, str] = field(default_factory=dict)
    """What the catalogue says otherwise."""
    looked: list[str] = field(default_factory=list)
    names: Callable[["LinkedIssuer"], str] | None = None
    """Gives the key proof whose key is named in the place of the one that came."""

    @classmethod
    def open(cls, outside: Outside, authority: Authority, **changes: Any) -> "LinkedIssuer":
        # Slots make a class anew, so that `super()` without arguments would mean the old one.
        issuer = super(LinkedIssuer, cls).open(outside, authority, **changes)
        assert isinstance(issuer, cls)
        for claims in (OURS["ep"][1]["release"], OURS["track"][1]["inAlbum"]):
            issuer.routes.answers[f"GET {catalogue_path(claims)}"] = issuer.catalogue
        return issuer

    def catalogue(self, request: httpx.Request) -> httpx.Response:
        """Show the EP, and the track as if it were on it, to everybody."""
        release, track = (
            {name: OURS[each][1][name] for name in catalogue_claims(OURS[each][0])} | self.listed
            for each in ("ep", "track")
        )
        self.looked.append(request.url.path)
        return httpx.Response(200, json={"release": release, "tracks": [track]})

    def scope_of(self, identifier: str) -> str:
        """Say who counts by a copy, in whichever form."""
        return self.scopes.get(split_name(identifier)[0], "")

    def configuration_of(self, identifier: str) -> str:
        base, form = split_name(identifier)
        return (form or Form.SD_JWT).of(OURS[base][0].configuration_id)

    def metadata(self) -> IssuerMetadata:
        plain = OtherIssuer.metadata(self)
        linked = tuple(configuration(kind, form) for kind in schemas.ALL for form in Form if form is not Form.SD_JWT)
        return replace(plain, configurations=(*plain.configurations, *linked))

    def did_document(self, _: httpx.Request) -> httpx.Response:
        named = [(name, key.public_key) for name, key in (*self.bbs_keys.items(), *self.more_keys)]
        document = build_did_document(
            DID, [self.signer.public_key], multikeys=[self.publisher.public_key], type_keys=named
        )
        return httpx.Response(200, json=document)

    def authorized(self, identifier: str) -> AuthorizedCredential:
        scope = self.scope_of(identifier)
        form = split_name(identifier)[1]
        return AuthorizedCredential(
            credential_configuration_id=self.configuration_of(identifier),
            credential_identifiers=(identifier,),
            commitments={identifier: scope} if form and form.needs_commitment and scope else {},
        )

    def give_credential(self, request: httpx.Request) -> httpx.Response:
        if (refused := self.refused_token(request)) is not None:
            return refused
        body, encrypted = self.opened(request)
        asked = CredentialRequest.parse(body, encrypted=encrypted)
        identifier = asked.credential_identifier or ""
        self.asked.append(identifier)
        form = split_name(identifier)[1]
        if form is Form.SD_JWT:
            return OtherIssuer.give_credential(self, request)
        if identifier in self.ended:
            return httpx.Response(400, json={"error": "credential_request_denied", "error_description": "Refunded."})
        made = self.published(asked) if form is Form.EDDSA else self.linked(asked)
        response = CredentialResponse(
            credentials=(made,) if isinstance(made, str) else (),
            documents=() if isinstance(made, str) else (made,),
            notification_id=f"about-{identifier}",
        )
        return self.sealed(response.to_json(), asked.response_encryption, 200)

    def linked(self, asked: CredentialRequest) -> Document:
        """Sign what is shown by proofs, bound to the one commitment of who counts, if to any."""
        identifier = asked.credential_identifier or ""
        form = split_name(identifier)[1]
        if not (form and form.needs_commitment):
            if asked.proofs:
                self.violations.append("a proof came for what is bound to nothing")
            return self.make_document(self, identifier, None)
        proof = check_request_commitment(asked.proofs, audience=URL, at=self.now())
        if proof.nonce not in self.nonces:
            self.violations.append("a nonce was used that nobody gave")
        self.nonces.discard(proof.nonce)
        point = check_nym_commitment(proof.commitment_with_proof)
        if self.points.setdefault(self.scope_of(identifier), point) != point:
            raise InvalidProof("Another wallet bound itself to this record.")
        return self.make_document(self, identifier, proof.commitment_with_proof)

    def published(self, asked: CredentialRequest) -> Document:
        """Sign what is published, about the key that came."""
        kind, claims = OURS[split_name(asked.credential_identifier or "")[0]]
        if self.names:
            asked = replace(asked, proofs=(self.names(self),))
        (proof,) = check_request_proofs(asked, audience=URL, at=self.now(), algorithms=("EdDSA", "ES256"))
        self.subjects.append(build_did_key(proof.key))
        document = build_public_credential(
            kind,
            issuer_did=DID,
            month_start=start_of_month(self.now()),
            claims=claims,
            subject_id=self.subjects[-1],
        )
        method = f"{DID}#{self.publisher.public_key.multikey}"
        return eddsa_rdfc_2022.add_proof(document, signer=self.publisher, verification_method=method)


def configuration(kind: CredentialType, form: Form) -> CredentialConfiguration:
    """Describe a form of a type as a co-op of ours does."""
    linked = form is not Form.DOOR
    return CredentialConfiguration(
        id=form.of(kind.configuration_id),
        format=form.format,
        contexts=CONTEXTS if linked else (),
        types=kind.ldp_types if linked else (),
        binding_methods=(),
        signing_algorithms=(form.algorithm or "",),
        proof_algorithms=("EdDSA", "ES256") if form is Form.EDDSA else (),
        commitment_algorithms=("ES256",) if form.needs_commitment else (),
    )
