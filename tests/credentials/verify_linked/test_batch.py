"""Many presentations are verified at once: each ends as it would alone."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest

from credentials.bbs.curve import is_paired
from credentials.data_integrity.errors import BadProof
from credentials.errors import HandstampError
from credentials.evidence import Verified
from credentials.verify_linked import Showing, verify_linked, verify_linked_batch
from tests.credentials.verify_linked.conftest import DOMAIN, HEADER, NOW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.credentials.verify_linked.conftest import Town

OTHER = bytes(32)


def one(presentation: Mapping[str, Any], *, header: bytes = HEADER, domain: str | None = None) -> Showing:
    return Showing(presentation=presentation, presentation_header=header, nym_domain=domain)


def with_claim(presentation: Mapping[str, Any], **changed: str) -> dict[str, Any]:
    return {**presentation, "credentialSubject": {**presentation["credentialSubject"], **changed}}


def verify_alone(town: Town, showing: Showing) -> Verified | HandstampError:
    try:
        return verify_linked(
            showing.presentation,
            policy=town.policy,
            presentation_header=showing.presentation_header,
            nym_domain=showing.nym_domain,
            at=NOW,
        )
    except HandstampError as error:
        return error


@pytest.fixture
def showings(town: Town) -> tuple[Showing, ...]:
    secured, blind = town.countable_credential
    plain = town.show()
    counted = town.show(secured, prover_nym=town.nym, blind=blind, nym_domain=DOMAIN)
    return (
        one(plain),
        one(with_claim(plain, track="3f1c2a70-5a1f-4b0e-9b1e-0c6a5f0d7e12")),
        one(counted, domain=DOMAIN),
        one(plain, header=OTHER),
        one(counted, domain=f"{DOMAIN}#2026-11"),
        one(counted),
        one(plain, domain=DOMAIN),
        one({**plain, "issuer": "did:web:nobody.example"}),
        one({}),
    )


def test_each_of_many_has_the_evidence_or_the_error_that_it_has_alone(
    town: Town, showings: tuple[Showing, ...]
) -> None:
    results = verify_linked_batch(showings, policy=town.policy, at=NOW, random=secrets.token_bytes)
    assert len(results) == len(showings)
    for showing, result in zip(showings, results, strict=True):
        alone = verify_alone(town, showing)
        if isinstance(alone, Verified):
            assert result == alone
        else:
            assert (type(result), str(result)) == (type(alone), str(alone))
    assert [isinstance(each, Verified) for each in results] == [True, False, True, *[False] * 6]
    assert isinstance(results[1], BadProof)


def test_many_good_ones_take_one_pairing_and_none_takes_none(
    town: Town, showings: tuple[Showing, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    pairings: list[int] = []

    def count(pairs: Sequence[tuple[Any, Any]], total: Any) -> bool:
        pairings.append(len(pairs))
        return is_paired(pairs, total)

    monkeypatch.setattr("credentials.bbs.batch.is_paired", count)
    good = (showings[0], showings[2]) * 3
    results = verify_linked_batch(good, policy=town.policy, at=NOW, random=secrets.token_bytes)
    assert all(isinstance(each, Verified) for each in results)
    assert pairings == [1]
    assert verify_linked_batch((), policy=town.policy, at=NOW, random=secrets.token_bytes) == ()
