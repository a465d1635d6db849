import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackserver.names import content_disposition, distinct_names, safe_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Nachtlied", "Nachtlied"),
        ("../../etc/passwd", "-..-etc-passwd"),
        ("AC/DC: Live?", "AC-DC- Live-"),
        ("C:\\Windows\\x", "C-Windows-x"),
        ("con", "_con"),
        ("LPT1.old", "_LPT1.old"),
        ("ends with dots... ", "ends with dots"),
        ("   ", "Track"),
        ("...", "Track"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("zero\u200bwidth\x00\x1b[31m", "zerowidth[31m"),
        ("two\nlines\there", "two lines here"),
        ("Mo\u0308ven", "M\u00f6ven"),
        ("\ud800lone", "lone"),
        ("日本語の歌", "日本語の歌"),
    ],
)
def test_a_title_becomes_a_name_that_every_system_takes(text: str, name: str) -> None:
    assert safe_name(text, fallback="Track") == name


@given(st.text())
def test_no_title_makes_an_unsafe_name(text: str) -> None:
    name = safe_name(text, fallback="Track")
    assert name
    assert not set(name) & set('\\/:*?"<>|')
    assert name == name.strip(" .")
    assert len(name.encode()) <= 151
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in name)
    assert name.split(".")[0].lower() not in {"con", "prn", "aux", "nul", "com1", "lpt9"}


def test_a_long_title_is_cut_between_characters() -> None:
    name = safe_name("ä" * 200, fallback="Track")
    assert name == "ä" * 75


def test_names_that_differ_only_in_case_get_numbers() -> None:
    names = distinct_names([("Song", "flac"), ("SONG", "flac"), ("Song", "mp3"), ("song", "flac")])
    assert names == ("Song.flac", "SONG (2).flac", "Song.mp3", "song (3).flac")


@given(st.lists(st.tuples(st.text(min_size=1, max_size=3), st.just("flac"))))
def test_no_two_names_are_one_file(names: list[tuple[str, str]]) -> None:
    made = distinct_names(names)
    assert len({unicodedata.normalize("NFKC", name).casefold() for name in made}) == len(names)


def test_the_header_names_the_file_for_old_and_new_readers() -> None:
    assert content_disposition('Süd "x".flac') == (
        "attachment; filename=\"Sud _x_.flac\"; filename*=UTF-8''S%C3%BCd%20%22x%22.flac"
    )
    assert content_disposition("日本.flac").startswith('attachment; filename="download.flac"')


@given(st.text())
def test_the_header_can_never_be_broken_out_of(text: str) -> None:
    header = content_disposition(safe_name(text, fallback="x"))
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
