from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from jinja2 import Environment

from plumbing.web.filters import FILTERS


def write(template: str, language: str = "en", **values: object) -> str:
    environment = Environment(autoescape=True)
    environment.filters.update(FILTERS)
    environment.globals["language"] = language
    return environment.from_string(template).render(**values).replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1 kB"),
        (31_200_000, "31.2 MB"),
        (99_960_000, "100 MB"),
        (312_400_000, "312 MB"),
        (999_960_000, "1 GB"),
        (2_147_483_648, "2.1 GB"),
        (5_000_000_000_000_000, "5,000 TB"),
    ],
)
def test_a_size_is_written_as_people_compare_it(size_bytes: int, words: str) -> None:
    assert write("{{ n|file_size }}", n=size_bytes) == words


def test_a_size_uses_the_comma_where_the_language_does() -> None:
    assert write("{{ 31200000|file_size }}", "de") == "31,2 MB"


@pytest.mark.parametrize(("length_s", "words"), [(0, "0:00"), (59.6, "1:00"), (185, "3:05"), (3723, "1:02:03")])
def test_a_playing_time_is_written_in_minutes(length_s: float, words: str) -> None:
    assert write("{{ n|duration }}", n=length_s) == words


def test_a_month_is_written_in_the_readers_language() -> None:
    assert write("{{ '2026-03'|month }}") == "March 2026"
    assert write("{{ '2026-03'|month }}", "de") == "März 2026"
    assert write("{{ d|month }}", d=date(2026, 3, 1)) == "March 2026"


def test_a_day_is_written_in_the_readers_language() -> None:
    assert write("{{ '2026-11-21'|day }}") == "November 21, 2026"
    assert write("{{ d|day }}", "de", d=date(2026, 11, 21)) == "21. November 2026"


def test_a_time_of_day_says_its_zone() -> None:
    moment = datetime(2026, 11, 21, 20, 5, tzinfo=UTC)
    assert write("{{ m|clock }}", m=moment) == "Nov 21, 8:05 PM UTC"
    assert write("{{ m|clock }}", "de", m=moment.astimezone(timezone(timedelta(hours=9)))) == "21. Nov., 20:05 UTC"
    assert write("{{ m|iso_time }}", m=moment) == "2026-11-21T20:05:00Z"


def test_words_are_joined_as_the_language_does() -> None:
    assert write("{{ ['flac', 'MP3', 'opus']|map('format_name')|list|word_list }}") == "FLAC, MP3, and Opus"
    assert write("{{ ['flac', 'opus']|map('format_name')|list|word_list }}", "de") == "FLAC und Opus"


def test_numbers_and_codes_are_grouped() -> None:
    assert write("{{ 1022|number }} {{ '482913'|code_groups }}") == "1,022 482 913"


def test_credits_keep_their_three_digits() -> None:
    assert write("{{ 960|credits }} {{ 1234567|credits }}") == "0.960 1,234.567"
    assert write("{{ 960|credits }}", "de") == "0,960"


@pytest.mark.parametrize("language", ["tlh", "not a language", ""])
def test_an_unknown_language_falls_back_to_english(language: str) -> None:
    assert write("{{ '2026-03'|month }}", language) == "March 2026"
