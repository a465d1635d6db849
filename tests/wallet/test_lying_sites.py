"""A site that lies, before the yes or after the answer: it learns nothing, or gets nothing more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from credentials.errors import HandstampError, Malformed
from credentials.keys.signer import LocalSigner
from credentials.protocols.openid4vp import RequestReference, build_client_id, build_request_link
from credentials.protocols.urls import LeadsToLoopback
from plumbing.fetch import FetchFailed, FetchRefused
from tests.support import hostile_site
from tests.support.hostile_site import GATE, HOST, SITE, HostileSite
from tests.support.outside import NOW, Authority, Outside, Routes, endless, says
from tests.wallet.gates import pass_through, release
from wallet import errors
from wallet.refused import QuestionRefused
from wallet.service.open_gate import begin_visit, pass_gate

if TYPE_CHECKING:
    from collections.abc import Callable

    from wallet.ports import Tools

ANYTHING = "x" * 3000


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
