"""Ids, time, QR codes, migrations."""

import io
import uuid
from datetime import UTC, datetime, timedelta

import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from credentials.encoding import base45
from plumbing import ids
from plumbing.clock import epoch_s, system_clock
from plumbing.qr import qr_svg, qr_terminal

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_an_internal_id_is_a_uuid_of_version_7_that_holds_its_moment() -> None:
    parsed = uuid.UUID(ids.new_internal_id(NOW))
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122
    assert parsed.int >> 80 == int(NOW.timestamp() * 1000)


@given(st.integers(min_value=1, max_value=10**9))
def test_internal_ids_sort_by_time(later_ms: int) -> None:
    assert ids.new_internal_id(NOW) < ids.new_internal_id(NOW + timedelta(milliseconds=later_ms))


def test_public_ids_and_secrets_do_not_repeat_and_have_their_lengths() -> None:
    assert {len(ids.new_public_id()) for _ in range(100)} == {22}
    assert {len(ids.new_secret()) for _ in range(100)} == {43}
    assert len({ids.new_public_id() for _ in range(1000)}) == 1000


def test_the_clock_is_aware_and_in_utc() -> None:
    assert system_clock().tzinfo is UTC
    assert epoch_s(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)) == 1


def photograph(code: str) -> Image.Image:
    """Return what a dark terminal of just that width shows."""
    rows = code.splitlines()
    image = Image.new("L", (len(rows[0]) * 4, len(rows) * 8), 0)
    draw = ImageDraw.Draw(image)
    halves = {"█": (1, 1), "▀": (1, 0), "▄": (0, 1)}
    for y, row in enumerate(rows):
        for x, character in enumerate(row):
            for half, lit in enumerate(halves.get(character, (0, 0))):
                if lit:
                    draw.rectangle((x * 4, y * 8 + half * 4, x * 4 + 3, y * 8 + half * 4 + 3), fill=255)
    return image


def test_a_drawn_code_reads_back_from_the_terminal() -> None:
    image = photograph(qr_terminal("openid4vp://?client_id=x"))
    assert [code.text for code in zxingcpp.read_barcodes(image)] == ["openid4vp://?client_id=x"]


def test_the_largest_pass_fits_in_a_terminal_of_80_columns_and_reads_back() -> None:
    largest = base45.encode(bytes(range(250)) * 2)
    wide, narrow = qr_terminal(largest), qr_terminal(largest, columns=80)
    assert {len(row) for row in wide.splitlines()} == {81}
    assert {len(row) for row in narrow.splitlines()} == {79}
    assert [code.text for code in zxingcpp.read_barcodes(photograph(narrow))] == [largest]
    assert qr_terminal(largest, columns=81) == wide


def test_a_drawn_code_is_a_picture_without_script_or_style() -> None:
    for sturdy in (False, True):
        svg = qr_svg("https://artist.example/gates/one", sturdy=sturdy)
        assert svg.startswith(b"<?xml")
        assert b"<script" not in svg
        assert b"style=" not in svg
    assert io.BytesIO(qr_svg("x")).read(5) == b"<?xml"
