from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.encoding.date_time import parse_date_time, write_date_time
from credentials.errors import Malformed


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_comes_back_to_the_second(moment: datetime) -> None:
    assert parse_date_time(write_date_time(moment), what="test", zone_required=True) == moment.replace(microsecond=0)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01T00:00:00Z", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T02:00:00.1234567+02:00", datetime(2026, 11, 1, microsecond=123456, tzinfo=UTC)),
        ("2026-10-31T10:00:00.5-14:00", datetime(2026, 11, 1, microsecond=500000, tzinfo=UTC)),
        ("2026-11-01T00:00:00", datetime(2026, 11, 1, tzinfo=UTC)),
    ],
)
def test_every_form_of_xml_schema_is_read(text: str, moment: datetime) -> None:
    assert parse_date_time(text, what="test") == moment


@pytest.mark.parametrize(
    "value",
    [
        "",
        "2026-11-01",
        "2026-11-01 00:00:00Z",
        "2026-11-01T00:00:00z",
        "2026-11-31T00:00:00Z",
        "2026-11-01T25:00:00Z",
        "2026-11-01T00:00:60Z",
        "2026-11-01T00:00:00+15:00",
        "20261101T000000Z",
        "\uff12026-11-01T00:00:00Z",
        None,
        5,
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "2026-11-01T00:00:00.Z",
        "2026-11-01T00:00:00Z\n",
    ],
    ids=ascii,
)
def test_any_other_text_is_malformed(value: Any) -> None:
    with pytest.raises(Malformed):
        parse_date_time(value, what="test")


def test_a_moment_without_a_zone_is_refused_where_a_zone_is_needed() -> None:
    with pytest.raises(Malformed, match="not a date and time"):
        parse_date_time("2026-11-01T00:00:00", what="test", zone_required=True)


def test_a_moment_is_written_in_utc() -> None:
    moment = datetime(2026, 11, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert write_date_time(moment) == "2026-10-31T23:30:00Z"
