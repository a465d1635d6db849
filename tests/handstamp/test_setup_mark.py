"""The mark by which workers are compared: the same for the same, another for anything else, and no setting in it."""

from pathlib import Path

from handstamp.composition.setup_mark import setup_mark
from handstamp.settings import IssuerSettings, Settings
from plumbing.keystore import KeyStore


def mark(keys: KeyStore, **about: object) -> str:
    return setup_mark("issuer", Settings(issuer=IssuerSettings(**about)), keys)  # type: ignore[arg-type]


def test_workers_of_the_same_settings_have_one_mark_whatever_is_each_workers_own(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path / "keys")
    assert mark(keys) == mark(keys, port=9000, bind_host="127.0.0.2", metrics_port=9100)
    assert mark(keys, database_url="sqlite:////one/coop.sqlite") == mark(keys)


def test_another_setting_database_or_key_folder_gives_another_mark(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path / "keys")
    marks = {
        mark(keys),
        mark(keys, tries_per_minute=7),
        mark(keys, database_url="postgresql:///coop"),
        mark(keys, database_url="postgresql:///other"),
        mark(KeyStore(tmp_path / "others")),
    }
    assert len(marks) == 5
