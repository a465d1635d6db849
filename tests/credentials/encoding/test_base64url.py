from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.encoding import base64url
from credentials.errors import Malformed


@given(st.binary(max_size=80))
def test_bytes_come_back_as_they_went(data: bytes) -> None:
    assert base64url.decode(base64url.encode(data), what="test") == data


@given(st.text(max_size=40) | st.text(alphabet="AQ-_+/=\n", max_size=8))
def test_a_text_is_refused_or_is_the_only_text_of_its_bytes(text: str) -> None:
    try:
        data = base64url.decode(text, what="test")
    except Malformed:
        return
    assert base64url.encode(data) == text


@pytest.mark.parametrize(
    "text",
    ["YQ==", "YQ=", "YR", "a", "ab+_", "ab/_", "YQ\n", " YQ", "Y Q", "é", "YQ\x00", "A===", "\ud800"],
    ids=ascii,
)
def test_base64url_in_any_other_form_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match="The digest cannot be read"):
        base64url.decode(text, what="digest")


def test_the_example_of_rfc_7515_appendix_c() -> None:
    assert base64url.encode(bytes([3, 236, 255, 224, 193])) == "A-z_4ME"
    assert base64url.decode("A-z_4ME", what="test") == bytes([3, 236, 255, 224, 193])
