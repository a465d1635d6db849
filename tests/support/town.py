"""Three services of one town in one process, each on a loopback port, with a listener and a wallet: for browser tests.

They are put together by the same composition as the commands use; only the process is shared, so that a browser test
starts in about a second.
"""

from __future__ import annotations

import asyncio
import io
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import av
import trustme
import uvicorn
from mutagen.flac import FLAC
from rich.console import Console
from sqlalchemy import text

from credentials.protocols.openid4vp import ErrorResponse
from handstamp.commands.adding import add_folder
from handstamp.composition import issuer as issuer_composition
from handstamp.composition import issuer_service, trackserver_service, verifier_service
from handstamp.composition import verifier as verifier_composition
from handstamp.composition.wallet import create_wallet
from handstamp.demo.cover import draw_cover
from handstamp.settings import IssuerSettings, Settings, TrackserverSettings, VerifierSettings
from issuer.app import build_app as build_issuer_app
from issuer.catalogue import parse_description
from issuer.ledger import BuyRelease, BuyTrack, Play
from issuer.listeners import Listener
from issuer.service.catalogue import Fetched, fetch_release, keep_release
from issuer.service.logins import make_login_link
from issuer.service.record import record
from issuer.store import Store
from plumbing.clock import system_clock
from plumbing.fetch import HttpFetcher, Reach
from plumbing.ids import new_internal_id, new_secret
from tests.support.recording import free_port
from tests.support.waiting import PATIENCE_S
from trackserver.api import build_trackserver_app
from trackserver.service.allow_verifier import allow_verifier, parse_verifier_keys
from trackserver.store.catalogue import SqlCatalogue
from trackserver.store.passes import SqlPins
from verifier.service.add_gate import NewGate, ReleaseAddress, add_gate
from verifier.service.trust_issuer import trust_anchor
from wallet.sealed import Cost
from wallet.service.answer_request import answer, read_request
from wallet.service.pin_authority import pin_authority, read_authority
from wallet.service.receive import read_offer, receive

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

    from fastapi import FastAPI
    from sqlalchemy import TextClause

    from issuer.ledger import Act
    from issuer.parts import IssuerParts
    from trackserver.parts import TrackserverParts
    from verifier.gates import Gate
    from wallet.ports import Tools

TITLE = "Night Bus Songs"
ARTIST = "The Long Way Home"
SONGS = ("Last Bus", "Rain on the Upper Deck", "Walking the Rest")
_RATE_HZ = 8000
Result = TypeVar("Result")
_CHEAP = Cost(memory_kib=64, iterations=1, lanes=1)


