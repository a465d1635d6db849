"""The steps on pages of `docs/flows` happen in their order: each flow runs, and what it calls and asks is compared."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import httpx
import pytest

from issuer.service.offers import choose_copies
from issuer.store import Store
from plumbing.clock import system_clock
from plumbing.dids import build_resolver
from plumbing.fetch import HttpFetcher, Reach
from tests.flows.following import Followed, following, steps_of
from tests.support.town import Town, elsewhere, town
from verifier.limits import OnceEver
from verifier.service.add_gate import NewGate, ReleaseAddress, add_gate
from verifier.service.trust_issuer import ask_issuer, trust_keys
from wallet.service.download import fetch_files, find_delivery, list_files, open_download
from wallet.service.open_gate import begin_visit, pass_gate

if TYPE_CHECKING:
    from wallet.ports import Tools

pytestmark = [pytest.mark.flow, pytest.mark.slow]
PAGES = (
    "issue-by-code-beside-a-qr",
    "present-on-one-device",
    "download-by-browser",
    "linked-and-pseudonym",
    "download-by-wallet",
)


class Home(httpx.HTTPTransport):
    """Finds every name on this machine, as browsers find `*.localhost`."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        here, more = request.url.copy_with(host="127.0.0.1"), request.extensions
        moved = httpx.Request(request.method, here, headers=request.headers, stream=request.stream, extensions=more)
        return super().handle_request(moved)


def browser() -> httpx.Client:
    return httpx.Client(transport=Home(), trust_env=False, timeout=30, headers={"Accept": "text/html"})


def hidden(page: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return found[1]


def issue(built: Town) -> Tools:
    """Pick copies and see the code in a browser; then let a wallet take an offer of the same."""
    listener, wallet, coop = built.buyer(), built.wallet(), built.coop_url
    with browser() as web:
        web.post(f"{coop}/login", data={"token": built.login_link(listener).partition("=")[2]})
        page = web.get(f"{coop}/collection")
        made = web.post(f"{coop}/offers", data={"csrf": hidden(page, "csrf"), "copy": hidden(page, "copy")})
        offer = web.get(f"{coop}{made.headers['location']}")
        web.post(f"{coop}{made.headers['location'].removesuffix('/page')}/code", data={"csrf": hidden(offer, "csrf")})
    desk = built.issuer.desk
    with built.issuer.database.write() as session:
        store = Store(session)
        copies = choose_copies(store, listener=listener, copy_ids=None)
        another = desk.make(store, copies, listener=listener, now=system_clock())
    built.receive(wallet, desk.by_reference(another).to_link(), desk.tx_code(another))
    return wallet


def present(built: Town, wallet: Tools, gate: str) -> None:
    """Begin in a browser, answer with the wallet, come back to an open gate, and take the files."""
    with browser() as web:
        web.get(gate)
        begun = web.post(f"{gate}/visits", headers={"Accept": "application/json"}).json()
        redirect = built.answer(wallet, begun["same_device"])
        assert redirect is not None
        page = web.get(redirect, follow_redirects=True)
        assert str(page.url) == begun["visit"]
        opened = web.post(f"{begun['visit']}/grant", data={"csrf": hidden(page, "csrf")}, follow_redirects=True)
        (file, *_) = re.findall(r'"(?:http://[^"/]+)?(/downloads/[^"]+/files/[^"?]+)"', opened.text)
        trackserver = built.settings.trackserver.base_url
        assert web.get(f"{trackserver}{file}").is_success
        assert web.get(f"{opened.url}/release.zip").is_success


def trust(built: Town) -> None:
    """Let the site know the co-op's keys, those of proofs among them."""

    async def go() -> None:
        async with HttpFetcher(Reach.LOOPBACK) as fetcher:
            resolver = build_resolver(fetcher, clock=system_clock)
            stated = await ask_issuer(built.coop_url, fetcher=fetcher, resolver=resolver)
            trust_keys(built.verifier.work, stated, name=None, party=built.verifier.party, now=system_clock())

    elsewhere(go())


def count(built: Town, wallet: Tools) -> None:
    """Pass a gate with a limit, by the wallet alone."""
    new = NewGate(address=ReleaseAddress.parse(built.release_url), limit=OnceEver())
    work, party = built.verifier.work, built.verifier.party

    async def go() -> None:
        async with HttpFetcher(Reach.LOOPBACK) as fetcher:
            gate = await add_gate(work, new, party=party, fetcher=fetcher, now=system_clock())
        await pass_gate(await begin_visit(built.gate_url(gate), tools=wallet), tools=wallet)

    elsewhere(go())


def download(built: Town, wallet: Tools) -> None:
    """Fetch the files of the newest delivery with the wallet."""

    async def go() -> None:
        opened = await open_download(find_delivery(None, tools=wallet), tools=wallet)
        listing = await list_files(opened, tools=wallet)
        await fetch_files(opened, listing.files, built.folder / "music", tools=wallet)

    elsewhere(go())


@pytest.fixture(scope="module")
def flows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Followed]:
    """Everything that happened in each flow, by the name of its page."""
    steps = [step for page in PAGES for step in steps_of(page)]
    with following(steps) as followed, town(tmp_path_factory.mktemp("flows")) as built:
        events = followed.events
        trust(built)
        issued = len(events)
        wallet = issue(built)
        presented = len(events)
        present(built, wallet, built.gate_url(built.gate()))
        counted = len(events)
        count(built, wallet)
        downloaded = len(events)
        download(built, wallet)
    return {
        "issue-by-code-beside-a-qr": Followed(events[issued:presented]),
        "present-on-one-device": Followed(events[presented:counted]),
        "download-by-browser": Followed(events[presented:counted]),
        "linked-and-pseudonym": Followed(events[issued:presented] + events[counted:downloaded]),
        "download-by-wallet": Followed(events[counted:]),
    }


@pytest.mark.parametrize("page", PAGES)
def test_the_steps_of_a_page_happen_in_their_order_and_in_no_other(page: str, flows: dict[str, Followed]) -> None:
    steps = steps_of(page)
    assert flows[page].out_of_order(steps) == []
    for at, (one, other) in enumerate(pairwise(steps)):
        if (one.request, one.code) != (other.request, other.code):
            swapped = [*steps[:at], other, one, *steps[at + 2 :]]
            assert flows[page].out_of_order(swapped) != [], f"steps {one.number} and {other.number} may change places"
