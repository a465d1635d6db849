"""What a wallet shows at a gate: to whom a pinned authority vouches for, the least that answers, once, after a yes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

import schemas
from credentials.encoding import base64url
from credentials.errors import HandstampError, Malformed
from credentials.keys.signer import LocalSigner
from credentials.protocols.dcql import CredentialQuery, Query
from credentials.protocols.handshake import Handshake
from credentials.protocols.openid4vp import RequestReference, build_client_id, build_request_link
from credentials.protocols.urls import LeadsToLoopback
from credentials.sd_jwt import parse_sd_jwt
from credentials.trust import TrustedIssuer, TrustPolicy
from credentials.verify import verify
from plumbing.fetch import FetchFailed, FetchRefused, HttpFetcher
from tests.support import hostile_issuer, hostile_site
from tests.support.hostile_issuer import fill_wallet
from tests.support.hostile_site import GATE, HOST, SITE, TERMS, HostileSite, asking
from tests.support.outside import NOW, Authority, Outside, Routes, endless, says
from wallet import errors
from wallet.ports import Tools
from wallet.refused import QuestionRefused
from wallet.service.answer_request import Asked, answer, read_request
from wallet.service.open_gate import begin_visit, pass_gate
from wallet.state import Copy, Delivery, Instance, Wallet

ANYTHING = "x" * 3000


@pytest.fixture(scope="module")
def filled(authority: Authority) -> Wallet:
    """What a wallet holds that received one EP and one track."""
    return fill_wallet(authority, "copy-1", "copy-2")


@pytest.fixture
def stocked(tools: Tools, filled: Wallet) -> Tools:
    """A wallet with one EP and one track."""
    tools.keeper.change(lambda _: (filled, None))
    return tools


@pytest.fixture
def site(outside: Outside, authority: Authority) -> HostileSite:
    return HostileSite.open(outside, authority)


def release(tools: Tools) -> Copy:
    return next(copy for copy in tools.keeper.load().copies if copy.vct == schemas.RELEASE_OWNERSHIP.vct)


async def pass_through(tools: Tools) -> Delivery:
    return await pass_gate(await begin_visit(GATE, tools=tools), tools=tools)


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


def unsigned_change(**changes: Any) -> Callable[[HostileSite], None]:
    """Sign a request that `build_request_object` would refuse to sign."""
    from credentials.keys.jws import sign_jws  # noqa: PLC0415

    def lie(site: HostileSite) -> None:
        def give(_: httpx.Request) -> httpx.Response:
            claims = site.request().to_json() | changes
            header: dict[str, Any] = {"typ": "oauth-authz-req+jwt", "x5c": site.chain.x5c()}
            return httpx.Response(200, text=sign_jws(header, claims, site.signer))

        site.routes.answers["GET /requests/r"] = give

    return lie


def answering(route: str, answer: Callable[[httpx.Request], httpx.Response]) -> Callable[[HostileSite], None]:
    def lie(site: HostileSite) -> None:
        site.routes.answers[route] = answer

    return lie


def signed_by_another(site: HostileSite) -> None:
    site.signer = LocalSigner.generate()


BEFORE: dict[str, tuple[Callable[[HostileSite], None], type[HandstampError]]] = {
    "terms that the nonce does not commit to": (
        unsigned_change(handstamp_handshake={"text": "Give me all.", "language": "en", "salt": "A" * 22}),
        QuestionRefused,
    ),
    "the answer to another host": (unsigned_change(response_uri="http://shop.localhost:1/r"), QuestionRefused),
    "another site's name": (unsigned_change(client_id="x509_san_dns:label.localhost"), HandstampError),
    "a transaction to authorise": (unsigned_change(transaction_data=["e30"]), HandstampError),
    "another response mode": (unsigned_change(response_mode="fragment"), HandstampError),
    "an expired request": (unsigned_change(exp=int((NOW - timedelta(minutes=1)).timestamp())), HandstampError),
    "terms that turn around on screen": (
        unsigned_change(handstamp_handshake={"text": "a\u202eb", "language": "en", "salt": "A" * 22}),
        HandstampError,
    ),
    "a signature by another key": (signed_by_another, HandstampError),
    "no request at all": (answering("GET /requests/r", says({}, 404)), errors.SiteRefused),
    "an endless request": (answering("GET /requests/r", endless()), FetchFailed),
    "a request that is no JWT": (answering("GET /requests/r", says({"a": 1})), QuestionRefused),
    "a redirect instead of a request": (
        answering("GET /requests/r", lambda _: httpx.Response(302, headers={"Location": "http://shop.localhost/"})),
        errors.SiteRefused,
    ),
    "no such gate": (answering("POST /gates/g/visits", says({}, 404)), errors.SiteRefused),
    "a visit at another address": (
        answering("POST /gates/g/visits", says({"visit": "http://shop.localhost:1/v", "same_device": "x"}, 201)),
        errors.SiteRefused,
    ),
    "an answer that is no visit": (answering("POST /gates/g/visits", says({"hello": "you"}, 201)), Malformed),
    "a link to an unsigned request": (
        answering(
            "POST /gates/g/visits",
            says({"visit": f"{SITE}/visits/v", "same_device": "openid4vp://?client_id=redirect_uri:x&nonce=1"}, 201),
        ),
        HandstampError,
    ),
    "absurd things that open": (
        answering(
            "POST /gates/g/visits",
            says(
                {
                    "visit": f"{SITE}/visits/v",
                    "same_device": build_request_link(
                        RequestReference(client_id=build_client_id(HOST), request_uri=f"{SITE}/requests/r")
                    ),
                    "opens": {"kind": "\x1b[2J", "title": ANYTHING},
                },
                201,
            ),
        ),
        Malformed,
    ),
}


@pytest.mark.parametrize("lie", BEFORE)
async def test_a_site_that_lies_before_the_yes_learns_nothing_and_nothing_is_used(
    stocked: Tools, site: HostileSite, lie: str
) -> None:
    before = stocked.keeper.load()
    tell, expected = BEFORE[lie]
    tell(site)
    with pytest.raises(expected):
        await begin_visit(GATE, tools=stocked)
    assert stocked.keeper.load() == before
    assert site.answers == []


AFTER: dict[str, Callable[[HostileSite], None]] = {
    "a way on to another host": answering("POST /responses/r", says({"redirect_uri": "http://shop.localhost/return"})),
    "a way on to another scheme": answering("POST /responses/r", says({"redirect_uri": f"https://{HOST}/return"})),
    "no way on": answering("POST /responses/r", says({})),
    "an answer that is no JSON": answering("POST /responses/r", lambda _: httpx.Response(200, text="ok")),
    "another visit": answering("GET /return", says({"visit": f"{SITE}/visits/other"})),
    "no return": answering("GET /return", says({"detail": "Another browser."}, 403)),
    "no grant": answering("POST /visits/v/grant", says({"detail": "No."}, 409)),
    "an endless grant": answering("POST /visits/v/grant", endless()),
    "a grant that is none": answering("POST /visits/v/grant", says({"grant": "a.b.c", "trackserver": SITE})),
}


@pytest.mark.parametrize("lie", AFTER)
async def test_a_site_that_lies_after_the_answer_gets_nothing_more(
    stocked: Tools, site: HostileSite, outside: Outside, lie: str
) -> None:
    AFTER[lie](site)
    with pytest.raises(HandstampError):
        await pass_through(stocked)
    assert stocked.keeper.load().deliveries == ()
    assert len(release(stocked).instances) == 3
    assert outside.sent_to("shop.localhost") == []


@pytest.mark.parametrize(
    "changes",
    [{"holder_key": None}, {"holder_key": "A" * 43}, {"audience": "http://shop.localhost:8702"}],
    ids=["bound to nobody", "bound to somebody else", "for another trackserver"],
)
async def test_a_grant_that_somebody_else_could_use_or_that_fits_elsewhere_is_not_kept(
    stocked: Tools, site: HostileSite, changes: dict[str, Any]
) -> None:
    site.grant_changes = changes
    with pytest.raises(errors.SiteRefused):
        await pass_through(stocked)
    assert stocked.keeper.load().deliveries == ()


@pytest.mark.usefixtures("site")
async def test_a_site_that_nobody_vouches_for_is_refused_with_words_on_how_to_trust_it(
    stocked: Tools, outside: Outside
) -> None:
    HostileSite.open(outside, Authority())
    with pytest.raises(errors.UnknownAuthority, match="wallet trust add"):
        await begin_visit(GATE, tools=stocked)
    stocked.keeper.change(lambda wallet: (replace(wallet, authorities=()), None))
    with pytest.raises(errors.UnknownAuthority):
        await begin_visit(GATE, tools=stocked)


async def test_a_site_that_relays_anothers_request_is_refused(
    stocked: Tools, site: HostileSite, outside: Outside
) -> None:
    relay = says({"visit": "http://shop.localhost:8704/visits/v", "same_device": site.link()}, 201)
    outside.parties["shop.localhost:8704"] = Routes({"POST /gates/g/visits": relay})
    with pytest.raises(errors.SiteRefused, match=r"in the name of artist\.localhost"):
        await begin_visit("http://shop.localhost:8704/gates/g", tools=stocked)
    assert site.answers == []


async def test_a_trackserver_on_this_machine_is_not_taken_from_a_public_site(
    stocked: Tools, outside: Outside, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def somewhere(_host: str, _port: int) -> list[str]:
        return ["93.184.215.14"]

    monkeypatch.setattr("plumbing.fetch._resolve", somewhere)
    monkeypatch.setattr(hostile_site, "HOST", "artist.example")
    monkeypatch.setattr(hostile_site, "SITE", "https://artist.example")
    site = HostileSite.open(outside, authority)
    outside.parties["artist.example"] = site.routes
    visit = await begin_visit("https://artist.example/gates/g", tools=stocked)
    with pytest.raises(LeadsToLoopback):
        await pass_gate(visit, tools=stocked)
    assert len(site.answers) == 1
    assert stocked.keeper.load().deliveries == ()


async def test_a_public_party_never_leads_the_wallet_to_this_machine(
    stocked: Tools, outside: Outside, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def somewhere(_host: str, _port: int) -> list[str]:
        return ["93.184.215.14"]

    monkeypatch.setattr("plumbing.fetch._resolve", somewhere)
    site = HostileSite.open(outside, authority)
    outside.parties["gate.example"] = site.routes
    visit = says({"visit": "https://gate.example/visits/v", "same_device": site.link()}, 201)
    site.routes.answers["POST /gates/g/visits"] = visit
    with pytest.raises(FetchRefused):
        await begin_visit("https://gate.example/gates/g", tools=stocked)
    assert outside.paths() == ["POST gate.example/gates/g/visits"]


async def test_a_link_from_another_screen_is_answered_and_leads_nowhere_here(stocked: Tools, site: HostileSite) -> None:
    site.routes.answers["POST /responses/r"] = says({})
    answered = await answer(await read_request(site.link(), tools=stocked), tools=stocked)
    assert answered.redirect_uri is None
    assert answered.receipt.accepted


@pytest.mark.parametrize(
    "address", ["", "artist", "http://artist.localhost:8703", "ftp://a/b", "http://artist.example/g"]
)
@pytest.mark.usefixtures("site")
async def test_an_address_that_is_no_gate_is_refused_before_anything_is_sent(
    stocked: Tools, outside: Outside, address: str
) -> None:
    with pytest.raises(Malformed):
        await begin_visit(address, tools=stocked)
    assert outside.seen == []


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
