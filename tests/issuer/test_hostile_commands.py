"""What an operator may mistype, or be talked into typing: one command, one exact error, and nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from credentials.errors import HandstampError
from tests.issuer.conftest import RELEASE, TRACKS
from tests.issuer.test_ledger_command import prepared, terminal

if TYPE_CHECKING:
    from tests.issuer.test_command import Terminal

__all__ = ["prepared", "terminal"]
NOBODY = "aaaaaaaa-0000-4000-8000-00000000000a"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["gift", "Nobody", RELEASE], "unknown_listener"),
        (["gift", "Robin' OR 1=1 --", RELEASE], "unknown_listener"),
        (["gift", "Robin", "../../etc/passwd"], "not_offered"),
        (["gift", "Robin", NOBODY], "not_offered"),
        (["buy", "Robin", "\x1b[2J"], "not_offered"),
        (["play", "Robin", RELEASE], "not_offered"),
        (["play", "%", TRACKS[0]], "unknown_listener"),
        (["refund", "A" * 22], "no_such_copy"),
        (["refund", RELEASE], "no_such_copy"),
        (["hold", "A" * 22], "no_such_copy"),
        (["takedown", NOBODY], "not_offered"),
        (["offer", "Robin"], "nothing_to_offer"),
        (["offer", "Robin", "--copy", "A" * 22], "nothing_to_offer"),
        (["code", "make", NOBODY], "not_offered"),
        (["code", "redeem", "Robin", "0000-0000-0000-0000"], "unknown_code"),
        (["code", "redeem", "Robin", "UUUU-UUUU-UUUU-UUUU"], "unknown_code"),
        (["code", "redeem", "Robin", "0" * 200], "unknown_code"),
        (["code", "redeem", "Nobody", "0000-0000-0000-0000"], "unknown_listener"),
        (["member", "add", "Nobody"], "unknown_listener"),
        (["member", "add", "Robin", "--class", "\x1b[31mred"], "malformed"),
        (["member", "add", "Robin", "--class", "\u202egnihton"], "malformed"),
        (["member", "add", "Robin", "--since", "0001-01-01"], "malformed"),
        (["member", "add", "Robin", "--since", "2026-02-30"], "malformed"),
        (["member", "end", "Robin"], "no_such_member"),
        (["listener", "add", "--name", "\x1b]0;owned\x07"], "malformed"),
        (["listener", "add", "--email", "mia\x7f@coop.example"], "malformed"),
        (["listener", "add", "--name", "Mia", "--birth-date", "2010-02-30"], "malformed"),
        (["login-link", "Nobody"], "unknown_listener"),
        (["copies", "Nobody"], "unknown_listener"),
    ],
    ids=lambda value: " ".join(value)[:40].encode("unicode_escape").decode() if isinstance(value, list) else value,
)
def test_a_command_that_cannot_be_followed_has_its_exact_error(
    terminal: Terminal, command: list[str], code: str
) -> None:
    with pytest.raises(HandstampError) as refusal:
        terminal.run(*command)
    assert refusal.value.code == code
    assert terminal.json("copies", "Robin") == []