def elsewhere(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in a thread of its own: playwright's loop already runs in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result(PATIENCE_S)


@contextmanager
def serving(build_app: Callable[[int], FastAPI], port: int = 0) -> Iterator[int]:
    """Serve an application on a loopback port (a free one without `port`), in a thread, while the block lasts."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    bound = int(listener.getsockname()[1])
    config = uvicorn.Config(
        build_app(bound),
        log_config=None,
        lifespan="on",
        timeout_keep_alive=int(PATIENCE_S),  # who stood still meanwhile would find a connection closed
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            thread.join(0.02)
        yield bound
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
        listener.close()


@dataclass(slots=True)
class Town:
    """Running services with one release, which listeners may own, and gates, which they may open."""

    folder: Path
    settings: Settings
    authority: trustme.CA
    issuer: IssuerParts
    trackserver: TrackserverParts
    verifier: verifier_composition.VerifierTools
    release: str = ""
    tracks: tuple[str, ...] = ()
    wallets: list[Tools] = field(default_factory=list)

    @property
    def coop_url(self) -> str:
        return self.settings.issuer.base_url

    @property
    def artist_url(self) -> str:
        return self.settings.verifier.base_url

    @property
    def release_url(self) -> str:
        return f"{self.settings.trackserver.base_url}/releases/{self.release}"

    def listener(self, *acts: Act) -> str:
        """Add a listener who did something."""
        now = system_clock()
        person = Listener.parse(listener_id=new_internal_id(now), name="Robin", email=None, birth_date=None)
        with self.issuer.database.write() as session:
            store = Store(session)
            store.add_listener(person, now=now)
            for act in acts:
                record(store, listener=person.id, act=act, key=new_secret(), now=now)
        return person.id

    def owner(self) -> str:
        """Add a listener who bought two tracks and played the third until it was theirs, and with it the release."""
        first, second, third = self.tracks
        return self.listener(BuyTrack(track=first), BuyTrack(track=second), *[Play(track=third, seconds=60)] * 9)

    def buyer(self) -> str:
        """Add a listener who bought the release."""
        return self.listener(BuyRelease(release=self.release))

    def add_releases(self, number: int) -> list[str]:
        """Let the co-op sell more releases than the one whose files are here; return their ids."""
        made = []
        for count in range(number):
            tracks = [
                {"id": str(uuid4()), "number": n, "title": f"Side {count + 1}, part {n}", "duration_s": 100 * n}
                for n in range(1, 2 + count % 4)
            ]
            body = {"id": str(uuid4()), "title": f"Record number {count + 1}", "artist": "Various", "tracks": tracks}
            described = parse_description(json.dumps(body).encode(), source_url=f"{self.release_url}/{count}")
            with self.issuer.database.write() as session:
                made.append(keep_release(Store(session), Fetched(described=described, cover=None)).id)
        return made

    def login_link(self, listener: str) -> str:
        with self.issuer.database.write() as session:
            token = make_login_link(Store(session), listener=listener, now=system_clock())
        return f"{self.coop_url}/login?token={token}"

    def gate(self, *, track: int | None = None) -> Gate:
        """Make a gate for the release, or for one of its tracks."""
        address = ReleaseAddress.parse(self.release_url + ("" if track is None else f"#{track}"))

        async def make() -> Gate:
            async with HttpFetcher(Reach.LOOPBACK) as fetcher:
                new = NewGate(address=address)
                return await add_gate(
                    self.verifier.work, new, party=self.verifier.party, fetcher=fetcher, now=system_clock()
                )

        return elsewhere(make())

    def gate_url(self, gate: Gate) -> str:
        return self.verifier.party.gate_url(gate.gate_id)

    def wallet(self) -> Tools:
        """Make a wallet that trusts this town's authority."""
        file = self.folder / f"wallet-{len(self.wallets)}.handstamp"
        settings = self.settings.model_copy(update={"wallet": self.settings.wallet.model_copy(update={"file": file})})
        tools = create_wallet(settings, "a long and quiet sentence", cost=_CHEAP)
        self.wallets.append(tools)
        pem = self.folder / "authority.pem"
        pem.write_bytes(self.authority.cert_pem.bytes())
        pin_authority(read_authority(pem, name="Town", tools=tools), tools=tools)
        return tools

    def receive(self, wallet: Tools, link: str, code: str) -> None:
        """Take what an offer's link leads to, as `handstamp wallet receive` does."""

        async def take() -> None:
            opened = await read_offer(link, tools=wallet)
            await receive(opened, tools=wallet, tx_code=code)

        elsewhere(take())

    def answer(self, wallet: Tools, link: str) -> str | None:
        """Say yes to a request, as `handstamp wallet answer` does; return where the browser shall go on."""

        async def say_yes() -> str | None:
            return (await answer(await read_request(link, tools=wallet), tools=wallet)).redirect_uri

        return elsewhere(say_yes())

    def decline(self, wallet: Tools, link: str) -> None:
        """Say no to a request and tell the site so, as other wallets do; ours says nothing."""

        async def say_no() -> None:
            asked = await read_request(link, tools=wallet)
            request = asked.request
            refusal = ErrorResponse(error="access_denied", state=request.state).to_form()
            async with wallet.web(asked.first_party) as web:
                form = {"Content-Type": "application/x-www-form-urlencoded"}
                await web.request("POST", request.response_uri, headers=form, content=refusal)

        elsewhere(say_no())

    def change(self, role: str, statement: str) -> None:
        """Change rows of a service's database behind its back, to put it into a state that takes long to reach."""
        databases = {"issuer": self.issuer, "trackserver": self.trackserver, "verifier": self.verifier}
        sql: TextClause = text(statement)
        with databases[role].database.write() as session:
            session.connection().execute(sql)


def build_album(folder: Path) -> Path:
    """Write three tiny FLAC files with tags and a cover."""
    folder.mkdir()
    draw_cover(folder / "cover.png", title=TITLE, artist=ARTIST)
    silence = _silence()
    for number, title in enumerate(SONGS, 1):
        path = folder / f"{number:02} {title}.flac"
        path.write_bytes(silence)
        tags = FLAC(path)
        tags.update(title=title, artist=ARTIST, album=TITLE, albumartist=ARTIST)
        tags.update(tracknumber=str(number), date="2026", releasetype="ep")
        tags.save()
    return folder


def _silence() -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=_RATE_HZ)
        stream.layout = "mono"
        stream.format = "s16"
        frame = av.AudioFrame(format="s16", layout="mono", samples=_RATE_HZ)
        frame.sample_rate = _RATE_HZ
        frame.planes[0].update(bytes(_RATE_HZ * 2))
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


