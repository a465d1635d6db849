from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import HandstampError, Malformed
from credentials.keys.signer import LocalSigner
from credentials.sd_jwt import parse_sd_jwt, read_holder_key
from credentials.sd_jwt.errors import (
    ForbiddenClaimName,
    NotTheHoldersKey,
    ReservedClaim,
    TooManyClaims,
    UnexpectedKeyBinding,
    UnknownClaim,
)

if TYPE_CHECKING:
    from tests.credentials.conftest import World

NAMES = st.text(min_size=1, max_size=12).filter(
    lambda name: name not in {"_sd", "...", "_sd_alg", "iss", "nbf", "exp", "iat", "cnf", "vct", "status", "aka_vcts"}
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(data=st.data(), claims=st.dictionaries(NAMES, VALUES, max_size=12))
def test_any_claims_and_any_selection_of_them_come_through(
    world: World, data: st.DataObject, claims: dict[str, Any]
) -> None:
    selection = data.draw(st.sets(st.sampled_from(sorted(claims)))) if claims else set()
    verified = world.verify(world.present(world.issue(claims), selection))
    assert dict(verified.disclosed) == {name: claims[name] for name in selection}


@given(claims=st.dictionaries(NAMES, VALUES, max_size=12))
def test_every_credential_of_a_type_has_as_many_digests(world: World, claims: dict[str, Any]) -> None:
    signed = parse_sd_jwt(world.issue(claims)).issuer_claims
    digests = signed["_sd"]
    assert isinstance(digests, list)
    assert len(set(map(str, digests))) == 12
    assert digests == sorted(map(str, digests))
    assert {len(str(digest)) for digest in digests} == {43}
    assert set(signed) == {"iss", "iat", "vct", "cnf", "_sd", "_sd_alg"}


def test_the_header_says_what_it_is_and_who_signed(world: World) -> None:
    assert parse_sd_jwt(world.issue()).header == {
        "alg": "ES256",
        "typ": "dc+sd-jwt",
        "kid": world.issuer.public_key.thumbprint,
        "x5c": world.x5c,
    }


def test_two_credentials_of_one_copy_share_no_salt_and_no_digest(world: World) -> None:
    one, two = parse_sd_jwt(world.issue()), parse_sd_jwt(world.issue())
    assert {d.salt for d in one.disclosures}.isdisjoint(d.salt for d in two.disclosures)
    assert set(map(str, one.issuer_claims["_sd"] or [])).isdisjoint(map(str, two.issuer_claims["_sd"] or []))  # type: ignore[arg-type]


def test_salts_and_decoys_come_from_the_randomness_given(world: World) -> None:
    asked: list[int] = []

    def count(size: int) -> bytes:
        asked.append(size)
        return secrets.token_bytes(size)

    world.issue(world.claims, random=count)
    assert asked == [16] * 3 + [32] * 9


@pytest.mark.parametrize(
    "name", ["iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status", "iat", "_sd_alg"]
)
def test_what_must_be_visible_cannot_be_issued_hidden(world: World, name: str) -> None:
    with pytest.raises(ReservedClaim) as refusal:
        world.issue({name: "x"})
    assert f"`{name}`" in refusal.value.detail


@pytest.mark.parametrize(
    "claims",
    [{"_sd": []}, {"...": "x"}, {"a": {"_sd": []}}, {"a": [{"...": "x"}]}, {"a": {"b": [{"_sd_alg": 1}]}}],
    ids=str,
)
def test_names_kept_for_digests_cannot_be_issued(world: World, claims: dict[str, Any]) -> None:
    with pytest.raises(ForbiddenClaimName):
        world.issue(claims)


def test_more_claims_than_digests_cannot_be_issued(world: World) -> None:
    world.issue({str(n): n for n in range(12)})
    with pytest.raises(TooManyClaims, match="12"):
        world.issue({str(n): n for n in range(13)})


def test_a_presentation_shows_what_was_chosen_and_nothing_more(world: World) -> None:
    presentation = world.present(world.issue(), ["name"])
    shown = parse_sd_jwt(presentation)
    assert [disclosure.name for disclosure in shown.disclosures] == ["name"]
    assert shown.key_binding is not None


def test_a_chosen_claim_is_shown_whole_and_its_neighbours_are_not(world: World) -> None:
    element, element_digest = world.write_disclosure("s", "DE")
    claim, claim_digest = world.write_disclosure("s", "nationalities", [{"...": element_digest}])
    street, street_digest = world.write_disclosure("s", "street", "Main St")
    credential = world.sign({"_sd": [claim_digest], "address": {"_sd": [street_digest]}}, element, claim, street)
    shown = {
        names: parse_sd_jwt(world.present(credential, names)).claims
        for names in (("nationalities",), ("address",), ("iss",), ())
    }
    assert shown["nationalities",]["nationalities"] == ["DE"]
    assert shown["nationalities",]["address"] == {}
    assert shown["address",]["address"] == {"street": "Main St"}
    assert "nationalities" not in shown["address",]
    assert shown["iss",] == shown[()]


def test_a_claim_that_is_not_there_cannot_be_shown(world: World) -> None:
    with pytest.raises(UnknownClaim, match="`email`"):
        world.present(world.issue(), ["name", "email"])


def test_only_the_key_that_a_credential_is_bound_to_presents_it(world: World) -> None:
    with pytest.raises(NotTheHoldersKey):
        world.present(world.issue(), signer=LocalSigner.generate())


def test_a_presentation_is_not_presented_again(world: World) -> None:
    with pytest.raises(UnexpectedKeyBinding):
        world.present(world.present(world.issue()))


@pytest.mark.parametrize("confirmation", [..., None, {}, {"kid": "x"}, {"jwk": {}}, {"jwk": None}, "jwk"], ids=repr)
def test_a_credential_without_a_readable_key_is_malformed(world: World, confirmation: Any) -> None:
    credential = parse_sd_jwt(world.sign({"cnf": confirmation}))
    with pytest.raises(Malformed):
        read_holder_key(credential)


def test_the_hash_that_the_issuer_chose_binds_the_presentation_too(world: World) -> None:
    credential = world.sign({"_sd_alg": "sha-512"})
    assert len(parse_sd_jwt(credential).sd_hash()) == 86
    world.verify(world.present(credential))
    with pytest.raises(HandstampError):
        world.verify(world.bind(credential))


def test_what_is_read_shows_no_value_in_its_repr(world: World) -> None:
    assert "Möbius" not in repr(parse_sd_jwt(world.issue()))
