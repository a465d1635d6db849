"""Where a kill fell is read from signs, and a test of kills wants most of them where there is something to lose."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.faults.moments import Fallen, Place


@pytest.mark.parametrize(
    ("signs", "place"),
    [
        (b"", Place.BEFORE),
        (b"![", Place.BEFORE),
        (b"![(", Place.DURING),
        (b"![()", Place.BETWEEN),
        (b"![()[(", Place.DURING),
        (b"![()$[(", Place.DURING),
        (b"![()$[()", Place.AFTER),
        (b"![()$$[()", Place.BETWEEN),
        (b"![()$$[()[()", Place.AFTER),
        (b"![()|", Place.AFTER),
        (b"![()$[()|!", Place.BEFORE),
        (b"![()|![()", Place.BETWEEN),
    ],
)
def test_signs_tell_where_in_its_errand_a_life_ended(signs: bytes, place: Place) -> None:
    assert Place.of(signs) is place


@pytest.mark.parametrize(
    ("in_time", "at_transaction", "enough"),
    [
        ({Place.BETWEEN: 12, Place.BEFORE: 13}, {Place.DURING: 12, Place.AFTER: 13}, True),
        ({Place.BEFORE: 25}, {Place.DURING: 12, Place.BETWEEN: 13}, False),
        ({Place.BETWEEN: 25}, {Place.AFTER: 14, Place.DURING: 11}, False),
    ],
)
def test_each_half_must_hit_what_lies_between_first_and_last_commit(
    in_time: dict[Place, int], at_transaction: dict[Place, int], enough: bool
) -> None:
    fallen = Fallen(in_time=Counter(in_time), at_transaction=Counter(at_transaction))
    assert fallen.are_within(50) is enough
