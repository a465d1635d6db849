"""A listener's wallet in this process and the browser beside it, for errands to services in processes of their own."""

from __future__ import annotations

import asyncio
import re
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import httpx

from handstamp.composition.wallet import USER_AGENT
from plumbing.clock import system_clock
from plumbing.fetch import HttpFetcher, Reach
from tests.support.outside import Memory
from tests.support.waiting import PATIENCE_S
from wallet.ports import Tools
from wallet.service.answer_request import answer, read_request
from wallet.service.download import fetch_files, list_files, open_download
from wallet.service.open_gate import begin_visit, pass_gate
from wallet.service.pin_authority import pin_authority, read_authority
from wallet.service.receive import read_offer, receive

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BROWSER = "a browser of the tests"


async def request(method: str, url: str, *, cookies: dict[str, str] | None = None, **options: Any) -> httpx.Response:
    """Ask as a browser's network stack would: *.localhost is this machine."""
    parsed = httpx.URL(url)
    headers = {"Host": parsed.netloc.decode(), "User-Agent": BROWSER, **options.pop("headers", {})}
    if cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_S) as client:
        return await client.request(method, parsed.copy_with(host="127.0.0.1"), headers=headers, **options)


def field_of(page: httpx.Response) -> str:
    """Return the hidden field of a page's form."""
    (found, *_) = re.findall(r'name="csrf" value="([^"]+)"', page.text)
    return str(found)


@dataclass(kw_only=True)
class Holder:
    """A listener with a wallet, which keeps nothing on disk, and a browser."""

    folder: Path
    memory: Memory = field(default_factory=Memory)
    user_agent: str = USER_AGENT

    @property
    def tools(self) -> Tools:
        def web(first_party: str) -> HttpFetcher:
            return HttpFetcher(Reach.of(first_party), user_agent=self.user_agent)

        return Tools(keeper=self.memory, web=web, clock=system_clock, random=secrets.token_bytes)

    def trust(self, *authorities: Path) -> None:
        for pem in authorities:
            pin_authority(read_authority(pem, name="Test", tools=self.tools), tools=self.tools)

    def receive(self, offer: dict[str, Any], *, web: Callable[[str], HttpFetcher] | None = None) -> None:
        """Take all that an offer brings; it is as `handstamp issuer offer --json` prints it."""
        tools = replace(self.tools, web=web) if web else self.tools

        async def take() -> None:
            await receive(await read_offer(offer["link"], tools=tools), tools=tools, tx_code=offer["code"])

        asyncio.run(take())

    async def redeem(self, gate: str) -> None:
        """Open a gate as `handstamp wallet open` does, and fetch the files."""
        visit = await begin_visit(gate, tools=self.tools)
        delivery = await open_download(await pass_gate(visit, tools=self.tools), tools=self.tools)
        listing = await list_files(delivery, tools=self.tools)
        await fetch_files(delivery, listing.files, self.folder / secrets.token_hex(4), tools=self.tools)

    async def redeem_by_link(self, gate: str) -> None:
        """Scan the QR code of a gate that a browser shows, and go on with the browser."""
        html = {"Accept": "text/html"}
        began = await request("POST", f"{gate}/visits", headers={"Accept": "application/json"})
        said, cookies = began.json(), dict(began.cookies)
        await answer(await read_request(said["cross_device"], tools=self.tools), tools=self.tools)
        page = await request("GET", said["visit"], cookies=cookies, headers=html)
        form = {"csrf": field_of(page)}
        opened = await request("POST", f"{said['visit']}/grant", cookies=cookies, data=form, headers=html)
        inside = await request("GET", opened.headers["location"], headers=html)
        where = str(httpx.URL(opened.headers["location"]).join(inside.headers["location"]))
        assert (await request("GET", where, cookies=dict(inside.cookies), headers=html)).status_code == 200
