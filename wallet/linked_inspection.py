"""A linked credential or a door pass is looked at before it is kept: each showing of it carries whatever marks it.

`credentials.verify_linked` looks at the credential by itself: signature, secrets, shape, dates, order. Here stands what
only a wallet can compare: with the keys that the co-op states to everybody, with the other things that came from it,
and what hides inside a text.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, assert_never

from credentials.bbs import BbsPublicKey
from credentials.data_integrity import bbs_2023
from credentials.data_integrity.bbs_2023_values import BaseValue, Feature
from credentials.data_integrity.statements import find_proof
from credentials.dids import DidDocument, Relation, type_key_url
from credentials.dids.did_key import build_did_key
from credentials.door_pass import IssuedPass, PassContent, month_of, open_door_pass
from credentials.encoding import strict_json
from credentials.encoding.date_time import parse_date_time
from credentials.encoding.strict_json import Json
from credentials.keys.signer import LocalSigner
from credentials.linked_credential import cohort_end
from credentials.months import start_of_month
from credentials.protocols.catalogue import LISTED, catalogue_claims
from credentials.protocols.openid4vci import CredentialResponse
from credentials.trust import TrustedIssuer, TrustPolicy
from credentials.verify_linked import verify_linked_issued, verify_published
from schemas import NOT_KNOWN, RELEASE_OWNERSHIP, TRACK_OWNERSHIP, CredentialType
from wallet.inspection import Marked, check_plain
from wallet.kinds import LinkedForm
from wallet.linked import LinkedCredential, LinkedKind, Nym
from wallet.nyms import read_blind, read_secret
from wallet.state import Copy

MAX_BBS_KEYS: Final = 16
"""More keys than types and their predecessors could be one for each of a few listeners."""
_SHARE_CLASS: Final = "shareClass"
_CLOCK_SKEW: Final = timedelta(minutes=1)
_NEVER_CHANGE: Final = ("acquisition", "acquired")
_FEATURES: Final = {LinkedKind.BASELINE: Feature.BASELINE, LinkedKind.PSEUDONYM: Feature.PSEUDONYM}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedInspected:
    """What was found good: the credential to keep, and what it says of its subject."""

    linked: LinkedCredential
    claims: dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedProof:
    """How what came is held to what the co-op says in public.

    Attributes:
        issuer: the co-op's URL.
        document: of its DID, read over a connection that carried nothing of the listener.
        nym: what it was asked to be bound to, if anything.
        signer: whom it was asked to name, if it is to be published.
        known: what the wallet has of the same copy already.
        at: now.
    """

    issuer: str
    document: DidDocument
    nym: Nym | None = None
    signer: LocalSigner | None = None
    known: Copy | None = None
    at: datetime

    def trusted(self, form: LinkedForm) -> TrustPolicy:
        """The co-op, and what is known of its keys, as the one that is trusted for what was asked for."""
        issuer = TrustedIssuer(
            issuer=self.issuer,
            name=self.issuer,
            did=self.document.did,
            bbs_keys=self.newest_key(form.type),
            public_keys=self.document.keys_for(Relation.ASSERTION),
            types=frozenset({form.type.vct}),
        )
        return TrustPolicy((issuer,))

    @property
    def keys(self) -> dict[str, BbsPublicKey]:
        """The BBS keys that the co-op's DID may sign with, by their DID URLs."""
        return dict(self.document.bbs_keys_for(Relation.ASSERTION))

    def newest_key(self, kind: CredentialType) -> dict[str, BbsPublicKey]:
        """The one key that a credential of this type may be signed with today: the first that is listed for it.

        By a choice among several, or among several names of one, a co-op could mark its listeners: a proof shows the
        name. So a key counts under its one name only, which says the type.
        """
        for url, key in self.keys.items():
            if url == type_key_url(self.document.did, kind.configuration_id, key):
                return {url: key}
        return {}


