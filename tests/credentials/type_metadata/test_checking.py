"""A credential keeps to what its type says, seen by the holder, who has all, and by a verifier, who has some."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import schemas
from credentials.encoding.strict_json import dump
from credentials.months import months_after
from credentials.sd_jwt import SdJwt, build_nested_sd_jwt_vc, parse_sd_jwt
from credentials.status import StatusReference
from credentials.type_metadata import (
    ClaimMetadata,
    ClaimRuleBroken,
    Disclosable,
    TypeDocument,
    check_claims,
    resolve_type,
)

if TYPE_CHECKING:
    from tests.credentials.conftest import World

EDUCATION = TypeDocument.parse((Path(__file__).parent / "education_credential.json").read_bytes())
ARTHUR: dict[str, Any] = {
    "name": "Arthur Dent",
    "address": {"street_address": "42 Market Street", "city": "Milliways"},
    "degrees": [
        {"type": "BSc", "field_of_study": "Whales", "date_awarded": "1979"},
        {"type": "MSc", "field_of_study": "Petunias", "date_awarded": "1981"},
    ],
}
HIDDEN: list[Any] = [
    ("name",),
    ("address",),
    ("address", "street_address"),
    ("degrees", None),
    ("degrees", None, "date_awarded"),
]


def issue(world: World, claims: Any = ARTHUR, hidden: Any = HIDDEN) -> str:
    return build_nested_sd_jwt_vc(
        vct=world.vct,
        issuer=world.issuer_url,
        holder_key=world.holder.public_key,
        issued_at=world.month_s,
        claims=claims,
        hidden=hidden,
        digest_counts={},
        signer=world.issuer,
        x5c=world.x5c,
        random=secrets.token_bytes,
    )


def check(sd_jwt: SdJwt, *, complete: bool = True) -> None:
    check_claims(sd_jwt, EDUCATION.claims, complete=complete)


def test_what_keeps_to_its_type_passes(world: World) -> None:
    credential = issue(world)
    check(parse_sd_jwt(credential))
    for shown in ([], ["name"], [("degrees", 1)], [("degrees", 1, "date_awarded"), ("address", "street_address")]):
        check(parse_sd_jwt(world.present(credential, shown)), complete=False)


def test_what_is_not_shown_is_not_missing(world: World) -> None:
    shown = parse_sd_jwt(world.present(issue(world), []))
    check(shown, complete=False)
    with pytest.raises(ClaimRuleBroken, match="'name' is missing"):
        check(shown, complete=True)


@pytest.mark.parametrize(
    ("claims", "hidden", "words"),
    [
        ({"name": ...}, HIDDEN[1:], "'name' is missing"),
        ({}, HIDDEN[1:], "'name' cannot be hidden, and must be"),
        ({}, [*HIDDEN, ("degrees",)], "'degrees' can be hidden, and must not be"),
        ({}, [each for each in HIDDEN if each != ("degrees", None)], "cannot be hidden"),
        # Inside something that is hidden is not hidden by itself.
        ({}, [each for each in HIDDEN if each != ("address", "street_address")], "'address.street_address' cannot"),
        ({}, [*HIDDEN, ("degrees", 1, "field_of_study")], "field_of_study' can be hidden"),
        ({"address": "Milliways"}, [("name",), ("address",), ("degrees", None)], "another kind"),
        ({"degrees": ["BSc"]}, [path for path in HIDDEN if path[-1] != "date_awarded"], "another kind"),
    ],
)
def test_what_does_not_is_refused_in_words(world: World, claims: Any, hidden: Any, words: str) -> None:
    changed = {name: value for name, value in (ARTHUR | claims).items() if value is not ...}
    with pytest.raises(ClaimRuleBroken) as refusal:
        check(parse_sd_jwt(issue(world, changed, [path for path in hidden if path[0] in changed])))
    assert words in refusal.value.detail
    assert "Market" not in refusal.value.detail


@pytest.mark.parametrize("kind", schemas.ALL, ids=lambda kind: kind.configuration_id)
def test_what_our_co_op_issues_keeps_to_our_types(world: World, kind: schemas.CredentialType) -> None:
    rules = resolve_type(kind.vct, documents={kind.vct: dump(kind.type_metadata)}).claims
    months = kind.lifetime_months
    issued = parse_sd_jwt(
        world.issue(
            {name: kind.example[name] for name in kind.claim_names},
            vct=kind.vct,
            expires_at=None if months is None else months_after(world.month_s, months),
            status=StatusReference(uri=f"{world.issuer_url}/statuslists/1", index=7),
        )
    )
    check_claims(issued, rules, complete=True)
    with pytest.raises(ClaimRuleBroken):
        check_claims(issued, [*rules, ClaimMetadata(path=("iss",), sd=Disclosable.ALWAYS)], complete=True)
