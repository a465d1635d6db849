"""Download codes: bound to what they were made for, used once, and told apart from every other mistake."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import Malformed
from issuer.codes import CodeUsed, UnknownCode, read_code, write_code
from issuer.ledger import Acquisition
from issuer.service.record import AlreadyTheirs, NotOffered
from issuer.store import Store
from issuer.tables import DownloadCodeRow, EntryRow
from tests.issuer.acts import copy_of, new_codes, redeem, take_back
from tests.issuer.conftest import RELEASE, TRACKS, description

if TYPE_CHECKING:
    from tests.issuer.conftest import Coop

FIRST, SECOND, _ = TRACKS
OTHER = "9d0f6a1e-2c53-4a4f-8f7d-1a2b3c4d5e70"


def test_a_code_gives_the_release_that_it_is_bound_to_and_no_other(coop: Coop) -> None:
    """The shop whose code of one record opened whichever record was named beside it."""
    coop.add_release(description(OTHER, ("3f1c2a70-5a1f-4b0e-9b1e-0c6a5f0d7e30",), title="Elsewhere"))
    listener = coop.listener()
    (code,) = new_codes(coop, RELEASE)
    redeem(coop, listener, code)
    assert {copy.subject for copy in coop.copies(listener)} == {RELEASE, *TRACKS}
    assert {copy.acquisition for copy in coop.copies(listener)} == {Acquisition.DOWNLOAD_CODE}


def test_many_who_type_one_code_at_the_same_moment_make_one_copy(coop: Coop) -> None:
    (code,) = new_codes(coop, FIRST)
    listeners = [coop.listener() for _ in range(10)]
    outcomes: list[str] = []
    barrier = threading.Barrier(len(listeners))

    def run(listener: str) -> None:
        barrier.wait()
        try:
            redeem(coop, listener, code)
        except CodeUsed as error:
            outcomes.append(error.code)
        else:
            outcomes.append("theirs")

    threads = [threading.Thread(target=run, args=(listener,)) for listener in listeners]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(outcomes) == ["code_used"] * 9 + ["theirs"]
    assert coop.rows(EntryRow) == 1


def test_whoever_types_their_own_code_again_is_told_what_it_gave(coop: Coop) -> None:
    listener = coop.listener()
    (code,) = new_codes(coop, FIRST)
    first = redeem(coop, listener, code)
    assert redeem(coop, listener, code) == first
    with pytest.raises(CodeUsed):
        redeem(coop, coop.listener(), code)
    take_back(coop, copy_of(coop, listener, FIRST).id)
    redeem(coop, listener, code)
    assert coop.copies(listener) == []


def test_a_code_for_what_is_owned_stays_good_for_somebody_else(coop: Coop) -> None:
    (code,) = new_codes(coop, RELEASE)
    with pytest.raises(AlreadyTheirs):
        redeem(coop, coop.owner(), code)
    redeem(coop, coop.listener(), code)


def test_a_takedown_changes_nothing_for_who_holds_a_code(coop: Coop) -> None:
    (code,) = new_codes(coop, RELEASE)
    with coop.parts.database.write() as session:
        Store(session).take_down(TRACKS, at=coop.now)
    with pytest.raises(NotOffered):
        new_codes(coop, RELEASE)
    listener = coop.listener()
    redeem(coop, listener, code)
    assert len(coop.copies(listener)) == 4


def test_what_is_no_code_is_said(coop: Coop) -> None:
    listener = coop.listener()
    for typed in ("", "7K2M", "7K2M-9QXR-0000-000U", "0" * 17, "7K2M 9QXR 0000 0000", "x" * 5000, "ÄÖ"):
        with pytest.raises(UnknownCode, match="Nothing is lost"):
            redeem(coop, listener, typed)


def test_codes_are_kept_as_hashes_and_only_so_many_are_made_at_once(coop: Coop) -> None:
    codes = new_codes(coop, FIRST, 20)
    assert len(set(codes)) == 20
    path = coop.parts.database.url.database
    assert path
    with coop.parts.database.read() as session:
        from sqlmodel import select  # noqa: PLC0415

        kept = repr(session.exec(select(DownloadCodeRow)).all())
    assert not [code for code in codes if code in kept or code.replace("-", "") in kept]
    for count in (0, 10_001):
        with pytest.raises(Malformed):
            new_codes(coop, FIRST, count)


@given(st.binary(min_size=10, max_size=10), st.sampled_from([" ", "", "-", "\u2013", "\n"]), st.booleans())
def test_a_code_is_read_however_it_was_typed(random: bytes, between: str, small: bool) -> None:
    code = write_code(random)
    assert len(code) == 19
    typed = code.replace("-", between).replace("0", "O").replace("1", "l" if small else "I")
    assert read_code(typed.lower() if small else typed) == code.replace("-", "")


@given(st.text(max_size=40))
def test_whatever_is_typed_is_a_code_or_unknown(typed: str) -> None:
    with contextlib.suppress(UnknownCode):
        assert len(read_code(typed)) == 16
