"""No name that another party chooses leaves its folder, hides, or means a device."""

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wallet.names import safe_name, safe_names


@pytest.mark.parametrize(
    ("untrusted", "safe"),
    [
        ("01 Night Bus.flac", "01 Night Bus.flac"),
        ("Füße, Ça va.mp3", "Füße, Ça va.mp3"),
        ("../../evil", "evil"),
        ("..\\evil.exe", "evil.exe"),
        ("C:\\a", "C__a"),
        ("/etc/passwd", "etc_passwd"),
        (".bashrc", "bashrc"),
        ("...", "file"),
        ("", "file"),
        ("con", "file_con"),
        ("NUL.flac", "file_NUL.flac"),
        ("com1.tar.gz", "file_com1.tar.gz"),
        ("a\x00b\x1b[2J.flac", "ab[2J.flac"),
        ("gpj.\u202egnp.exe", "gpj.gnp.exe"),
        ("line\nbreak", "line break"),
        ("  spaces  .  ", "spaces"),
        ("AC/DC - What?.flac", "AC_DC - What_.flac"),
        (".flac", "flac"),
    ],
)
def test_a_name_becomes_safe_and_stays_readable(untrusted: str, safe: str) -> None:
    assert safe_name(untrusted) == safe


@settings(deadline=None)
@given(st.text(max_size=400))
def test_every_name_is_one_visible_name_in_its_folder_on_every_system(untrusted: str) -> None:
    name = safe_name(untrusted)
    assert 0 < len(name.encode()) <= 180
    assert PurePosixPath(name).name == name
    assert PureWindowsPath(name).name == name
    assert not name.startswith(".")
    assert not name.endswith((".", " "))
    assert name.isprintable()
    assert not PureWindowsPath(name).is_reserved()
    assert safe_name(name) == name


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a.flac", "A.flac", "a (2).flac", "b", "B", "../a.flac", "con", "CON"]), max_size=8))
def test_no_two_names_are_one_file_anywhere(untrusted: list[str]) -> None:
    names = safe_names(untrusted)
    assert len(names) == len(untrusted)
    assert len({name.casefold() for name in names}) == len(names)
