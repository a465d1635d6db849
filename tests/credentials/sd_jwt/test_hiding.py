"""What is hidden in parts comes through whole, is shown in parts, and looks alike whatever it holds."""

from __future__ import annotations

import json
import re
import secrets
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jwcrypto.jwk import JWK
from sd_jwt.holder import SDJWTHolder
from sd_jwt.verifier import SDJWTVerifier

from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.sd_jwt import build_nested_sd_jwt_vc, parse_sd_jwt, parse_sd_jwt_json
from credentials.sd_jwt.errors import (
    ForbiddenClaimName,
    NothingToHide,
    ReservedClaim,
    TooManyClaims,
    UnknownClaim,
    UnsupportedHash,
)
from credentials.trust import TrustedIssuer, TrustPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.credentials.conftest import World

CLAIMS: dict[str, Any] = {
    "name": "Möbius",
    "address": {"locality": "Leipzig", "country": "DE"},
    "nationalities": ["DE", "FR", "US"],
    "degrees": [{"type": "BSc", "year": 2011}, {"type": "MSc", "year": 2013}],
}
HIDDEN = (
    ("address",),
    ("address", "locality"),
    ("nationalities", None),
    ("degrees",),
    ("degrees", None, "year"),
)
COUNTS = {(): 8, ("address",): 4, ("nationalities",): 6, ("degrees", None): 3}


def issue(world: World, claims: Any = CLAIMS, hidden: Any = HIDDEN, **changes: Any) -> str:
    arguments: dict[str, Any] = {
        "vct": world.vct,
        "issuer": world.issuer_url,
        "holder_key": world.holder.public_key,
        "issued_at": world.month_s,
        "claims": claims,
        "hidden": hidden,
        "digest_counts": COUNTS if claims is CLAIMS else {},
        "signer": world.issuer,
        "x5c": world.x5c,
        "random": secrets.token_bytes,
    }
    return build_nested_sd_jwt_vc(**(arguments | changes))


def test_all_of_it_comes_through_and_each_part_has_a_disclosure_of_its_own(world: World) -> None:
    read = parse_sd_jwt(issue(world))
    assert {name: read.claims[name] for name in CLAIMS} == CLAIMS
    assert sorted(map(str, read.locations.values())) == sorted(
        map(
            str,
            [
                ("address",),
                ("address", "locality"),
                ("nationalities", 0),
                ("nationalities", 1),
                ("nationalities", 2),
                ("degrees",),
                ("degrees", 0, "year"),
                ("degrees", 1, "year"),
            ],
        )
    )
    assert read.issuer_claims["name"] == "Möbius"
    assert "Leipzig" not in json.dumps(dict(read.issuer_claims))


def test_decoys_fill_every_place_to_its_number(world: World) -> None:
    read = parse_sd_jwt(issue(world))
    digests: Any = read.issuer_claims["_sd"]
    assert len(digests) == 8
    assert digests == sorted(digests)
    assert [list(element) for element in read.issuer_claims["nationalities"]] == [["..."]] * 6  # type: ignore[union-attr]
    inside = {disclosure.name: disclosure.value for disclosure in read.disclosures}
    assert len(inside["address"]["_sd"]) == 4  # type: ignore[index,call-overload,arg-type]
    assert [len(degree["_sd"]) for degree in inside["degrees"]] == [3, 3]  # type: ignore[index,call-overload,union-attr]
    few = parse_sd_jwt(issue(world, {"n": ["DE"]}, [("n", None)], digest_counts={("n",): 6}))
    assert len(few.issuer_claims["n"]) == 6  # type: ignore[arg-type]
    assert few.claims["n"] == ["DE"]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("address", {"address": {"locality": "Leipzig", "country": "DE"}}),
        (("address", "locality"), {"address": {"locality": "Leipzig", "country": "DE"}}),
        (("address", "country"), {"address": {"country": "DE"}}),
        (("nationalities", 1), {"nationalities": ["FR"]}),
        (("nationalities", None), {"nationalities": ["DE", "FR", "US"]}),
        (("degrees", None, "type"), {"degrees": [{"type": "BSc"}, {"type": "MSc"}]}),
        (("degrees", 1, "year"), {"degrees": [{"type": "BSc"}, {"type": "MSc", "year": 2013}]}),
    ],
    ids=str,
)
def test_a_part_is_shown_with_what_it_stands_in_and_nothing_else(world: World, path: Any, shown: Any) -> None:
    verified = world.verify(world.present(issue(world), [path]))
    assert dict(verified.disclosed) == {"name": "Möbius", "nationalities": []} | shown


