"""Sign what was admitted. All of one type, form and month look alike, but for what they say."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, assert_never

from credentials.data_integrity import bbs_2023, eddsa_rdfc_2022
from credentials.data_integrity.bbs_2023 import Feature
from credentials.dids.did_key import build_did_key
from credentials.door_pass import PassContent, issue_door_pass, month_of
from credentials.encoding.strict_json import Json
from credentials.linked_credential import MANDATORY_POINTERS, build_linked_credential, build_public_credential
from credentials.months import months_after, start_of_month
from credentials.protocols.openid4vci import CredentialResponse
from credentials.sd_jwt import build_sd_jwt_vc
from credentials.status import StatusReference
from credentials.status.bitstring import BitstringEntry
from issuer.identity import Identity
from issuer.orders import Admitted, BaselineOrder, Contents, CountedOrder, DoorPassOrder, InstanceOrder, PublicOrder
from plumbing.clock import epoch_s
from schemas import NOT_KNOWN

Random: TypeAlias = Callable[[int], bytes]
_SHARE_CLASS: Final = "shareClass"


def sign(admitted: Admitted, *, identity: Identity, random: Random) -> CredentialResponse:
    """Sign what was admitted, with no database session open."""
    notification_id = admitted.contents.notification_id
    match admitted:
        case InstanceOrder():
            instances = _sign_instances(admitted, identity, random)
            return CredentialResponse(credentials=instances, notification_id=notification_id)
        case DoorPassOrder():
            return CredentialResponse(
                credentials=(_sign_door_pass(admitted, identity),), notification_id=notification_id
            )
        case BaselineOrder():
            document = _sign_linked(admitted.contents, identity, random)
        case CountedOrder():
            document = _sign_counted(admitted, identity, random)
        case PublicOrder():
            document = _sign_public(admitted, identity)
        case _:
            assert_never(admitted)
    return CredentialResponse(documents=(document,), notification_id=notification_id)


def _sign_instances(order: InstanceOrder, identity: Identity, random: Random) -> tuple[str, ...]:
    kind, claims = order.contents.kind, order.contents.claims
    x5c = list(identity.x5c)
    issued_at = epoch_s(order.contents.month_start)
    lifetime = kind.lifetime_months
    expires_at = None if lifetime is None else months_after(issued_at, lifetime)
    return tuple(
        build_sd_jwt_vc(
            vct=kind.vct,
            issuer=identity.url,
            holder_key=key,
            issued_at=issued_at,
            disclosable={name: claims[name] for name in kind.claim_names},
            digest_count=kind.digest_count,
            signer=identity.signer,
            x5c=x5c,
            random=random,
            expires_at=expires_at,
            status=StatusReference(uri=identity.status_list_url(entry.list_id), index=entry.index),
        )
        for key, entry in zip(order.keys, order.entries, strict=True)
    )


def _sign_linked(
    contents: Contents,
    identity: Identity,
    random: Random,
    *,
    feature: Feature = Feature.BASELINE,
    commitment: bytes | None = None,
    entropy: bytes | None = None,
) -> Mapping[str, Json]:
    """Sign with bbs-2023, without `created` and with labels that follow the document: both could mark a holder."""
    key = identity.linked.of(contents.kind)
    return bbs_2023.add_base_proof(
        build_linked_credential(
            contents.kind,
            issuer_did=identity.did,
            month_start=start_of_month(contents.month_start),
            claims=contents.claims,
        ),
        secret_key=key,
        verification_method=identity.linked.method_of(contents.kind, identity.did),
        mandatory=MANDATORY_POINTERS,
        random=random,
        feature=feature,
        commitment_with_proof=commitment,
        entropy=entropy,
        in_document_order=True,
    )


def _sign_counted(order: CountedOrder, identity: Identity, random: Random) -> Mapping[str, Json]:
    return _sign_linked(
        order.contents,
        identity,
        random,
        feature=Feature.PSEUDONYM,
        commitment=order.commitment,
        entropy=order.entropy,
    )


def _sign_door_pass(order: DoorPassOrder, identity: Identity) -> str:
    contents = order.contents
    key = identity.linked.of(contents.kind)
    content = PassContent(
        vct=contents.kind.vct,
        subject=contents.claims[contents.kind.subject_claim],
        month=month_of(start_of_month(contents.month_start)),
        share_class=contents.claims.get(_SHARE_CLASS, NOT_KNOWN),
    )
    return issue_door_pass(
        key,
        order.commitment,
        content,
        verification_method=identity.linked.method_of(contents.kind, identity.did),
        entropy=order.entropy,
    )


def _sign_public(order: PublicOrder, identity: Identity) -> Mapping[str, Json]:
    signer = identity.linked.signer
    return eddsa_rdfc_2022.add_proof(
        build_public_credential(
            order.contents.kind,
            issuer_did=identity.did,
            month_start=start_of_month(order.contents.month_start),
            claims=order.contents.claims,
            subject_id=build_did_key(order.subject_key),
            status=BitstringEntry(uri=identity.status_list_url(order.entry.list_id), index=order.entry.index).to_json(),
        ),
        signer=signer,
        verification_method=identity.linked.publishing_method(identity.did),
    )
