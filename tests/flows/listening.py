"""What listeners do in flows, in a browser and with their wallet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx

from handstamp.composition.verifier import DOOR_KEYS, FORM_KEYS
from issuer.service.offers import choose_copies
from issuer.store import Store
from plumbing.clock import system_clock
from plumbing.fetch import HttpFetcher, Reach
from plumbing.web.csrf import FormGuard
from tests.flows.operating import wait
from tests.support.town import Town, elsewhere
from tests.support.waiting import PATIENCE_S
from verifier.doors import DoorKeys
from verifier.limits import OnceEver
from verifier.service.add_gate import NewGate, ReleaseAddress, add_gate
from wallet.service.answer_request import answer, read_request
from wallet.service.download import fetch_files, find_delivery, list_files, open_download
from wallet.service.draw_pass import draw_pass, prepare_pass, read_poster
from wallet.service.open_gate import begin_visit, pass_gate
from wallet.service.renew import needs_renewal, renew
from wallet.service.show_code import fetch_code
from wallet.service.top_up import top_up

if TYPE_CHECKING:
    from wallet.doors import KnownDoor
    from wallet.ports import Tools

JSON = {"Accept": "application/json"}


class Home(httpx.HTTPTransport):
    """Finds every name on this machine, as browsers find `*.localhost`."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        here, more = request.url.copy_with(host="127.0.0.1"), request.extensions
        moved = httpx.Request(request.method, here, headers=request.headers, stream=request.stream, extensions=more)
        return super().handle_request(moved)


def browser() -> httpx.Client:
    return httpx.Client(transport=Home(), trust_env=False, timeout=PATIENCE_S, headers={"Accept": "text/html"})


def hidden(page: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return found[1]


def limited_gate(built: Town) -> str:
    """Make a gate that opens once for each copy; return its address."""
    new = NewGate(address=ReleaseAddress.parse(built.release_url), limit=OnceEver())
    site = built.verifier

    async def add() -> str:
        async with HttpFetcher(Reach.LOOPBACK) as fetcher:
            gate = await add_gate(site.work, new, party=site.party, fetcher=fetcher, now=system_clock())
        return built.gate_url(gate)

    return elsewhere(add())


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
        begun = web.post(f"{gate}/visits", headers=JSON).json()
        redirect = built.answer(wallet, begun["same_device"])
        assert redirect is not None
        page = web.get(redirect, follow_redirects=True)
        assert str(page.url) == begun["visit"]
        opened = web.post(f"{begun['visit']}/grant", data={"csrf": hidden(page, "csrf")}, follow_redirects=True)
        (file, *_) = re.findall(r'"(?:http://[^"/]+)?(/downloads/[^"]+/files/[^"?]+)"', opened.text)
        trackserver = built.settings.trackserver.base_url
        assert web.get(f"{trackserver}{file}").is_success
        assert web.get(f"{opened.url}/release.zip").is_success


def pass_alone(wallet: Tools, gate: str) -> None:
    """Pass a gate by the wallet alone."""

    async def go() -> None:
        await pass_gate(await begin_visit(gate, tools=wallet), tools=wallet)

    elsewhere(go())


def present_across(built: Town, wallet: Tools) -> None:
    """Begin at a gate that counts in a browser, answer from another device, type the wallet's code."""
    gate = limited_gate(built)
    with browser() as web:
        begun = web.post(f"{gate}/visits", headers=JSON).json()
        visit = begun["visit"]
        assert web.get(f"{visit}/qr.svg").is_success
        with web.stream("GET", f"{visit}/events") as news:
            assert next(news.iter_text()).startswith("event: state")
        code = elsewhere(answer_and_read_code(wallet, begun["cross_device"]))
        (secret,) = web.cookies.values()
        guard = FormGuard(built.verifier.keys.secret(FORM_KEYS))  # so that the page is not asked for before its step
        web.post(f"{visit}/code", data={"csrf": guard.field_value(secret.partition(".")[0]), "code": code})
        assert '/grant"' in web.get(visit).text


async def answer_and_read_code(wallet: Tools, link: str) -> str:
    return await fetch_code(await answer(await read_request(link, tools=wallet), tools=wallet), tools=wallet)


def download(built: Town, wallet: Tools) -> None:
    """Fetch the files of the newest delivery with the wallet."""

    async def go() -> None:
        opened = await open_download(find_delivery(None, tools=wallet), tools=wallet)
        listing = await list_files(opened, tools=wallet)
        await fetch_files(opened, listing.files, built.folder / "music", tools=wallet)

    elsewhere(go())


def read_door(poster: str, wallet: Tools) -> KnownDoor:
    return elsewhere(read_poster([poster], tools=wallet))


def draw(door: KnownDoor, wallet: Tools) -> str:
    return draw_pass(prepare_pass(door, tools=wallet), tools=wallet).text


def enter(built: Town, gate: str, passes: str) -> str:
    """Let a door's device ask the site; return what the site says."""
    key = DoorKeys(built.verifier.keys.secret(DOOR_KEYS)).key_of(gate.rpartition("/")[2])
    with browser() as web:
        asked = web.post(f"{gate}/passes", json={"pass": passes}, headers={**JSON, "Authorization": f"Bearer {key}"})
    return str(asked.json()["verdict"])


def renew_all(wallet: Tools) -> None:
    """Come back in the next month, at a moment at which every renewal is due; then fetch more instances."""
    wait(days=22)
    assert needs_renewal(wallet.keeper.load(), tools=wallet)
    report = elsewhere(renew(tools=wallet))
    assert report.renewed
    assert report.not_renewed == ()
    elsewhere(top_up(tools=wallet))
