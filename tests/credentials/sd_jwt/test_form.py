"""RFC 9901 §4 and §7.1 steps 4 and 5: the form of an SD-JWT, each digest once, each disclosure referred to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import HandstampError, Malformed
from credentials.keys.jws import sign_jws
from credentials.sd_jwt import parse_sd_jwt, parse_sd_jwt_json
from credentials.sd_jwt.errors import (
    DuplicateDigest,
    DuplicateDisclosure,
    UnreferencedDisclosure,
)
from tests.credentials.sd_jwt.writing import SALT, SIGNER, disclose, read

# §7.1 steps 4 and 5, §4.


@pytest.mark.parametrize(
    "claims",
    [
        {"_sd": ["d", "d"]},
        {"_sd": ["d"], "a": {"_sd": ["d"]}},
        {"_sd": ["d"], "a": [{"...": "d"}]},
        {"a": [{"...": "d"}, {"...": "d"}]},
    ],
    ids=str,
)
def test_a_digest_that_stands_twice_is_refused_disclosed_or_not(claims: dict[str, Any]) -> None:
    with pytest.raises(DuplicateDigest):
        read(claims)


def test_a_digest_that_stands_twice_by_way_of_a_disclosure_is_refused() -> None:
    inner, inner_digest = disclose(SALT, "name", "x")
    outer, outer_digest = disclose(SALT, "outer", {"_sd": [inner_digest]})
    with pytest.raises(DuplicateDigest):
        read({"_sd": [outer_digest, inner_digest]}, outer, inner)


def test_a_disclosure_that_nothing_refers_to_is_refused() -> None:
    encoded, digest = disclose(SALT, "name", "x")
    stray, _ = disclose(SALT, "admin", True)  # noqa: FBT003
    with pytest.raises(UnreferencedDisclosure):
        read({"_sd": [digest]}, encoded, stray)


def test_a_disclosure_whose_parent_is_hidden_is_refused() -> None:
    inner, inner_digest = disclose(SALT, "DE")
    _, outer_digest = disclose(SALT, "nationalities", [{"...": inner_digest}])
    with pytest.raises(UnreferencedDisclosure):
        read({"_sd": [outer_digest]}, inner)


def test_a_disclosure_whose_digest_stands_only_in_a_text_is_refused() -> None:
    encoded, digest = disclose(SALT, "name", "x")
    with pytest.raises(UnreferencedDisclosure):
        read({"note": digest, "list": [digest]}, encoded)


def test_a_disclosure_sent_twice_is_refused() -> None:
    encoded, digest = disclose(SALT, "name", "x")
    with pytest.raises(DuplicateDisclosure):
        read({"_sd": [digest]}, encoded, encoded)


# §4: the form.


def test_an_sd_jwt_ends_with_a_tilde_or_a_key_binding() -> None:
    jwt = sign_jws({}, {}, SIGNER)
    with pytest.raises(Malformed, match="`~`"):
        parse_sd_jwt(jwt)
    assert parse_sd_jwt(jwt + "~").key_binding is None
    assert parse_sd_jwt(f"{jwt}~{jwt}").key_binding == jwt
    assert parse_sd_jwt(f"{jwt}~{jwt}").unbound == jwt + "~"


@pytest.mark.parametrize("text", ["", "~", "~~", "a.b.c~", "é.é.é~"])
def test_what_is_no_sd_jwt_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse_sd_jwt(text)


def test_an_empty_disclosure_is_malformed() -> None:
    with pytest.raises(Malformed):
        read({}, "")


def test_input_has_caps() -> None:
    jwt = sign_jws({}, {}, SIGNER)
    with pytest.raises(Malformed, match="larger than"):
        parse_sd_jwt(jwt + "~" + "A" * 65536)
    with pytest.raises(Malformed, match="larger than 10 "):
        parse_sd_jwt(jwt + "~", max_bytes=10)
    with pytest.raises(Malformed, match="more than 256"):
        parse_sd_jwt(jwt + "~" + "WyJhIl0~" * 257)


def test_disclosures_nested_without_end_are_malformed() -> None:
    encoded, digest = disclose(SALT, "x")
    chain = [encoded]
    for _ in range(40):
        encoded, digest = disclose(SALT, [{"...": digest}])
        chain.append(encoded)
    with pytest.raises(Malformed, match="nested deeper"):
        read({"a": [{"...": digest}]}, *chain)


PIECES = st.sampled_from(["~", ".", "e30", "eyJhbGciOiJFUzI1NiJ9", "WyJhIiwiYiIsMV0", "é", "", "W10", "AAAA"])


@given(st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=50))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_sd_jwt, parse_sd_jwt_json):
        try:
            parse(text)
        except HandstampError:
            continue


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.sampled_from(["d", "e", "f"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "_sd", "...", "_sd_alg"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(st.sampled_from(["a", "b", "_sd", "...", "_sd_alg"]), JSON_VALUES, max_size=4),
    st.lists(st.lists(JSON_VALUES, max_size=4), max_size=3),
)
def test_whatever_an_issuer_signs_is_read_or_refused(claims: dict[str, Any], disclosures: list[list[Any]]) -> None:
    written = [disclose(*parts) for parts in disclosures]
    if isinstance(claims.get("_sd"), list):
        claims["_sd"] = [*claims["_sd"], *(digest for _, digest in written)]
    try:
        processed = read(claims, *(encoded for encoded, _ in written)).claims
    except HandstampError:
        return
    assert "_sd" not in processed
    assert "_sd_alg" not in processed
