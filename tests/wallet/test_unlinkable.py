"""From the co-op to the gates with our own services: the wallet shows what tells the least, and nobody joins visits."""

import json
from dataclasses import replace
from typing import Any

import pytest

from credentials.data_integrity.bbs_2023_values import DerivedValue, Feature
from credentials.encoding.strict_json import Json
from credentials.keys.jws import sign_jws
from credentials.keys.signer import Signer
from credentials.protocols.openid4vp import (
    AuthorizationRequest,
    AuthorizationResponse,
    ForeignNymDomain,
    build_presentation_header,
    parse_response_form,
)
from tests.issuer.conftest import RELEASE
from tests.support.street import Shop, Street, owns_track
from verifier.forms import Form
from verifier.limits import Monthly, OnceEver
from verifier.proofs import OwnsRelease
from verifier.service import build_request
from verifier.service.trust_issuer import trust_anchor
from wallet.errors import NotForThisGate, NoUsesLeft, SiteRefused
from wallet.formats import build_state, parse_state
from wallet.linked import LinkedKind
from wallet.refused import NumberLost, ProofEnded, QuestionRefused
from wallet.service.open_gate import begin_visit, pass_gate
from wallet.state import Wallet


def uses(street: Street) -> list[int]:
    return [len(copy.instances) for copy in street.wallet.copies]


def shown(street: Street) -> list[tuple[str, Any]]:
    """Every presentation that the wallet sent, by the id of the query that it answers."""
    forms = [request for request in street.sent if "/responses/" in request.url.path]
    answers = [parse_response_form(request.content) for request in forms]
    given = [answer.vp_token for answer in answers if isinstance(answer, AuthorizationResponse)]
    return [(query_id, each) for token in given for query_id, (each,) in token.items()]


def proof_of(presentation: dict[str, Any]) -> DerivedValue:
    return DerivedValue.parse(presentation["proof"]["proofValue"])


async def test_a_wallet_receives_every_form_of_what_is_owned(street: Street) -> None:
    assert len(street.wallet.copies) == 2
    for copy in street.wallet.copies:
        assert {each.kind for each in copy.linked} == {LinkedKind.BASELINE, LinkedKind.PSEUDONYM, LinkedKind.DOOR}
        assert len(copy.instances) == 4


async def test_an_unlimited_gate_opens_twice_by_a_plain_proof_and_nothing_is_used_up(
    street: Street, shop: Shop
) -> None:
    gate, before = shop.gate(), uses(street)
    await street.visit(shop, gate)
    await street.visit(shop, gate)
    (first_id, first), (second_id, second) = shown(street)
    assert (first_id, second_id) == ("release-bbs", "release-bbs")
    assert first["credentialSubject"] == {"release": RELEASE}
    assert proof_of(first).feature is Feature.BASELINE
    assert (proof_of(first).pseudonym, proof_of(first).nym_domain) == (None, None)
    assert proof_of(first).proof != proof_of(second).proof
    assert uses(street) == before
    assert [each.accepted for each in street.wallet.receipts] == [True, True]


async def test_a_gate_that_opens_once_knows_the_listener_again_by_a_number(street: Street, shop: Shop) -> None:
    gate, before = shop.gate(limit=OnceEver()), uses(street)
    await street.visit(shop, gate)
    with pytest.raises(SiteRefused, match=r"Nothing was used up"):
        await street.visit(shop, gate)
    (query_id, first), (_, second) = shown(street)
    assert query_id == "release-nym"
    assert proof_of(first).nym_domain == shop.url(gate)
    assert proof_of(first).pseudonym == proof_of(second).pseudonym
    assert uses(street) == before


async def test_the_release_does_not_open_what_its_track_has_opened(street: Street, shop: Shop) -> None:
    gate = shop.gate(owns_track(), limit=OnceEver())
    await street.visit(shop, gate)

    def without_tracks(wallet: Wallet) -> tuple[Wallet, None]:
        for copy in wallet.copies:
            if "inAlbum" in copy.claims:
                wallet = wallet.without_copy(copy.key)
        return wallet, None

    street.memory.change(without_tracks)
    with pytest.raises(SiteRefused, match=r"Nothing was used up"):
        await street.visit(shop, gate)
    assert [query_id for query_id, _ in shown(street)] == ["track-nym", "release-nym"]


async def test_a_monthly_gate_sees_another_number_each_month(street: Street, shop: Shop) -> None:
    gate = shop.gate(limit=Monthly(times=1))
    await street.visit(shop, gate)
    street.coop.wait(days=12)  # the overlap: last month's credential, next month's number
    await street.visit(shop, gate)
    first, second = (proof_of(given) for _, given in shown(street))
    assert (first.nym_domain, second.nym_domain) == (f"{shop.url(gate)}#2026-11", f"{shop.url(gate)}#2026-12")
    assert first.pseudonym != second.pseudonym


async def test_a_stamp_is_shown_only_where_nothing_newer_is_known(
    street: Street, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_request, "forms_of", lambda *_: (Form.SD_JWT,))
    before = sum(uses(street))
    await street.visit(shop, shop.gate())
    ((query_id, given),) = shown(street)
    assert (query_id, type(given)) == ("release", str)
    assert sum(uses(street)) == before - 1


