"""Bitstring Status Lists between our code and Digital Bazaar's package: each publishes, both look up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from credentials.data_integrity import eddsa_rdfc_2022
from credentials.dids.did_key import build_did_key
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.status.bitstring import (
    MIN_ENTRIES,
    REVOCATION,
    Bitstring,
    BitstringEntry,
    build_bitstring_credential,
)
from credentials.status.bitstring_checking import verify_bitstring_list
from schemas import TRACK_OWNERSHIP
from tests.support.bazaar import (
    NOW,
    NOW_TEXT,
    Bazaar,
    build,
    find_keys,
    sign_whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable


SIDES = ("ours", "theirs")
LIST_URL = "https://coop.example/statuslists/7"
TAKEN_BACK, GOOD = 70_001, 70_002


def publish_here(bazaar: Bazaar, did: str, signer: LocalSigner) -> dict[str, Any]:
    del bazaar
    unsigned = build_bitstring_credential(
        Bitstring.all_valid().replaced({TAKEN_BACK: 1}),
        uri=LIST_URL,
        issuer_did=did,
        purpose=REVOCATION,
        valid_from=NOW,
        valid_until=NOW + timedelta(days=3_650),
        ttl=timedelta(minutes=5),
    )
    return sign_whole(unsigned, did, signer)


def publish_there(bazaar: Bazaar, did: str, signer: LocalSigner) -> dict[str, Any]:
    unsigned = bazaar.ask("listStatuses", url=LIST_URL, length=MIN_ENTRIES, set=[TAKEN_BACK], purpose=REVOCATION)
    return sign_whole({**unsigned, "issuer": did}, did, signer)


@pytest.mark.parametrize("publish", [publish_here, publish_there], ids=SIDES)
@pytest.mark.parametrize(("index", "status"), [(TAKEN_BACK, 1), (GOOD, 0)])
def test_both_read_the_same_entry_of_a_status_list(
    bazaar: Bazaar, publish: Callable[..., dict[str, Any]], index: int, status: int
) -> None:
    signer = LocalSigner.generate(KeyKind.ED25519)
    did = build_did_key(signer.public_key)
    bazaar.know_did(did)
    published = publish(bazaar, did, signer)
    entry = BitstringEntry(uri=LIST_URL, index=index)
    document = {**build(TRACK_OWNERSHIP, did), "credentialStatus": entry.to_json()}
    bazaar.ask("know", url=LIST_URL, document=published)
    suite = eddsa_rdfc_2022.SUITE.name
    found = bazaar.ask("verify", secured=sign_whole(document, did, signer), suite=suite, now=NOW_TEXT)
    assert found["status"] == [bool(status)]
    ours = verify_bitstring_list(published, uri=LIST_URL, issuer=did, find_key=find_keys(did), at=NOW)
    assert ours.look_up(entry) == status
