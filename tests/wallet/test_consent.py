"""The words before a yes: what showing each kind of thing says, and by what one would be known again."""

import secrets
from typing import Any

import pytest

import schemas
from credentials.keys.signer import LocalSigner
from credentials.protocols.dcql import ClaimQuery, CredentialQuery, Holding, Query, choose
from credentials.protocols.openid4vp import AuthorizationRequest, build_client_id
from credentials.sd_jwt import build_sd_jwt_vc
from tests.support.outside import MONTH_S, NOW
from wallet.consent import Consent, build_consent
from wallet.holdings import Held
from wallet.state import Copy, ForeignType, Instance

COOP = "https://coop.example"
FOREIGN = "https://library.example/card"


def instance_of(vct: str, claims: dict[str, Any]) -> Instance:
    signer = LocalSigner.generate()
    text = build_sd_jwt_vc(
        vct=vct,
        issuer=COOP,
        holder_key=signer.public_key,
        issued_at=MONTH_S,
        disclosable=claims,
        digest_count=12,
        signer=signer,
        x5c=[],
        random=secrets.token_bytes,
    )
    return Instance(credential=text, key="")


def held(kind: schemas.CredentialType) -> Copy:
    claims = {name: kind.example[name] for name in kind.claim_names}
    number = str(claims.get("copy") or claims.get("membership"))
    instances = (instance_of(kind.vct, claims),) * 9
    return Copy(id=number, issuer=COOP, vct=kind.vct, claims=claims, received_at=NOW, instances=instances)


def consent_to(copy: Copy, *paths: tuple[str | int | None, ...]) -> Consent:
    """Ask for these claims of a copy, and put it into words."""
    claims = tuple(ClaimQuery(path=path) for path in paths)
    query = Query(credentials=(CredentialQuery(id="q", vct_values=(copy.vct,), claims=claims),))
    request = AuthorizationRequest(
        client_id=build_client_id("gate.example"),
        nonce="n" * 22,
        state=None,
        response_uri="https://gate.example/r",
        dcql=query,
    )
    holding = Holding(id="h", format="dc+sd-jwt", vct=copy.vct, claims=copy.claims)
    return build_consent(request, choose(query, [holding]), {"h": Held(copy=copy, claims=copy.claims)})


@pytest.mark.parametrize(
    ("kind", "claim", "words"),
    [
        (schemas.TRACK_OWNERSHIP, "track", "that you own the track “"),
        (schemas.RELEASE_OWNERSHIP, "release", "that you own the "),
        (schemas.COOP_MEMBERSHIP, "standing", "that you are a member in good standing of coop.example"),
        (schemas.VERIFIED_ARTIST, "kind", "that you are “"),
        (schemas.CONTRIBUTION, "role", "that you contributed to coop.example"),
    ],
    ids=lambda value: getattr(value, "configuration_id", None),
)
def test_each_kind_says_in_words_what_showing_it_says(kind: schemas.CredentialType, claim: str, words: str) -> None:
    (shown,) = consent_to(held(kind), (claim,)).copies
    assert shown.statement.startswith(words)
    assert len(shown.learned) == 1
    assert len(shown.hidden) == len(kind.claim_names) - 1
    assert shown.left == 8


@pytest.mark.parametrize(
    ("kind", "claims", "warning"),
    [
        (schemas.COOP_MEMBERSHIP, ("membership",), "the number of your membership"),
        (schemas.COOP_MEMBERSHIP, ("shareClass", "since"), "rare together"),
        (schemas.VERIFIED_ARTIST, ("persona",), "your public name as an artist"),
        (schemas.CONTRIBUTION, ("role", "period"), "rare together"),
        (schemas.TRACK_OWNERSHIP, ("copy",), "makes you recognisable"),
    ],
    ids=lambda value: getattr(value, "configuration_id", None),
)
def test_what_makes_recognisable_is_said(kind: schemas.CredentialType, claims: tuple[str, ...], warning: str) -> None:
    consent = consent_to(held(kind), *((name,) for name in claims))
    assert any(warning in each for each in consent.warnings)


@pytest.mark.parametrize(
    ("kind", "claim"),
    [(schemas.COOP_MEMBERSHIP, "over16"), (schemas.RELEASE_OWNERSHIP, "release")],
    ids=lambda value: getattr(value, "configuration_id", value),
)
def test_what_many_share_needs_no_warning(kind: schemas.CredentialType, claim: str) -> None:
    consent = consent_to(held(kind), (claim,))
    assert consent.warnings == ()
    assert len(consent.not_learned) == 3


def foreign(claims: dict[str, Any], *, hidden: dict[str, Any]) -> Copy:
    sealed = instance_of(FOREIGN, hidden)
    named = ForeignType(name="Library card", labels={"address": "Address"})
    return Copy(
        id="f", issuer=COOP, vct=FOREIGN, claims=claims, received_at=NOW, instances=(sealed,) * 9, foreign=named
    )


def test_a_part_of_a_claim_is_shown_without_its_neighbours_and_a_foreign_kind_is_warned_of() -> None:
    claims = {"address": {"town": "Leipzig", "street": "Markt 1"}, "tier": ["adult", "music"]}
    consent = consent_to(foreign(claims, hidden=claims), ("address", "town"), ("tier", 1))
    (shown,) = consent.copies
    assert shown.statement == "that “Library card” from coop.example is yours"
    assert shown.learned == (("address.town", "Leipzig"), ("tier[1]", "music"))
    assert shown.disclose == ("address", "tier")
    assert shown.hidden == ("the rest of Address", "the rest of tier")
    assert "cannot tell whether it marks you" in consent.warnings[0]


def test_what_a_foreign_issuer_lets_nobody_hide_is_among_what_they_learn() -> None:
    claims = {"member": "4711", "tier": "adult", "vct#integrity": "x"}
    copy = foreign(claims, hidden={"tier": "adult"})
    (shown,) = consent_to(copy, ("tier",)).copies
    assert shown.learned == (("tier", "adult"),)
    open_claims = {"vct": FOREIGN, "tier": "adult"}
    (shown,) = consent_to(foreign(open_claims, hidden={"tier": "adult"}), ("tier",)).copies
    assert ("vct", FOREIGN) in shown.learned
    assert shown.hidden == ()


def test_nothing_is_promised_of_a_foreign_kind_that_it_may_tell_all_the_same() -> None:
    claims = {"given_name": "Ada", "email": "ada@example.org"}
    assert consent_to(foreign(claims, hidden=claims), ("given_name",)).not_learned == ("what else you own",)


@pytest.mark.parametrize(
    ("kind", "claim", "names", "seen_before"),
    [
        (schemas.VERIFIED_ARTIST, "name", False, False),
        (schemas.VERIFIED_ARTIST, "kind", True, True),
        (schemas.COOP_MEMBERSHIP, "membership", True, False),
    ],
)
def test_what_is_promised_does_not_contradict_what_is_shown(
    kind: schemas.CredentialType, claim: str, names: bool, seen_before: bool
) -> None:
    promised = " ".join(consent_to(held(kind), (claim,)).not_learned)
    assert ("your name" in promised, "were here before" in promised) == (names, seen_before)


def test_a_foreign_claim_under_a_name_of_ours_is_told_as_it_is() -> None:
    claims = {"acquired": "long ago", "persona": "Ada Lovelace", "copy": "4711", "track": "north\u200b\nhall"}
    (shown,) = consent_to(foreign(claims, hidden=claims), *((name,) for name in claims)).copies
    assert shown.learned == (
        ("acquired", "long ago"),
        ("persona", "Ada Lovelace"),
        ("copy", "4711"),
        ("track", "north hall"),
    )
