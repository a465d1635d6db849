"""What a wallet shows at a gate: to whom a pinned authority vouches for, the least that answers, once, after a yes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import schemas
from credentials.encoding import base64url
from credentials.errors import HandstampError
from credentials.protocols.dcql import CredentialQuery, Query
from credentials.protocols.handshake import Handshake
from credentials.protocols.openid4vp import build_client_id
from credentials.sd_jwt import parse_sd_jwt
from credentials.trust import TrustedIssuer, TrustPolicy
from credentials.verify import verify
from plumbing.fetch import HttpFetcher
from tests.support import hostile_issuer
from tests.support.hostile_site import GATE, HOST, SITE, TERMS, HostileSite, asking
from tests.support.outside import NOW, Authority, Outside, says
from tests.wallet.gates import pass_through, release
from wallet import errors
from wallet.service.answer_request import Asked, answer, read_request
from wallet.service.open_gate import begin_visit, pass_gate
from wallet.state import Instance, Wallet

if TYPE_CHECKING:
    import httpx

    from wallet.ports import Tools


@pytest.mark.usefixtures("site")
async def test_a_gate_opens_and_the_grant_is_kept(stocked: Tools) -> None:
    delivery = await pass_through(stocked)
    assert delivery.site == HOST
    assert stocked.keeper.load().deliveries == (delivery,)
    (receipt,) = stocked.keeper.load().receipts
    assert receipt.accepted
    assert receipt.terms == TERMS
    assert receipt.shown[0].claims == {"release": release(stocked).claims["release"]}


async def test_the_answer_verifies_and_discloses_only_what_was_asked(
    stocked: Tools, site: HostileSite, authority: Authority
) -> None:
    await pass_through(stocked)
    (given,) = site.answers[0].vp_token["record"]
    trusted = TrustedIssuer(
        issuer=hostile_issuer.URL, name="", anchors=(authority.pem,), types=frozenset(schemas.BY_VCT)
    )
    nonce = stocked.keeper.load().receipts[0].nonce
    evidence = verify(
        given,
        policy=TrustPolicy((trusted,)),
        audience=build_client_id(HOST),
        nonce=nonce,
        at=NOW,
        lenient={hostile_issuer.STATUS_LIST},
    )
    assert evidence.disclosed.keys() == {"release"}


async def test_the_receipt_proves_the_terms(stocked: Tools, site: HostileSite) -> None:
    await pass_through(stocked)
    (receipt,) = stocked.keeper.load().receipts
    salt = base64url.decode(receipt.salt or "", what="salt")
    assert Handshake(text=receipt.terms or "", language="en", salt=salt).nonce == receipt.nonce
    assert site.answers[0].vp_token["record"][0].endswith(receipt.bindings[0])


@pytest.mark.usefixtures("site")
async def test_consent_says_who_asks_what_they_learn_the_terms_and_what_opens(stocked: Tools) -> None:
    consent = (await begin_visit(GATE, tools=stocked)).consent
    assert consent.site == HOST
    assert consent.terms == TERMS
    assert consent.opens == "the EP “Night Bus EP” by The Long Way Home, 3 tracks, 312 MB"
    (shown,) = consent.copies
    assert [label for label, _ in shown.learned] == ["Release number"]
    assert "Yours since" in shown.hidden
    assert "your name, your e-mail address or any account" in consent.not_learned
    assert shown.left == 3
    assert consent.warnings == ()


async def test_reading_a_request_uses_nothing_up(stocked: Tools, site: HostileSite) -> None:
    before = stocked.keeper.load()
    await begin_visit(GATE, tools=stocked)
    assert stocked.keeper.load() == before
    assert site.answers == []


async def test_two_answers_have_nothing_in_common_that_could_join_them(stocked: Tools, site: HostileSite) -> None:
    await pass_through(stocked)
    await pass_through(stocked)
    first, second = (parse_sd_jwt(given.vp_token["record"][0]) for given in site.answers)
    assert first.issuer_claims["cnf"] != second.issuer_claims["cnf"]
    assert first.jws.signature != second.jws.signature
    assert not set(map(str, first.issuer_claims["_sd"])) & set(map(str, second.issuer_claims["_sd"]))  # type: ignore[arg-type]
    assert not {d.salt for d in first.disclosures} & {d.salt for d in second.disclosures}


@pytest.mark.usefixtures("site")
async def test_only_the_visits_own_cookie_is_sent_and_nothing_goes_to_the_co_op(
    stocked: Tools, outside: Outside
) -> None:
    await pass_through(stocked)
    assert outside.sent_to("coop.localhost") == []
    cookies = {request.url.path: request.headers.get("cookie") for request in outside.seen}
    assert cookies == {
        "/gates/g/visits": None,
        "/requests/r": None,
        "/responses/r": None,
        "/return": "visit-v=secret",
        "/visits/v/grant": "visit-v=secret",
    }
    assert all("referer" not in request.headers for request in outside.seen)
    assert {request.headers["user-agent"] for request in outside.seen} == {"handstamp-wallet"}


async def test_the_instance_is_gone_before_it_is_sent(stocked: Tools, site: HostileSite) -> None:
    left: list[int] = []

    def look(request: httpx.Request) -> httpx.Response:
        left.append(len(release(stocked).instances))
        return site.take_answer(request)

    site.routes.answers["POST /responses/r"] = look
    await pass_through(stocked)
    assert left == [3]


@pytest.mark.parametrize("status", [400, 500])
async def test_an_instance_is_never_shown_twice_even_if_the_answer_fails(
    stocked: Tools, site: HostileSite, outside: Outside, status: int
) -> None:
    site.routes.answers["POST /responses/r"] = says({"error": "invalid_request"}, status)
    for _ in range(2):
        with pytest.raises(errors.SiteRefused, match="One stamp was used up, the copy stays yours"):
            await pass_through(stocked)
    posts = [request.content for request in outside.seen if request.url.path == "/responses/r"]
    assert len({post.split(b"%7E")[0] for post in posts}) == 2
    assert len(release(stocked).instances) == 2
    assert [receipt.accepted for receipt in stocked.keeper.load().receipts] == [False, False]


async def test_a_site_that_asks_for_everything_is_said_to_make_the_listener_recognisable(
    stocked: Tools, site: HostileSite
) -> None:
    site.query = asking(*schemas.RELEASE_OWNERSHIP.claim_names)
    consent = (await begin_visit(GATE, tools=stocked)).consent
    assert any("recognisable" in warning for warning in consent.warnings)
    assert len(consent.copies[0].learned) == 8
    assert consent.copies[0].hidden == ()
    assert "whether you were here before, or anywhere else" not in consent.not_learned


async def test_a_site_that_asks_for_several_records_at_once_is_warned_of(stocked: Tools, site: HostileSite) -> None:
    track = replace(asking("track").credentials[0], id="track", vct_values=(schemas.TRACK_OWNERSHIP.vct,))
    site.query = Query(credentials=(*asking("release").credentials, track))
    consent = (await begin_visit(GATE, tools=stocked)).consent
    assert any("several of your records" in warning for warning in consent.warnings)
    await pass_through(stocked)
    assert set(site.answers[0].vp_token) == {"record", "track"}


async def test_one_copy_asked_for_twice_shows_two_instances(stocked: Tools, site: HostileSite) -> None:
    twice = (*asking("release").credentials, replace(asking("name").credentials[0], id="again"))
    site.query = Query(credentials=twice)
    await pass_through(stocked)
    assert len(release(stocked).instances) == 2


async def test_the_last_uses_are_warned_of_and_then_said_to_be_over(stocked: Tools, site: HostileSite) -> None:
    def keep(count: int) -> None:
        def cut(wallet: Wallet) -> tuple[Wallet, None]:
            copies = tuple(replace(copy, instances=copy.instances[:count]) for copy in wallet.copies)
            return replace(wallet, copies=copies), None

        stocked.keeper.change(cut)

    keep(2)
    assert "once more" in (await begin_visit(GATE, tools=stocked)).consent.warnings[0]
    keep(1)
    visit = await begin_visit(GATE, tools=stocked)
    assert "last use" in visit.consent.warnings[0]
    keep(0)
    with pytest.raises(errors.NoUsesLeft, match="wallet top-up"):
        await begin_visit(GATE, tools=stocked)
    with pytest.raises(errors.NoUsesLeft):
        await pass_gate(visit, tools=stocked)
    assert site.answers == []


async def test_a_record_that_is_not_here_is_said_in_words_and_nothing_is_sent(
    stocked: Tools, site: HostileSite
) -> None:
    site.query = asking(release="00000000-0000-4000-8000-000000000000")
    with pytest.raises(errors.NotForThisGate, match="Nothing was shown"):
        await begin_visit(GATE, tools=stocked)
    assert site.answers == []
    assert site.refusals == 0


async def test_a_link_from_another_screen_is_answered_and_leads_nowhere_here(stocked: Tools, site: HostileSite) -> None:
    site.routes.answers["POST /responses/r"] = says({})
    answered = await answer(await read_request(site.link(), tools=stocked), tools=stocked)
    assert answered.redirect_uri is None
    assert answered.receipt.accepted


async def test_what_cannot_be_answered_yet_is_refused_and_never_ignored(stocked: Tools, site: HostileSite) -> None:
    site.query = Query(credentials=(CredentialQuery(id="m", format="mso_mdoc", doctype_value="org.iso.18013.5.1.mDL"),))
    with pytest.raises(HandstampError, match="not supported"):
        await begin_visit(GATE, tools=stocked)


@pytest.mark.usefixtures("site")
async def test_of_two_copies_that_answer_alike_the_one_with_more_uses_is_shown(stocked: Tools) -> None:
    richer = replace(
        release(stocked), id="B" * 22, instances=(*release(stocked).instances, Instance(credential="", key=""))
    )
    stocked.keeper.change(lambda wallet: (wallet.with_copy(richer), None))
    asked: Asked = (await begin_visit(GATE, tools=stocked)).asked
    assert asked.consent.copies[0].key == richer.key


@pytest.mark.usefixtures("site")
async def test_receipts_are_erased_after_twelve_months(stocked: Tools) -> None:
    await pass_through(stocked)
    wallet = stocked.keeper.load()
    assert wallet.pruned(NOW + timedelta(days=364)).receipts
    assert not wallet.pruned(NOW + timedelta(days=366)).receipts


def test_the_network_of_the_tests_is_the_network_of_the_wallet(outside: Outside) -> None:
    assert isinstance(outside.web(SITE), HttpFetcher)
