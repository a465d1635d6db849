"""A document is taken only if it is the one that was meant."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import HandstampError, Malformed
from credentials.type_metadata import WrongIntegrity, build_integrity, check_integrity

DOCUMENT = b'{"vct": "urn:x"}\n'


def expression(name: str, document: bytes = DOCUMENT) -> str:
    return f"{name}-{base64.b64encode(hashlib.new(name, document).digest()).decode()}"


@pytest.mark.parametrize(
    "integrity",
    [
        expression("sha256"),
        expression("sha384"),
        expression("sha512"),
        expression("sha256").rstrip("="),
        expression("sha512").replace("+", "-").replace("/", "_"),
        expression("sha256") + "?foo=bar",
        f"  {expression('sha256')}\t{expression('sha384')} ",
        f"md5-AAAA {expression('sha256')}",
        # Two of the strongest: one of them is enough. A weaker one that differs is not looked at.
        f"{expression('sha384', b'old')} {expression('sha384')} {expression('sha256', b'old')}",
    ],
)
def test_what_fits_passes(integrity: str) -> None:
    check_integrity(DOCUMENT, integrity, what="document")


@pytest.mark.parametrize(
    "integrity",
    [
        expression("sha256", b"another"),
        # The strongest decides, however well a weaker one fits.
        f"{expression('sha256')} {expression('sha512', b'another')}",
        "md5-" + base64.b64encode(hashlib.md5(DOCUMENT, usedforsecurity=False).digest()).decode(),
        "sha256-AAAA",
    ],
)
def test_what_differs_is_refused(integrity: str) -> None:
    with pytest.raises(WrongIntegrity) as refusal:
        check_integrity(DOCUMENT, integrity, what="document")
    assert refusal.value.code == "wrong_integrity"


@pytest.mark.parametrize(
    "integrity", ["", "  ", "sha256", "sha256-", "sha256-!", "sha256-A", "-AAAA", "sha256-" + "A" * 1100]
)
def test_what_is_no_integrity_metadata_is_malformed(integrity: str) -> None:
    with pytest.raises(Malformed, match="integrity metadata"):
        check_integrity(DOCUMENT, integrity, what="document")


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_only_the_same_bytes_pass(document: bytes, other: bytes) -> None:
    check_integrity(document, build_integrity(document), what="document")
    if other != document:
        with pytest.raises(WrongIntegrity):
            check_integrity(other, build_integrity(document), what="document")


@given(st.text(max_size=60) | st.text(alphabet="sha256384-AZaz09+/=?_ ", max_size=60))
def test_any_text_is_read_or_refused(integrity: str) -> None:
    try:
        check_integrity(DOCUMENT, integrity, what="document")
    except HandstampError as refusal:
        assert refusal.code in {"malformed", "wrong_integrity"}  # noqa: PT017
