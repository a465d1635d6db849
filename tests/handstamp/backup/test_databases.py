"""What other programs are told of a database, and by which way."""

from pathlib import Path

import pytest

from handstamp.backup.databases import copy_database
from handstamp.backup.errors import ToolFailed

NOTES = """#!/bin/sh
for last; do :; done
printf '%s\\n' "$last" "$PGPASSWORD" > "$0.told"
test -z "$PGSERVICEFILE" || { stat -c %a "$PGSERVICEFILE"; cat "$PGSERVICEFILE"; } >> "$0.told"
"""


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("postgresql://coop:hunter2%40@db.example:5433/coop", "postgresql://coop@db.example:5433/coop"),
        (
            "postgresql:///coop?host=db.example&password=hunter2%40&user=coop",
            "postgresql:///coop?host=db.example&user=coop",
        ),
        ("postgres://coop:old@db.example/coop?password=hunter2%40", "postgresql://coop@db.example/coop"),
    ],
)
def test_a_password_goes_by_the_environment_whole_and_never_by_arguments(
    tmp_path: Path, url: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    program = tmp_path / "pg_dump"
    program.write_text(NOTES)
    program.chmod(0o700)
    copy_database(url, tmp_path / "copy" / "database", tools=tmp_path)
    assert (tmp_path / "pg_dump.told").read_text().splitlines() == [f"--dbname={target}", "hunter2@"]


def test_a_secret_for_which_there_is_no_variable_goes_by_a_private_file_that_does_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGSERVICEFILE", raising=False)
    program = tmp_path / "pg_dump"
    program.write_text(NOTES)
    program.chmod(0o700)
    url = "postgresql://coop@db.example/coop?sslmode=verify-full&sslkey=/etc/key.pem&sslpassword=hunter2%40"
    copy_database(url, tmp_path / "copy" / "database", tools=tmp_path)
    target, password, *told = (tmp_path / "pg_dump.told").read_text().splitlines()
    assert "sslkey=" in target
    assert "service=handstamp" in target
    assert "hunter2" not in target
    assert password == ""
    assert told == ["600", "[handstamp]", "sslpassword=hunter2@"]
    assert list((tmp_path / "copy").iterdir()) == []
    with pytest.raises(ToolFailed, match="put sslpassword into the one that"):
        copy_database(f"{url}&service=mine", tmp_path / "copy" / "database", tools=tmp_path)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "pg_dump: error: aborting because of server version mismatch\npg_dump: detail: server 17.2; pg_dump 15.6\n",
            r"aborting because of server version mismatch\. server 17\.2; pg_dump 15\.6\.$",
        ),
        ("Segmentation fault\n", r"changed: Segmentation fault\.$"),
        ("", r"changed: it ended with 3\.$"),
    ],
)
def test_what_a_program_says_of_its_failure_is_repeated_without_its_own_name(
    tmp_path: Path, said: str, words: str
) -> None:
    program = tmp_path / "pg_dump"
    program.write_text(f"#!/bin/sh\nprintf '%s' '{said}' >&2\nexit 3\n")
    program.chmod(0o700)
    with pytest.raises(ToolFailed, match=words):
        copy_database("postgresql:///coop", tmp_path / "copy" / "database", tools=tmp_path)