async def test_a_site_that_cannot_read_bbs_is_shown_a_stamp(
    street: Street, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_request, "LINKED_SUITES", ("eddsa-rdfc-2022",))
    visit = await begin_visit(shop.url(shop.gate()), tools=street.tools)
    assert [copy.proof for copy in visit.consent.copies] == [None]


# Rule 6: a number belongs to one gate, whatever sites agree on.


def sign_anything(request: AuthorizationRequest, *, signer: Signer, x5c: list[str], **_: object) -> str:
    """Sign what our verifier would not: whoever colludes has changed it."""
    return sign_jws({"typ": "oauth-authz-req+jwt", "x5c": list[Json](x5c)}, request.to_json(), signer)


@pytest.mark.parametrize("agreed", ["http://ring.localhost:1/listeners", "http://artist.localhost:8703/gates/one"])
async def test_two_colluding_shops_get_no_number_in_common(
    street: Street, shop: Shop, monkeypatch: pytest.MonkeyPatch, agreed: str
) -> None:
    """Both ask for the same domain: one of nobody, or the first shop's own. At most that one is answered."""
    other = street.shops.get("record.localhost:8704") or await street.open_shop("record", 8704)
    monkeypatch.setattr(build_request, "nym_domain", lambda *_, **__: agreed)
    monkeypatch.setattr(build_request, "build_request_object", sign_anything)
    asked = [shop] * (not agreed.startswith(f"http://{shop.host}/")) + [other]
    for each in asked:
        gate = each.gate(limit=OnceEver())
        with pytest.raises(QuestionRefused, match=r"the number by which another site knows you again") as refused:
            await street.visit(each, gate)
        assert isinstance(refused.value.__cause__, ForeignNymDomain)
    assert shown(street) == []
    assert street.wallet.receipts == ()


async def test_two_honest_shops_see_two_numbers_and_nothing_else_in_common(street: Street, shop: Shop) -> None:
    other = street.shops.get("record.localhost:8704") or await street.open_shop("record", 8704)
    for each in (shop, other):
        await street.visit(each, each.gate(limit=OnceEver()))
    (_, first), (_, second) = shown(street)
    assert proof_of(first).pseudonym != proof_of(second).pseudonym
    assert {name for name in first if first[name] == second[name]} == first.keys() - {"proof"}
    assert proof_of(first).label_map == proof_of(second).label_map
    assert len(proof_of(first).proof) == len(proof_of(second).proof)


async def test_a_number_for_more_than_one_gate_of_a_site_is_told_before_a_yes(
    street: Street, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_request, "nym_domain", lambda *_, **__: "http://artist.localhost:8703/all-our-gates")
    visit = await begin_visit(shop.url(shop.gate(limit=OnceEver())), tools=street.tools)
    assert visit.consent.warnings == (
        "The number that they ask for is not for this gate alone: artist.localhost knows you again by it elsewhere.",
    )


@pytest.mark.parametrize("period", ["2026-10", "2026-12", "slot-59833440", "november", ""])
async def test_a_month_or_half_minute_that_is_over_is_asked_for_in_vain(
    street: Street, shop: Shop, monkeypatch: pytest.MonkeyPatch, period: str
) -> None:
    gate = shop.gate(limit=Monthly(times=1))
    monkeypatch.setattr(build_request, "nym_domain", lambda *_, **__: f"{shop.url(gate)}#{period}")
    with pytest.raises(QuestionRefused, match=r"the number of another month or moment"):
        await street.visit(shop, gate)
    assert (shown(street), street.wallet.receipts) == ([], ())


