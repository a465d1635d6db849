"""The street of `street.py` with a trackserver and forty wallets; what is recorded is cut into one piece each errand.

Recorded is every byte that a wallet sends and gets, every row that any party writes meanwhile, and every line of a log.
The clock stands still while gates are passed: who comes when is known to a gate anyway.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any

import httpx
import structlog
from rich.console import Console
from typing_extensions import override

from credentials.door_pass import SLOT_S
from handstamp.commands.adding import add_folder
from issuer.ledger import BuyTrack
from issuer.service.registers import add_member
from issuer.store import Store
from plumbing.database import Database
from plumbing.fetch import HttpFetcher, Reach
from plumbing.ids import new_public_id, new_secret
from plumbing.logs import add_id
from plumbing.web.pages import Pages
from tests.support.crowd import person
from tests.support.databases import fresh_database
from tests.support.leaves import leaves
from tests.support.linking import Redemption
from tests.support.outside import Memory
from tests.support.street import COOP_HOST, Shop, Street
from tests.support.town import build_album
from trackserver.api import build_trackserver_app
from trackserver.parts import TEMPLATES, TrackserverParts
from trackserver.service.allow_verifier import allow_verifier
from trackserver.store.catalogue import SqlCatalogue
from trackserver.store.passes import SqlPins
from verifier.proofs import OwnsTrack
from wallet.service.download import fetch_files, list_files, open_download
from wallet.service.draw_pass import draw_pass, know_door, prepare_pass
from wallet.service.open_gate import begin_visit, pass_gate
from wallet.service.receive import read_offer, receive
from wallet.state import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.issuer.conftest import Coop
    from tests.support.leaves import Leaf
    from verifier.gates import Gate

TRACKS_HOST = "tracks.localhost:8702"
ROLES = ("artist", "venue", "trackserver")
SHOPS = (("artist", 8703), ("venue", 8704))
Row = tuple[str, tuple[Any, ...]]


@dataclass
class CrowdedStreet(Street):
    """A street with many wallets; `said` and `lines` are of the present errand, `heard` and `logged` of all."""

    wallets: list[Memory] = field(default_factory=list)
    apps: dict[str, Any] = field(default_factory=dict)
    tracks: TrackserverParts | None = None
    release: dict[str, Any] = field(default_factory=dict)
    said: list[dict[str, Any]] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)
    logged: list[dict[str, Any]] = field(default_factory=list)
    _known: dict[str, set[Row]] = field(default_factory=dict)
    _published: set[bytes] = field(default_factory=set)
    """Answers that somebody got before: metadata, types, the catalogue."""
    user_agent: str = "handstamp-wallet"
    lines: list[dict[str, Any]] = field(default_factory=list)

    async def furnish(self) -> None:
        """Put up the trackserver with one release, and two shops with it."""
        self.tracks = TrackserverParts(
            database=Database(fresh_database("trackserver", self.folder)),
            pages=Pages(TEMPLATES, site_name="Tracks"),
            base_url=f"http://{TRACKS_HOST}",
            covers=self.folder / "covers",
            clock=self.now,
            new_secret=new_secret,
            new_id=new_public_id,
            random=secrets.token_bytes,
        )
        album = build_album(self.folder / "album")
        added, _ = add_folder(self.tracks, album, title=None, artist=None, notes=Console(file=StringIO()))
        self.apps[TRACKS_HOST] = build_trackserver_app(self.tracks)
        address = f"http://{TRACKS_HOST}/releases/{added.release.id}"
        async with self._web("") as web:
            self.release = json.loads((await web.request("GET", address)).body)
        self.coop.add_release(self.release, source=address)
        for name, port in SHOPS:
            shop = await self.open_shop(name, port)
            with self.tracks.database.write() as session:
                allow_verifier(
                    SqlCatalogue(session),
                    SqlPins(session),
                    issuer=f"http://{shop.host}",
                    release_id=added.release.id,
                    keys=[shop.parts.grant_signer.public_key],
                    now=self.now(),
                )

    @property
    def track(self) -> str:
        """The track that everybody owns."""
        return str(self.release["tracks"][0]["id"])

    def put_up(self, shop: Shop, **more: Any) -> Gate:
        """Put up a gate to the track."""
        release = str(self.release["id"])
        wanted = OwnsTrack(track_id=self.track, release_id=release)
        opens = replace(
            shop.gate(wanted).opens,
            trackserver=f"http://{TRACKS_HOST}",
            release_id=release,
            track_ids=(self.track,),
        )
        return shop.gate(wanted, opens=opens, **more)

    async def join(self, holder: int) -> list[Leaf]:
        """Let somebody buy the track and take it in every form; return what the co-op knows, said and wrote of them."""
        now = self.coop.now
        about = person(holder)
        self.coop.now = now - timedelta(days=20 * holder + 1)
        listener = self.coop.listener(name=about["name"], email=about["email"], birth_date=about["birthDate"])
        self.coop.write(listener, BuyTrack(track=self.track))
        if holder % 4 == 0:
            with self.coop.parts.database.write() as session:
                add_member(Store(session), listener=listener, share_class="listener", now=self.coop.now)
        self.coop.now = now
        self.memory = Memory()
        self.wallets.append(self.memory)
        pem = self.coop.authority.cert_pem.bytes().decode()
        pinned = Authority(name="Test", certificate=pem, fingerprint="AB", added_at=now)
        self.memory.change(lambda wallet: (wallet.with_authority(pinned), None))
        offer = self.coop.offer(listener)
        self._new_rows("issuer")
        self.said.clear()
        opened = await read_offer(self.coop.parts.desk.by_value(offer).to_link(), tools=self.tools)
        await receive(opened, tools=self.tools, tx_code=self.coop.tx_code(offer))
        said = [each for each in self.said if each["answer"]["body"] not in self._published]
        self._published |= {each["answer"]["body"] for each in self.said}
        return list(leaves({"person": about, "said": said, "rows": self._new_rows("issuer")}))

    async def redeem(self, holder: int, shop: Shop, gate: Gate, visit: int) -> Redemption:
        """Let somebody open a gate and fetch a file; return what the shops and the trackserver got and keep."""
        self._begin(holder)
        delivery = await pass_gate(await begin_visit(shop.url(gate), tools=self.tools), tools=self.tools)
        delivery = await open_download(delivery, tools=self.tools)
        listing = await list_files(delivery, tools=self.tools)
        folder = self.folder / secrets.token_hex(4)
        await fetch_files(delivery, listing.files[:1], folder, tools=self.tools)
        shutil.rmtree(folder)
        return self._end(holder, shop.url(gate), visit)

    async def pass_door(self, holder: int, shop: Shop, gate: Gate, visit: int) -> Redemption:
        """Let somebody draw a pass in a half minute of their own, and the door's device send it in."""
        address = shop.url(gate)
        self.memory = self.wallets[holder]
        door = await know_door(address, tools=self.tools)
        self.coop.wait(seconds=SLOT_S)
        self._begin(holder)
        drawn = draw_pass(prepare_pass(door, tools=self.tools), tools=self.tools)
        keys = shop.parts.door_keys
        assert keys is not None
        headers = {"Authorization": f"Bearer {keys.key_of(gate.gate_id)}", "Content-Type": "application/json"}
        async with self._web("") as web:
            body = json.dumps({"pass": drawn.text}).encode()
            reply = await web.request("POST", f"{address}/passes", headers=headers, content=body)
        assert reply.status == 200
        return self._end(holder, address, visit)

    def _begin(self, holder: int) -> None:
        self.memory = self.wallets[holder]
        for role in ROLES:
            self._new_rows(role)
        self.said.clear()
        self.lines.clear()

    def _end(self, holder: int, gate: str, visit: int) -> Redemption:
        rows = {role: self._new_rows(role) for role in ROLES}
        self.heard += self.said
        self.logged += self.lines
        got = {"said": list(self.said), "rows": rows, "log": list(self.lines)}
        return Redemption(holder=holder, gate=gate, visit=visit, leaves=tuple(leaves(got)))

    def _new_rows(self, role: str) -> dict[str, list[dict[str, Any]]]:
        """Return the rows that were written since this was last asked, by table."""
        found: dict[str, list[dict[str, Any]]] = {}
        rows = self._rows(role)
        for table, row in rows:
            if (table, row) not in self._known.get(role, ()):
                found.setdefault(table, []).append(dict(row))
        self._known[role] = set(rows)
        return found

    def _rows(self, role: str) -> list[Row]:
        database = sqlite3.connect(f"file:{self.folder / role}.sqlite?mode=ro", uri=True)
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        found = []
        for (table,) in tables:
            rows = database.execute(f'SELECT * FROM "{table}"')  # noqa: S608
            names = [column for column, *_ in rows.description]
            found += [(table, tuple(zip(names, row, strict=True))) for row in rows]
        database.close()
        return found

    @override
    def _web(self, _first_party: str) -> HttpFetcher:
        return HttpFetcher(Reach.LOOPBACK, user_agent=self.user_agent, transport=_Wires(self))


