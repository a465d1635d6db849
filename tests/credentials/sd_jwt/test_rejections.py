"""The rejection rules of RFC 9901 §7.1, one by one: each credential here is signed by its issuer, and still refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.encoding import base64url
from credentials.encoding.strict_json import dump
from credentials.errors import HandstampError, Malformed
from credentials.keys.errors import UnsupportedAlgorithm, UnsupportedHeader
from credentials.keys.jws import sign_jws
from credentials.keys.signer import LocalSigner
from credentials.sd_jwt import SdJwt, parse_sd_jwt, parse_sd_jwt_json
from credentials.sd_jwt.disclosure import digest_sha256
from credentials.sd_jwt.errors import (
    ClaimNameTaken,
    DuplicateDigest,
    DuplicateDisclosure,
    ForbiddenClaimName,
    UnreferencedDisclosure,
    UnsupportedHash,
    WrongDisclosureShape,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

SIGNER = LocalSigner.generate()
SALT = "_26bc4LT-ac6q2KI6cBW5es"


def disclose(*parts: Any) -> tuple[str, str]:
    """Write a disclosure of any shape; return it and its digest."""
    encoded = base64url.encode(dump(list(parts)))
    return encoded, digest_sha256(encoded)


def read(claims: Mapping[str, Any], *disclosures: str) -> SdJwt:
    return parse_sd_jwt("".join(f"{part}~" for part in (sign_jws({}, claims, SIGNER), *disclosures)))


# What is right.


def test_a_claim_goes_to_the_level_of_its_digest() -> None:
    name, name_digest = disclose(SALT, "name", "x")
    deep, deep_digest = disclose(SALT, "deep", None)
    read_back = read({"_sd": [name_digest], "a": {"b": {"_sd": [deep_digest]}}, "_sd_alg": "sha-256"}, name, deep)
    assert read_back.claims == {"name": "x", "a": {"b": {"deep": None}}}
    assert dict(read_back.locations) == {name_digest: ("name",), deep_digest: ("a", "b", "deep")}


def test_digests_without_disclosure_leave_nothing_behind() -> None:
    _, hidden = disclose(SALT, "name", "x")
    assert read({"_sd": [hidden], "a": {"_sd": [digest_sha256("decoy")]}, "b": [{"...": "other"}]}).claims == {
        "a": {},
        "b": [],
    }


def test_elements_keep_their_place_and_the_hidden_ones_vanish() -> None:
    one, one_digest = disclose(SALT, "FR")
    claims = {"n": ["DE", {"...": one_digest}, {"...": digest_sha256("decoy")}, "US", {"plain": 1}]}
    assert read(claims, one).claims == {"n": ["DE", "FR", "US", {"plain": 1}]}


def test_disclosures_within_disclosures_are_followed() -> None:
    element, element_digest = disclose(SALT, {"code": "DE"})
    claim, claim_digest = disclose(SALT, "nationalities", [{"...": element_digest}, {"...": digest_sha256("decoy")}])
    outer, outer_digest = disclose(SALT, "person", {"_sd": [claim_digest], "age": 3})
    read_back = read({"_sd": [outer_digest]}, element, outer, claim)
    assert read_back.claims == {"person": {"age": 3, "nationalities": [{"code": "DE"}]}}
    assert set(read_back.locations.values()) == {
        ("person",),
        ("person", "nationalities"),
        ("person", "nationalities", 0),
    }


def test_an_array_may_be_disclosed_within_an_array() -> None:
    inner, inner_digest = disclose(SALT, "x")
    outer, outer_digest = disclose(SALT, [{"...": inner_digest}])
    assert read({"a": [{"...": outer_digest}]}, outer, inner).claims == {"a": [["x"]]}


def test_one_name_may_stand_on_two_levels() -> None:
    top, top_digest = disclose(SALT, "name", 1)
    deep, deep_digest = disclose(SALT, "name", 2)
    assert read({"_sd": [top_digest], "a": {"_sd": [deep_digest]}}, top, deep).claims == {"a": {"name": 2}, "name": 1}


@pytest.mark.parametrize("name", ["sha-256", "sha-384", "sha-512"])
def test_every_safe_hash_is_read(name: str) -> None:
    import hashlib  # noqa: PLC0415

    encoded, _ = disclose(SALT, "name", "x")
    digest = base64url.encode(hashlib.new(name.replace("-", ""), encoded.encode()).digest())
    assert read({"_sd": [digest], "_sd_alg": name}, encoded).claims == {"name": "x"}


# §7.1 step 2.


@pytest.mark.parametrize("name", ["sha-1", "md5", "SHA-256", "", None, 256, ["sha-256"]], ids=repr)
def test_an_unknown_or_unsafe_hash_is_refused(name: Any) -> None:
    with pytest.raises(UnsupportedHash):
        read({"_sd_alg": name})


def test_the_algorithm_none_is_refused() -> None:
    header, payload = base64url.encode(b'{"alg":"none"}'), base64url.encode(b"{}")
    with pytest.raises(UnsupportedAlgorithm):
        parse_sd_jwt(f"{header}.{payload}.~")


def test_a_critical_extension_is_refused() -> None:
    with pytest.raises(UnsupportedHeader):
        parse_sd_jwt(sign_jws({"crit": ["x"], "x": 1}, {}, SIGNER) + "~")


# §7.1 step 3.


@pytest.mark.parametrize("parts", [(SALT, "FR"), (SALT,), (), (SALT, "a", 1, 2)], ids=["two", "one", "none", "four"])
def test_a_claim_whose_disclosure_has_not_three_elements_is_refused(parts: tuple[Any, ...]) -> None:
    encoded, digest = disclose(*parts)
    with pytest.raises(WrongDisclosureShape):
        read({"_sd": [digest]}, encoded)


def test_an_element_whose_disclosure_has_not_two_elements_is_refused() -> None:
    encoded, digest = disclose(SALT, "name", "x")
    with pytest.raises(WrongDisclosureShape):
        read({"a": [{"...": digest}]}, encoded)


@pytest.mark.parametrize("name", ["_sd", "..."])
def test_a_disclosed_claim_named_like_a_digest_is_refused(name: str) -> None:
    encoded, digest = disclose(SALT, name, [])
    with pytest.raises(ForbiddenClaimName) as refusal:
        read({"_sd": [digest]}, encoded)
    assert f"`{name}`" in refusal.value.detail


def test_a_disclosed_hash_name_is_refused() -> None:
    encoded, digest = disclose(SALT, "_sd_alg", "sha-256")
    with pytest.raises(ForbiddenClaimName):
        read({"_sd": [digest]}, encoded)


@pytest.mark.parametrize(
    "claims",
    [
        {"...": "x"},
        {"a": {"...": "x"}},
        {"a": [{"...": "x", "b": 1}]},
        {"a": {"_sd_alg": "sha-256"}},
        {"a": [{"_sd_alg": "sha-256"}]},
    ],
    ids=str,
)
def test_a_name_kept_for_digests_is_refused_where_it_does_not_belong(claims: dict[str, Any]) -> None:
    with pytest.raises(ForbiddenClaimName):
        read(claims)


def test_a_disclosure_cannot_overwrite_a_visible_claim() -> None:
    encoded, digest = disclose(SALT, "iss", "https://evil.example")
    with pytest.raises(ClaimNameTaken):
        read({"iss": "https://coop.example", "_sd": [digest]}, encoded)


def test_two_disclosures_cannot_name_one_claim() -> None:
    one, one_digest = disclose(SALT, "name", "x")
    two, two_digest = disclose("another salt", "name", "y")
    with pytest.raises(ClaimNameTaken):
        read({"_sd": [one_digest, two_digest]}, one, two)


def test_a_nested_disclosure_cannot_overwrite_either() -> None:
    encoded, digest = disclose(SALT, "name", "x")
    with pytest.raises(ClaimNameTaken):
        read({"a": {"_sd": [digest], "name": "y"}}, encoded)


@pytest.mark.parametrize(
    "claims",
    [
        {"_sd": "digest"},
        {"_sd": {"0": "digest"}},
        {"_sd": None},
        {"_sd": [1]},
        {"_sd": [None]},
        {"_sd": [["digest"]]},
        {"a": {"_sd": [{}]}},
        {"a": [{"...": 1}]},
        {"a": [{"...": None}]},
        {"a": [{"...": ["digest"]}]},
    ],
    ids=str,
)
def test_a_digest_that_is_not_text_is_malformed(claims: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read(claims)


@pytest.mark.parametrize(
    ("parts", "digest_in"),
    [((1, "name", "x"), "_sd"), ((None, "x"), "..."), ((SALT, 1, "x"), "_sd"), ((SALT, None, "x"), "_sd")],
    ids=["claim's salt", "element's salt", "name", "no name"],
)
def test_a_salt_or_name_that_is_not_text_is_malformed(parts: tuple[Any, ...], digest_in: str) -> None:
    encoded, digest = disclose(*parts)
    with pytest.raises(Malformed):
        read({"_sd": [digest]} if digest_in == "_sd" else {"a": [{"...": digest}]}, encoded)


@pytest.mark.parametrize("text", ["{}", '"x"', '["a","b","c"', '["s","n",NaN]', '["s","n",{"a":1,"a":2}]'])
def test_a_disclosure_that_is_no_strict_json_array_is_refused(text: str) -> None:
    encoded = base64url.encode(text.encode())
    with pytest.raises((Malformed, WrongDisclosureShape)):
        read({"_sd": [digest_sha256(encoded)]}, encoded)


def test_a_disclosure_in_another_base64_is_malformed() -> None:
    encoded, _ = disclose(SALT, "name", "x" * 3)
    for other in (encoded + "=", encoded.replace("W", "+", 1), " " + encoded):
        with pytest.raises(Malformed):
            read({"_sd": [base64url.encode(b"x")]}, other)


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
