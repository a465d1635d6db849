from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.encoding import base64url
from credentials.errors import HandstampError, Malformed
from credentials.protocols.handshake import Handshake, HandshakeMismatch

SALT = bytes(range(16))
TERMS = "Keep it to yourself.\nPlay it loud — ü."


def test_the_nonce_commits_to_salt_and_terms() -> None:
    handshake = Handshake(text=TERMS, language="en", salt=SALT)
    inner = hashlib.sha256(TERMS.encode()).digest()
    assert handshake.terms_hash == inner
    assert handshake.nonce == base64url.encode(hashlib.sha256(SALT + inner).digest())
    handshake.check_nonce(handshake.nonce)


def test_a_fresh_salt_is_drawn() -> None:
    handshake = Handshake.build(text=TERMS, language="pt-BR", random=lambda size: b"\x07" * size)
    assert handshake.salt == b"\x07" * 16


@pytest.mark.parametrize(
    "other",
    [
        Handshake(text=TERMS + " ", language="en", salt=SALT),
        Handshake(text=TERMS, language="en", salt=SALT[::-1]),
    ],
)
def test_other_terms_or_another_salt_do_not_match(other: Handshake) -> None:
    with pytest.raises(HandshakeMismatch):
        other.check_nonce(Handshake(text=TERMS, language="en", salt=SALT).nonce)


@pytest.mark.parametrize("nonce", ["", "é", "a" * 43, "\ud800"])
def test_any_other_nonce_does_not_match(nonce: str) -> None:
    with pytest.raises(HandshakeMismatch):
        Handshake(text=TERMS, language="en", salt=SALT).check_nonce(nonce)


@pytest.mark.parametrize(
    "change",
    [
        {"text": ""},
        {"text": "x" * 8193},
        {"text": "a\x00b"},
        {"text": "pay \u202enothing"},
        {"text": "\ud800"},
        {"language": "english language"},
        {"language": ""},
        {"salt": b"short"},
    ],
)
def test_terms_that_could_be_shown_otherwise_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        Handshake(**{"text": TERMS, "language": "en", "salt": SALT, **change})


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf"]), min_size=1, max_size=50),
    st.binary(min_size=16, max_size=16),
)
def test_a_handshake_is_read_as_it_was_written(text: str, salt: bytes) -> None:
    handshake = Handshake(text=text, language="en", salt=salt)
    assert Handshake.parse(handshake.to_json()) == handshake


@given(
    st.fixed_dictionaries(
        {}, optional={name: st.text(max_size=9) | st.none() | st.integers() for name in ("text", "language", "salt")}
    )
)
def test_any_object_is_a_handshake_or_refused(value: dict[str, Any]) -> None:
    with pytest.raises(HandstampError):
        Handshake.parse(value)
