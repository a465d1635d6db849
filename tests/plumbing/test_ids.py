"""Identifiers that leave their service."""

import secrets

import pytest

from credentials.encoding import base64url
from plumbing.ids import new_public_id


def test_an_id_that_a_terminal_would_take_for_an_option_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([b"\xf8" + bytes(15), b"\xfb" + bytes(15), b"\x04" + bytes(15)])
    monkeypatch.setattr(secrets, "token_bytes", lambda _: next(drawn))
    assert new_public_id() == base64url.encode(b"\x04" + bytes(15)) == "BA" + 20 * "A"