def open_handed(handed: CredentialResponse, form: LinkedForm, proof: LinkedProof) -> LinkedInspected:
    """Check what was just handed over: one credential, in the form that was asked for.

    Raises:
        HandstampError: it is not valid, not ours, or differs from others of its type; the error of the step.
    """
    if len(proof.keys) > MAX_BBS_KEYS:
        raise Marked("the co-op states so many keys that one could be for you alone")
    match form.kind, handed.documents, handed.credentials:
        case (LinkedKind.BASELINE | LinkedKind.PSEUDONYM, (document,), ()):
            inspected = _open_bbs(document, form, proof)
        case (LinkedKind.SIGNED, (document,), ()):
            inspected = _open_signed(document, form, proof)
        case (LinkedKind.DOOR, (), (text,)):
            inspected = _open_pass(text, form, proof)
        case _:
            raise Marked("it is not in the form that was asked for, or more than one came")
    check_plain(inspected.claims, form.type)
    return replace(inspected, linked=replace(inspected.linked, notification_id=handed.notification_id))


def _open_bbs(document: Mapping[str, Json], form: LinkedForm, proof: LinkedProof) -> LinkedInspected:
    received = verify_linked_issued(
        document,
        policy=proof.trusted(form),
        kind=form.type,
        issuer=proof.issuer,
        feature=_FEATURES[form.kind],
        at=proof.at,
        prover_nym=read_secret(proof.nym) if proof.nym else None,
        blind=read_blind(proof.nym) if proof.nym else None,
    )
    return LinkedInspected(
        claims=dict(received.claims),
        linked=LinkedCredential(
            kind=form.kind,
            credential=strict_json.dump(dict(document)).decode(),
            month=_month(received.issued_at),
            expires_at=datetime.fromtimestamp(received.expires_at, UTC),
            issuer_key=proof.keys[received.issuer_key].multikey,
            scope=proof.nym.scope if proof.nym else "",
            commitment=proof.nym.commitment if proof.nym else "",
        ),
    )


def _open_signed(document: Mapping[str, Json], form: LinkedForm, proof: LinkedProof) -> LinkedInspected:
    """Check what is to be published. All of it is seen by everybody, so nothing in it can mark more than its name."""
    published = verify_published(
        document, policy=proof.trusted(form), at=proof.at, types=(form.type.vct,), receiving=True
    )
    if proof.signer is None or published.subject_id != build_did_key(proof.signer.public_key):
        raise Marked("it names somebody else than was asked for")
    return LinkedInspected(
        claims=dict(published.claims),
        linked=LinkedCredential(
            kind=form.kind,
            credential=strict_json.dump(dict(document)).decode(),
            month=_month(published.issued_at),
            expires_at=parse_date_time(document["validUntil"], what="`validUntil` of the credential"),
            issuer_key=published.issuer_key.partition("#")[2],
            key=proof.signer.to_pem(None).decode(),
        ),
    )


def _open_pass(text: str, form: LinkedForm, proof: LinkedProof) -> LinkedInspected:
    """Check a door pass: it says what the credential with pseudonyms beside it says, which came before it."""
    if proof.nym is None or proof.known is None:
        raise Marked("it came without the credential that it belongs to, so there is nothing to hold it against")
    cohorts = {month_of(start_of_month(proof.at + skew)) for skew in (-_CLOCK_SKEW, _CLOCK_SKEW)}
    issued = IssuedPass.parse(text)
    expected = PassContent(
        vct=form.type.vct,
        subject=proof.known.text(form.type.subject_claim),
        month=issued.content.month if issued.content.month in cohorts else max(cohorts),
        share_class=proof.known.text(_SHARE_CLASS) or NOT_KNOWN,
    )
    held = open_door_pass(
        text,
        policy=proof.trusted(form),
        issuer=proof.issuer,
        expected=expected,
        prover_nym=read_secret(proof.nym),
        blind=read_blind(proof.nym),
        at=proof.at,
    )
    return LinkedInspected(
        claims=dict(held.content.claims),
        linked=LinkedCredential(
            kind=form.kind,
            credential=text,
            month=_month(held.content.month_s),
            expires_at=parse_date_time(cohort_end(held.content.month_s), what="end of the cohort"),
            issuer_key=held.public_key.multikey,
            scope=proof.nym.scope,
            commitment=proof.nym.commitment,
        ),
    )