@contextmanager
def town(folder: Path, *, album: Path | None = None) -> Iterator[Town]:
    """Start the three services with `album` (or a tiny one) as their only release."""
    ports = {role: free_port() for role in ("issuer", "trackserver", "verifier")}
    settings = Settings(
        data_dir=folder / "data",
        issuer=IssuerSettings(base_url=f"http://coop.localhost:{ports['issuer']}", port=ports["issuer"]),
        trackserver=TrackserverSettings(
            base_url=f"http://tracks.localhost:{ports['trackserver']}", port=ports["trackserver"]
        ),
        verifier=VerifierSettings(base_url=f"http://artist.localhost:{ports['verifier']}", port=ports["verifier"]),
    )
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    _certify(settings, authority)
    built = Town(
        folder=folder,
        settings=settings,
        authority=authority,
        issuer=issuer_service.compose_service(settings),
        trackserver=trackserver_service.compose_service(settings),
        verifier=verifier_composition.compose_verifier(settings),
    )
    with ExitStack() as stack:
        stack.enter_context(serving(lambda _: build_issuer_app(built.issuer), ports["issuer"]))
        stack.enter_context(serving(lambda _: build_trackserver_app(built.trackserver), ports["trackserver"]))
        stack.enter_context(serving(lambda _: verifier_service.build_app(settings), ports["verifier"]))
        _furnish(built, album or build_album(folder / "album"))
        yield built
    built.issuer.database.close()
    built.trackserver.database.close()
    built.verifier.database.close()


def _certify(settings: Settings, authority: trustme.CA) -> None:
    stores = {
        "coop.localhost": (issuer_composition.issuer_keys(settings), issuer_composition.KEY_NAME),
        "artist.localhost": (
            verifier_composition.compose_verifier(settings).keys,
            verifier_composition.REQUEST_KEY,
        ),
    }
    for host, (keys, name) in stores.items():
        leaf = authority.issue_cert(host, key_type=trustme.KeyType.ECDSA)
        chain = b"".join(part.bytes() for part in leaf.cert_chain_pems)
        keys.install(name, key_pem=leaf.private_key_pem.bytes(), chain_pem=chain)


def _furnish(built: Town, album: Path) -> None:
    added, _ = add_folder(built.trackserver, album, title=None, artist=None, notes=Console(file=io.StringIO()))
    built.release = added.release.id
    built.tracks = tuple(track.id for track in added.release.tracks)

    async def meet() -> bytes:
        async with HttpFetcher(Reach.LOOPBACK) as fetcher:
            fetched = await fetch_release(fetcher, built.release_url)
            with built.issuer.database.write() as session:
                keep_release(Store(session), fetched)
            return (await fetcher.request("GET", f"{built.artist_url}/.well-known/jwks.json")).body

    keys = parse_verifier_keys(elsewhere(meet()))
    with built.trackserver.database.write() as session:
        allow_verifier(
            SqlCatalogue(session),
            SqlPins(session),
            issuer=built.artist_url,
            release_id=built.release,
            keys=keys,
            now=system_clock(),
        )
    trust_anchor(
        built.verifier.work,
        built.coop_url,
        built.authority.cert_pem.bytes(),
        name="Sound Commons",
        party=built.verifier.party,
        now=system_clock(),
    )