class _Wires(httpx.AsyncBaseTransport):
    """Leads to each party by its host, and keeps what passes."""

    def __init__(self, street: CrowdedStreet) -> None:
        self._street = street

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        street, host = self._street, request.headers["Host"]
        parties = {COOP_HOST: street.coop.app, **street.apps, **{name: shop.app for name, shop in street.shops.items()}}
        if host not in parties:
            raise httpx.ConnectError("nobody is there")
        await request.aread()
        answer = await httpx.ASGITransport(parties[host]).handle_async_request(request)
        body = await answer.aread()
        street.said.append(
            {
                "request": {
                    "line": f"{request.method} {host} {request.url.raw_path.decode()}",
                    "headers": _fields(request.headers),
                    "body": request.content,
                },
                "answer": {"status": answer.status_code, "headers": _fields(answer.headers), "body": body},
            }
        )
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)


def _fields(headers: httpx.Headers) -> dict[str, list[str]]:
    """Return header fields in their order, each with its values."""
    found: dict[str, list[str]] = {}
    for name, value in headers.multi_items():
        found.setdefault(name, []).append(value)
    return found


@contextmanager
def recorded_logs(lines: list[dict[str, Any]]) -> Iterator[None]:
    """Let every line that any party logs be kept here."""

    def keep(_logger: Any, _level: str, line: Any) -> Any:
        # How long it took by the clock says how busy this machine is; how much work a proof is, is counted elsewhere.
        lines.append({name: value for name, value in line.items() if name != "duration_ms"})
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[add_id, structlog.processors.add_log_level, keep],
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)


@contextmanager
def crowded(folder: Path, coop: Coop) -> Iterator[CrowdedStreet]:
    """Open the street."""
    street = CrowdedStreet(coop=coop, folder=folder)
    with recorded_logs(street.lines):
        yield street
    if street.tracks is not None:
        street.tracks.database.close()
