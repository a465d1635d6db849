"""What a wallet keeps beside single-use instances: credentials shown by proofs, and the secrets of pseudonyms."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import schemas
from tests.support.outside import NOW, release_claims
from wallet.linked import LinkedCredential, LinkedKind, Nym
from wallet.merging import merge
from wallet.state import Copy, Instance, Wallet
from wallet.supply import Brought, Supply

COOP = "https://coop.example"
LATER = NOW + timedelta(days=20)


def linked(kind: LinkedKind = LinkedKind.BASELINE, **changes: Any) -> LinkedCredential:
    said: dict[str, Any] = {"credential": "{}", "month": "2026-11", "expires_at": LATER, "issuer_key": "zKey"}
    return LinkedCredential(kind=kind, **(said | changes))


def a_copy(*credentials: LinkedCredential, instances: tuple[str, ...] = (), **changes: str) -> Copy:
    number = release_claims()["copy"]
    claims = {name: value for name, value in release_claims(**changes).items() if instances or name != "copy"}
    return Copy(
        id=number,
        issuer=COOP,
        vct=schemas.RELEASE_OWNERSHIP.vct,
        claims=dict(claims),
        received_at=NOW,
        instances=tuple(Instance(credential=each, key="K") for each in instances),
        linked=credentials,
    )


def nym(secret: str, **changes: Any) -> Nym:
    said: dict[str, Any] = {
        "issuer": COOP,
        "scope": "who",
        "blind": "b",
        "commitment": f"point of {secret}",
        "made_at": NOW,
    }
    return Nym(secret=secret, **(said | changes))


def only(wallet: Wallet) -> Copy:
    (copy,) = wallet.copies
    return copy


def test_linked_credentials_and_instances_of_one_copy_stand_side_by_side_whichever_comes_first() -> None:
    baseline, counted = linked(), linked(LinkedKind.PSEUDONYM)
    for order in (
        (a_copy(baseline), a_copy(counted), a_copy(instances=("a", "b"))),
        (a_copy(instances=("a", "b")), a_copy(baseline), a_copy(counted)),
    ):
        wallet = Wallet()
        for copy in order:
            wallet = wallet.with_copy(copy)
        kept = only(wallet)
        assert kept.claims == release_claims()
        assert [each.credential for each in kept.instances] == ["a", "b"]
        assert set(kept.linked) == {baseline, counted}


def test_a_renewed_credential_takes_the_place_of_the_one_of_its_kind_alone() -> None:
    wallet = Wallet().with_copy(a_copy(linked(), linked(LinkedKind.DOOR)))
    newer = linked(month="2026-12", expires_at=LATER + timedelta(days=31))
    kept = only(wallet.with_copy(a_copy(newer)))
    assert {(each.kind, each.month) for each in kept.linked} == {
        (LinkedKind.DOOR, "2026-11"),
        (LinkedKind.BASELINE, "2026-12"),
    }


def test_a_title_that_the_co_op_corrected_leaves_nothing_with_the_old_one() -> None:
    wallet = Wallet().with_copy(a_copy(linked(LinkedKind.DOOR), instances=("a",)))
    for newer in (a_copy(linked(), name="Night Bus"), a_copy(instances=("b",), name="Night Bus")):
        kept = only(wallet.with_copy(newer))
        assert kept.text("name") == "Night Bus"
        assert "a" not in [each.credential for each in kept.instances]
        assert LinkedKind.DOOR not in [each.kind for each in kept.linked]


def test_what_has_expired_cannot_be_shown_and_goes_when_the_wallet_is_tidied() -> None:
    wallet = Wallet().with_copy(a_copy(linked()))
    assert only(wallet).linked_as(LinkedKind.BASELINE, LATER - timedelta(seconds=1))
    assert only(wallet).linked_as(LinkedKind.BASELINE, LATER) is None
    assert only(wallet).linked_as(LinkedKind.DOOR, NOW) is None
    assert only(wallet.pruned(LATER)).linked == ()


def test_the_nym_that_the_co_op_took_last_is_the_one_to_commit_to() -> None:
    wallet = Wallet().with_nym(nym("first")).with_nym(nym("second"))
    first, second = wallet.nyms
    assert wallet.nym(COOP, "who") == first
    wallet = wallet.with_nym(replace(second, accepted_at=NOW))
    assert wallet.nym(COOP, "who") == replace(second, accepted_at=NOW)
    assert len(wallet.nyms) == 2
    assert wallet.nym(COOP, "else") is None
    assert wallet.nym("https://other.example", "who") is None


def test_a_credential_finds_the_nym_that_it_was_made_for() -> None:
    wallet = Wallet().with_nym(nym("old", accepted_at=NOW)).with_nym(nym("new", accepted_at=LATER))
    copy = a_copy(linked(LinkedKind.PSEUDONYM, scope="who", commitment="point of old"))
    found = wallet.nym_of(copy, copy.linked[0])
    assert found
    assert found.secret == "old"
    assert wallet.nym_of(copy, linked()) is None


def test_an_import_brings_linked_credentials_and_nyms_and_takes_none_away() -> None:
    ours = Wallet(copies=(a_copy(linked(month="2026-12")),), nyms=(nym("a"),))
    theirs = Wallet(copies=(a_copy(linked(), linked(LinkedKind.DOOR)),), nyms=(nym("a", accepted_at=NOW), nym("b")))
    for with_instances in (True, False):
        merged, _ = merge(ours, theirs, with_instances=with_instances, with_authorities=False)
        assert sorted((each.kind.value, each.month) for each in only(merged).linked) == [
            ("bbs", "2026-12"),
            ("door", "2026-11"),
        ]
        assert {(each.secret, each.accepted_at) for each in merged.nyms} == {("a", NOW), ("b", None)}
    assert merge(Wallet(), theirs, with_instances=False, with_authorities=False)[0].nyms == theirs.nyms


def test_another_offer_takes_over_only_the_forms_that_it_brings() -> None:
    copy = a_copy(linked(), instances=("a",))

    def supply(offer_id: str, *kinds: str) -> Supply:
        sources = tuple(Brought(configuration_id=each, credential_identifier=None, copy=copy.key) for each in kinds)
        return Supply(
            offer_id=offer_id,
            link_id="",
            offer="{}",
            issuer=COOP,
            key="K",
            access_token="t",
            expires_at=NOW,
            token_at=NOW,
            sources=sources,
        )

    wallet = Wallet().with_supply(supply("first", "R", "R.bbs")).bringing(copy.key, supply("second", "R"))
    assert {each.offer_id: [source.configuration_id for source in each.sources] for each in wallet.supplies} == {
        "first": ["R.bbs"],
        "second": ["R"],
    }
