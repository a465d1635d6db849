"""An option in a database's address that its driver would not take is named when settings are read."""

from __future__ import annotations

import pytest

from plumbing.database_engine import NoDatabaseUrl, parse_database_url


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://db/coop?ssl_mode=require", "PostgreSQL knows no option ssl_mode;"),
        ("postgresql://db/coop?pool_size=5", "PostgreSQL knows no option pool_size;"),
        ("postgresql://db/coop?sslmode=yes", "its option sslmode is none of allow, disable, prefer, require, verify"),
        (
            "postgresql://db/coop?target_session_attrs=rw",
            "its option target_session_attrs is none of any, prefer-standby, primary,",
        ),
        ("postgresql://db/coop?connect_timeout=5s", "its option connect_timeout is no whole number"),
        ("postgresql://db/coop?sslmode=require&sslmode=allow", "its option sslmode is there twice"),
        ("sqlite:////srv/coop.sqlite?mode=ro", "an SQLite file takes no options"),
    ],
)
def test_a_wrong_option_is_named(url: str, words: str) -> None:
    with pytest.raises(NoDatabaseUrl) as told:
        parse_database_url(url)
    assert str(told.value).startswith(words)


def test_a_password_that_looks_like_an_option_is_not_repeated() -> None:
    with pytest.raises(NoDatabaseUrl) as told:
        parse_database_url("postgresql://db/coop?Pa55word@db=1")
    assert "Pa55word" not in str(told.value)
    assert "%3F" in str(told.value)


@pytest.mark.parametrize(
    "options",
    [
        "host=/run/postgresql",
        "host=a.example&port=5432&host=b.example&port=5433&target_session_attrs=read-write",
        "sslmode=verify-full&sslrootcert=/etc/ssl/db.pem&connect_timeout=9&options=-c%20jit%3Doff&application_name=x",
    ],
)
def test_an_option_that_the_driver_knows_is_taken(options: str) -> None:
    assert parse_database_url(f"postgresql:///coop?{options}").query