async def test_numbers_of_two_gates_are_not_given_in_one_answer(
    street: Street, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, other = (shop.gate(owns_track(), limit=OnceEver()) for _ in range(2))

    def sign_more(request: AuthorizationRequest, **given: Any) -> str:
        domains = dict(zip(request.nym_domains, (shop.url(gate), shop.url(other)), strict=True))
        return sign_anything(replace(request, nym_domains=domains), **given)

    monkeypatch.setattr(build_request, "build_request_object", sign_more)
    with pytest.raises(QuestionRefused, match=r"several numbers at once"):
        await street.visit(shop, gate)
    assert (shown(street), street.wallet.receipts) == ([], ())


# What the listener reads.


async def test_consent_says_that_nobody_knows_the_listener_again_by_a_plain_proof(street: Street, shop: Shop) -> None:
    consent = (await begin_visit(shop.url(shop.gate()), tools=street.tools)).consent
    (copy,) = consent.copies
    assert (copy.proof, copy.left, consent.uses_up) == (LinkedKind.BASELINE, None, False)
    assert [label for label, _ in copy.learned] == ["Release number"]
    assert "Copy" not in copy.hidden
    assert "whether you were here before, or anywhere else" in consent.not_learned
    assert consent.remembered == (
        "not even with the help of coop.localhost could they tell from this proof whose it is",
    )
    assert consent.warnings == ()


async def test_consent_says_what_a_gate_that_counts_will_remember(street: Street, shop: Shop) -> None:
    gate = shop.gate(limit=Monthly(times=2))
    consent = (await begin_visit(shop.url(gate), tools=street.tools)).consent
    (copy,) = consent.copies
    assert copy.learned[1] == (
        "A number that is only ever used at this gate",
        f"the same in November 2026, another one afterwards ({shop.url(gate)})",
    )
    assert consent.not_learned[-1] == "whether you were anywhere else before"
    assert consent.remembered[0] == (
        "they keep the number, to count how often you come, until November 2026 is over; "
        "at any other gate it is of no use"
    )
    await street.visit(shop, gate)
    again = (await begin_visit(shop.url(gate), tools=street.tools)).consent
    assert again.warnings == (
        "You gave your number for this gate before, on 21 November 2026: they can tell that it is you again.",
    )


async def test_the_receipt_has_all_that_proves_the_terms_of_a_proof(street: Street, shop: Shop) -> None:
    await street.visit(shop, shop.gate(limit=OnceEver()))
    (receipt,) = street.wallet.receipts
    kept = json.loads(receipt.bindings[0])
    header = build_presentation_header(receipt.client_id, receipt.nonce, receipt.response_uri)
    assert proof_of(kept).presentation_header == header
    assert (receipt.shown[0].proof, receipt.shown[0].claims) == (LinkedKind.PSEUDONYM, {"release": RELEASE})
    assert parse_state(build_state(street.wallet)) == street.wallet


# A wallet that was opened too late.


async def test_a_wallet_opened_too_late_offers_the_stamp_and_says_what_either_way_reveals(
    street: Street, shop: Shop
) -> None:
    street.coop.wait(days=25)
    consent = (await begin_visit(shop.url(shop.gate()), tools=street.tools)).consent
    assert [copy.proof for copy in consent.copies] == [None]
    late, renew = consent.warnings
    assert "has ended and was not renewed" in late
    assert "coop.localhost, which made it, and the site together could tell" in late
    assert renew.startswith("Or say no, and renew first (handstamp wallet renew --now). Renewing now tells your co-op")
    assert consent.remembered == (
        "coop.localhost, which made this stamp, and the site together could tell whose it is",
    )


async def test_where_only_some_co_ops_make_proofs_the_site_names_them_and_is_shown_one(street: Street) -> None:
    stall = await street.open_shop("stall", 8705)
    work, party = stall.parts.work, stall.parts.party
    anchor = street.coop.authority.cert_pem.bytes()
    trust_anchor(work, "http://other.localhost:1", anchor, name="Another", party=party, now=street.now())
    gate = stall.gate(limit=OnceEver())
    await street.visit(stall, gate)
    assert [query_id for query_id, _ in shown(street)] == ["release-nym"]
    street.coop.wait(days=25)
    with pytest.raises(ProofEnded):
        await begin_visit(stall.url(gate), tools=street.tools)


async def test_a_site_that_asks_for_something_else_is_not_told_that_a_proof_has_ended(
    street: Street, shop: Shop
) -> None:
    street.coop.wait(days=25)
    with pytest.raises(NotForThisGate):
        await begin_visit(shop.url(shop.gate(OwnsRelease(release_id="another"))), tools=street.tools)


@pytest.mark.parametrize("others", [False, True])
async def test_a_gate_that_counts_by_numbers_waits_for_a_renewal(street: Street, shop: Shop, *, others: bool) -> None:
    """Also where it takes other wallets: a stamp of what is counted by pseudonyms has no number to count by."""
    street.coop.wait(days=25)
    gate = shop.gate(limit=OnceEver(), others=others)
    with pytest.raises(ProofEnded, match=r"Nothing was shown.*renew --now"):
        await begin_visit(shop.url(gate), tools=street.tools)


async def test_a_proof_that_ends_while_the_listener_reads_is_not_shown(street: Street, shop: Shop) -> None:
    visit = await begin_visit(shop.url(shop.gate()), tools=street.tools)
    street.coop.wait(days=25)
    with pytest.raises(ProofEnded, match="while you were reading"):
        await pass_gate(visit, tools=street.tools)
    assert shown(street) == []


async def test_a_copy_that_was_removed_while_the_listener_reads_is_not_shown(street: Street, shop: Shop) -> None:
    visit = await begin_visit(shop.url(shop.gate()), tools=street.tools)
    street.memory.change(lambda wallet: (wallet.without_copy(visit.consent.copies[0].key), None))
    with pytest.raises(NoUsesLeft):
        await pass_gate(visit, tools=street.tools)


async def test_a_wallet_without_its_secret_makes_no_other_number(street: Street, shop: Shop) -> None:
    street.memory.change(lambda wallet: (replace(wallet, nyms=()), None))
    visit = await begin_visit(shop.url(shop.gate(limit=OnceEver())), tools=street.tools)
    with pytest.raises(NumberLost):
        await pass_gate(visit, tools=street.tools)
    assert shown(street) == []