def _month(issued_at: float) -> str:
    return f"{datetime.fromtimestamp(issued_at, UTC):%Y-%m}"


def check_key_of_type(linked: LinkedCredential, form: LinkedForm, held: Iterable[Copy]) -> None:
    """Check that a co-op signs each type with one key in a month, and no two types with the same.

    It says in public which key is for which type; were it to say another each day, the key would tell who came when.

    Args:
        linked: what came.
        form: as what.
        held: the copies in this wallet that the same co-op handed out.

    Raises:
        Marked: it does not keep to that.
    """
    for copy in held:
        for other in copy.linked:
            if LinkedKind.SIGNED in (linked.kind, other.kind) or other.month != linked.month:
                continue
            if (copy.vct == form.type.vct) != (other.issuer_key == linked.issuer_key):
                raise Marked("it is signed with another key than others of its type")


def check_entropy(linked: LinkedCredential, held: Iterable[Copy]) -> None:
    """Check that a co-op adds the same to the nym of a scope each time; else the pseudonyms would be others.

    Whoever counts would take the holder for somebody new; and a co-op that knows both numbers could tell, with the
    gate, which pseudonym follows which.

    Args:
        linked: what came.
        held: the copies in this wallet that the same co-op handed out.

    Raises:
        Marked: it added something else before.
    """
    added = _entropy(linked)
    for copy in held:
        for other in copy.linked:
            same = (other.scope, other.commitment) == (linked.scope, linked.commitment)
            if added is not None and same and _entropy(other) not in (None, added):
                raise Marked("the co-op added another number to your secret than before, so gates would not know you")


def check_scope(linked: LinkedCredential, form: LinkedForm, held: Iterable[Copy]) -> None:
    """Check that a co-op does not let a record and a membership, or the like, count as one.

    They would have one number at a gate that takes either, by which two visits could be joined.

    Args:
        linked: what came.
        form: as what.
        held: the copies in this wallet that the same co-op handed out.

    Raises:
        Marked: its label is that of something of another kind.
    """
    for copy in held:
        another_kind = _counts_as(copy.vct) != _counts_as(form.type.vct)
        if another_kind and linked.scope and linked.scope in {other.scope for other in copy.linked}:
            raise Marked("the co-op lets it count as one with something else, by which gates could join the two")


def _counts_as(vct: str) -> str:
    """Return what counts as one: a release and its tracks do."""
    return RELEASE_OWNERSHIP.vct if vct == TRACK_OWNERSHIP.vct else vct


def _entropy(linked: LinkedCredential) -> bytes | None:
    match linked.kind:
        case LinkedKind.DOOR:
            return IssuedPass.parse(linked.credential).entropy
        case LinkedKind.PSEUDONYM:
            document = strict_json.parse_object(linked.credential, what="credential in the wallet")
            return BaseValue.parse(find_proof(document, bbs_2023.SUITE).proof_value).entropy
        case LinkedKind.BASELINE | LinkedKind.SIGNED:
            return None
    assert_never(linked.kind)


def check_same(inspected: LinkedInspected, form: LinkedForm, known: Copy | None) -> None:
    """Check that a credential says what is known of the copy already.

    What it is and how it became the listener's never changes. The rest may change with a month, and alike for all forms
    of it: a member's share class; a title, which the catalogue is asked about.

    Raises:
        Marked: it says something else, so that the two would tell their holder from others.
    """
    if known is None:
        return
    month = inspected.linked.month
    asked = set(catalogue_claims(form.type)) if form.type in LISTED else set()
    settled = {form.type.subject_claim, *(form.type.linked_claim_names if _has_month(known, month) else _NEVER_CHANGE)}
    for name, value in inspected.claims.items():
        if name in settled - asked and known.claims.get(name, value) != value:
            raise Marked(f"its {name} differs from what the co-op said of it before")


def _has_month(known: Copy, month: str) -> bool:
    return any(each.month == month for each in known.linked)
