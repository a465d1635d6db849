"""The rejection rules of RFC 9901 §7.1 up to step 3: each credential here is signed by its issuer and still refused."""

from __future__ import annotations

from typing import Any

import pytest

from credentials.encoding import base64url
from credentials.errors import Malformed
from credentials.keys.errors import UnsupportedAlgorithm, UnsupportedHeader
from credentials.keys.jws import sign_jws
from credentials.sd_jwt import parse_sd_jwt
from credentials.sd_jwt.disclosure import digest_sha256
from credentials.sd_jwt.errors import (
    ClaimNameTaken,
    ForbiddenClaimName,
    UnsupportedHash,
    WrongDisclosureShape,
)
from tests.credentials.sd_jwt.writing import SALT, SIGNER, disclose, read

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