@pytest.mark.parametrize("path", ["age", (), ("address", "street"), ("nationalities", 3), ("name", None)], ids=str)
def test_a_part_that_is_not_there_cannot_be_shown(world: World, path: Any) -> None:
    with pytest.raises(UnknownClaim):
        world.present(issue(world), [path])


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"hidden": [("age",)]}, NothingToHide),
        ({"hidden": [("address", None)]}, NothingToHide),
        ({"digest_counts": {("age",): 3}}, NothingToHide),
        ({"digest_counts": {(): 1}}, TooManyClaims),
        ({"digest_counts": {("nationalities",): 2}}, TooManyClaims),
        ({"claims": {"cnf": {}}, "hidden": []}, ReservedClaim),
        ({"claims": {"a": {"_sd": []}}, "hidden": []}, ForbiddenClaimName),
        ({"claims": {"...": 1}, "hidden": []}, ForbiddenClaimName),
        ({"hash_name": "md5"}, UnsupportedHash),
    ],
    ids=str,
)
def test_what_cannot_be_issued_is_refused(world: World, changes: Any, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        issue(world, **changes)


@pytest.mark.parametrize("kind", KeyKind)
@pytest.mark.parametrize("hash_name", ["sha-256", "sha-384", "sha-512"])
def test_every_kind_of_key_signs_and_binds_under_every_hash(world: World, kind: KeyKind, hash_name: str) -> None:
    issuer, holder = LocalSigner.generate(kind), LocalSigner.generate(kind)
    credential = issue(world, signer=issuer, x5c=[], holder_key=holder.public_key, hash_name=hash_name)
    trusted = TrustedIssuer(
        issuer=world.issuer_url,
        name="co-op",
        types=frozenset({world.vct}),
        public_keys={issuer.public_key.thumbprint: issuer.public_key},
    )
    shown = world.present(credential, [("nationalities", 2)], signer=holder)
    assert world.verify(shown, policy=TrustPolicy((trusted,))).disclosed["nationalities"] == ["US"]


def test_the_library_of_the_rfc_reads_and_presents_what_we_hide(world: World) -> None:
    holder = SDJWTHolder(issue(world, issued_at=0))
    key = JWK.from_pem(world.holder.to_pem(None))
    holder.create_presentation({"address": {"locality": True}, "nationalities": [False, True]}, "n", "a", key)
    seen = SDJWTVerifier(
        holder.sd_jwt_presentation, lambda _issuer, _header: JWK.from_pem(world.issuer.to_pem(None)), "a", "n"
    ).get_verified_payload()
    assert seen["address"] == CLAIMS["address"]
    assert seen["nationalities"] == ["FR"]
    assert "degrees" not in seen


# Every published example, issued anew by us: its structure is one that we can make, and present.


def read_published(case: Path, name: str) -> Any:
    if (case / f"{name}.json").exists():
        return parse_sd_jwt_json(re.sub(r"\n\s*", "", (case / f"{name}.json").read_text()))
    return parse_sd_jwt(re.sub(r"\s*\n\s*", "", (case / f"{name}.txt").read_text()))


def test_every_published_structure_can_be_issued_and_shown_by_us(world: World, vectors_dir: Path) -> None:
    protocol = {"iss", "iat", "vct", "cnf", "exp", "nbf", "status", "aud"}
    folders = ("sd-jwt-rfc9901-generated", "sd-jwt-vc-generated")
    cases = [case for folder in folders for case in sorted((vectors_dir / folder).iterdir()) if case.is_dir()]
    assert len(cases) == 18
    for case in cases:
        published = read_published(case, "sd_jwt_issuance")
        claims = {name: value for name, value in published.claims.items() if name not in protocol}
        hidden = [location for location in published.locations.values() if location[0] not in protocol]
        ours = parse_sd_jwt(issue(world, claims, hidden))
        assert {name: ours.claims[name] for name in claims} == claims, case.name
        assert sorted(map(str, ours.locations.values())) == sorted(map(str, hidden)), case.name
        shown = read_published(case, "sd_jwt_presentation")
        wanted = [location for location in shown.locations.values() if location[0] not in protocol]
        # The innermost only: what they stand in comes along.
        inner = [each for each in wanted if not any(other[: len(each)] == each != other for other in wanted)]
        exact = parse_sd_jwt(world.present(issue(world, claims, hidden), inner))
        assert set(wanted) <= set(exact.locations.values()), case.name


VALUE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers(0, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3),
    max_leaves=10,
)


def every_location(value: Any, location: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in items:
        yield (*location, step)
        yield from every_location(inner, (*location, step))


def without(value: Any, absent: set[Any], location: tuple[Any, ...] = ()) -> Any:
    if isinstance(value, dict):
        return {
            name: without(inner, absent, (*location, name))
            for name, inner in value.items()
            if (*location, name) not in absent
        }
    if isinstance(value, list):
        return [
            without(inner, absent, (*location, index))
            for index, inner in enumerate(value)
            if (*location, index) not in absent
        ]
    return value


@settings(max_examples=60)
@given(data=st.data(), claims=st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUE, min_size=1, max_size=3))
def test_whatever_is_hidden_exactly_what_was_chosen_is_shown(world: World, data: st.DataObject, claims: Any) -> None:
    places = list(every_location(claims))
    hidden = data.draw(st.lists(st.sampled_from(places), unique=True, max_size=6))
    wanted = data.draw(st.lists(st.sampled_from(places), unique=True, max_size=2))
    credential = issue(world, claims, hidden)
    assert {name: parse_sd_jwt(credential).claims[name] for name in claims} == claims
    shown = {
        place for place in hidden if any(place == want[: len(place)] or place[: len(want)] == want for want in wanted)
    }
    read = parse_sd_jwt(world.present(credential, wanted))
    assert {name: read.claims[name] for name in claims if name in read.claims} == without(claims, set(hidden) - shown)
