"""What is published is true now, or is refused by the step that fails."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import schemas
from credentials.data_integrity import eddsa_rdfc_2022
from credentials.data_integrity.keys import find_key_in
from credentials.dids import DidDocument, Relation
from credentials.status import StatusCheck
from credentials.status.bitstring import Bitstring, BitstringEntry, build_bitstring_credential
from credentials.status.bitstring_checking import BitstringList, verify_bitstring_list
from credentials.verify_linked import Published, verify_published
from tests.credentials.verify_linked.conftest import ARTIST, DID, NOW, URL
from tests.support.refusing import refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.credentials.verify_linked.conftest import Town

LIST = "https://coop.example/bitstrings/1"
ENTRY = BitstringEntry(uri=LIST, index=4711)


def verify(town: Town, document: Any, **options: Any) -> Published:
    return verify_published(document, **{"policy": town.policy, "at": NOW} | options)


def listed(town: Town, *, revoked: int | None = None, at: datetime = NOW, uri: str = LIST) -> BitstringList:
    statuses = Bitstring.all_valid().replaced({} if revoked is None else {revoked: 1})
    document = build_bitstring_credential(
        statuses,
        uri=uri,
        issuer_did=DID,
        purpose="revocation",
        valid_from=NOW - timedelta(minutes=1),
        valid_until=NOW + timedelta(hours=1),
        ttl=timedelta(minutes=5),
    )
    signed = eddsa_rdfc_2022.add_proof(document, signer=town.signer, verification_method=town.plain_method)
    methods = frozenset({town.plain_method})
    known = DidDocument(
        did=DID, keys={town.plain_method: town.signer.public_key}, relations={Relation.ASSERTION: methods}
    )
    return verify_bitstring_list(signed, uri=uri, issuer=DID, find_key=find_key_in({DID: known}), at=at)


def test_what_is_published_is_evidence(town: Town) -> None:
    published = verify(town, town.publish(), types={ARTIST.vct})
    assert (published.issuer, published.issuer_key, published.kind) == (URL, town.plain_method, ARTIST)
    assert published.subject_id == town.holder_did
    assert dict(published.claims) == {name: ARTIST.example[name] for name in ARTIST.linked_claim_names}
    assert published.status is StatusCheck.NONE
    with pytest.raises(TypeError, match="Evidence comes from"):
        Published(object(), **dict.fromkeys(published.__slots__))


def test_a_status_is_looked_up_in_the_list_of_the_issuer(town: Town) -> None:
    document = town.publish(status=ENTRY.to_json())
    needed = refused("status_list_needed", verify, town, document)
    assert getattr(needed, "uri", None) == LIST
    assert verify(town, document, lenient={LIST}).status is StatusCheck.UNKNOWN
    assert verify(town, document, lists={LIST: listed(town)}).status is StatusCheck.CURRENT
    refused("credential_revoked", verify, town, document, lists={LIST: listed(town, revoked=4711)})
    refused("expired", verify, town, document, lists={LIST: listed(town)}, at=NOW + timedelta(hours=2))


def test_a_status_elsewhere_or_of_another_kind_is_refused(town: Town) -> None:
    elsewhere = BitstringEntry(uri="https://other.example/1", index=1).to_json()
    refused("status_elsewhere", verify, town, town.publish(status=elsewhere))
    refused("status_not_supported", verify, town, town.publish(status={"type": "BitstringStatusList"}))


REFUSED: dict[str, tuple[str, Callable[[Town], dict[str, Any]]]] = {
    "no subject's name": (
        "schema_mismatch",
        lambda town: town.publish(credentialSubject={name: ARTIST.example[name] for name in ARTIST.linked_claim_names}),
    ),
    "another suite": ("unsupported_suite", lambda town: town.plain_credential),
    "another issuer": ("untrusted_issuer", lambda town: town.publish(issuer="did:web:other.example")),
    "another word": (
        "bad_proof",
        lambda town: {
            **town.publish(),
            "credentialSubject": {**town.publish()["credentialSubject"], "name": "Somebody Else"},
        },
    ),
    "another end": ("bad_proof", lambda town: {**town.publish(), "validUntil": "2028-11-01T00:00:00Z"}),
}


@pytest.mark.parametrize(("code", "make"), REFUSED.values(), ids=REFUSED)
def test_a_step_that_fails_is_refused(town: Town, code: str, make: Callable[[Town], dict[str, Any]]) -> None:
    refused(code, verify, town, make(town))


def test_it_ends_with_its_types_lifetime(town: Town) -> None:
    end = datetime(2027, 11, 1, tzinfo=UTC)
    verify(town, town.publish(), at=end)
    refused("expired", verify, town, town.publish(), at=end + timedelta(minutes=2))
    refused("unknown_type", verify, town, town.publish(), types={schemas.CONTRIBUTION.vct})


def test_a_key_that_is_not_the_issuers_is_refused(town: Town) -> None:
    for known in ({}, {f"{DID}#other": town.holder.public_key}):
        refused("wrong_issuer_key", verify, town, town.publish(), policy=town.policy_with(public_keys=known))
