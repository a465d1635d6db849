"""A co-op and its listeners, in a life that may end at any moment: they get things, and take them into a wallet."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import httpx

from credentials.keys.signer import LocalSigner
from issuer.ledger import BuyRelease, BuyTrack, Play
from issuer.status import StatusSchedule
from tests.faults.killing import Reopened
from tests.issuer.conftest import RELEASE, TRACKS, URL, Coop, Standing, Wallet, make_coop

if TYPE_CHECKING:
    from pathlib import Path

    from httpx import Response

    from issuer.ledger import Gain
    from plumbing.database import Database
    from tests.faults.killing import Life, Note

_PLAYS = 9
_AT_A_TIME = 2
_KEYS = 3


@dataclass
class Counter:
    """The co-op on one database, and the key of the one wallet that all listeners use."""

    coop: Coop
    database: Reopened
    url: str
    key: LocalSigner

    @classmethod
    def open(cls, folder: Path, url: str) -> Counter:
        """Set it up before any fork: nothing stays connected."""
        standing = Standing()
        coop = make_coop(folder, standing=standing)
        schedule = StatusSchedule(lists_per_month=2)
        database = Reopened(url)
        coop.parts = replace(coop.parts, database=cast("Database", database), schedule=schedule)
        coop.app = standing.serve(coop.parts)
        coop.add_release()
        database.close()
        return cls(coop=coop, database=database, url=url, key=LocalSigner.generate())

    def begin(self, life: Life) -> Coop:
        """Connect in a process of its own."""
        self.database.reopen(life, self.url)
        return self.coop

    def wallet(self) -> Wallet:
        """Return the wallet, as it is after a restart of its device."""
        http = httpx.AsyncClient(transport=httpx.ASGITransport(self.coop.app), base_url=URL)
        return Wallet(self.coop, http, dpop=self.key)

    async def issue(self, life: Life) -> None:
        """Finish what was begun in earlier lives, then go on with new errands until the end."""
        self.begin(life)
        unfinished = [each["errand"] for each in life.found("begun") if not life.found("done", errand=each["errand"])]
        for errand in unfinished:
            await Errand(life=life, counter=self, id=errand).run()
        while life.begins_another():
            await Errand(life=life, counter=self, id=secrets.token_hex(6)).run()


@dataclass
class Errand:
    """A listener gets something, takes it into the wallet, and comes back for more: each step at least once."""

    life: Life
    counter: Counter
    id: str

    @property
    def coop(self) -> Coop:
        return self.counter.coop

    def known(self, what: str, **facts: Any) -> Note | None:
        """Return what was noted of this errand last."""
        found = self.life.found(what, errand=self.id, **facts)
        return found[-1] if found else None

    def note(self, what: str, **facts: Any) -> Note:
        return self.life.note(what, errand=self.id, **facts)

    async def run(self) -> None:
        """Go through it from wherever it was left."""
        with self.life.errand():
            await self._go()

    async def _go(self) -> None:
        listener = self._listener()
        for number, act in enumerate(self._acts()):
            key = f"{self.id}:{number}"
            if not self.known("written", key=key):
                self.note("asked to write", key=key, listener=listener)
                entry = self.coop.write(listener, act, key)
                self.note("written", key=key, listener=listener, charged=entry.total_milli)
        copies = [copy.id for copy in self.coop.copies(listener)]
        self.note("owned", listener=listener, copies=sorted(copies))
        wallet = self.counter.wallet()
        got = await self._take_offer(wallet, listener, copies[:_AT_A_TIME])
        for copy in copies[:_AT_A_TIME]:
            await self._fetch(wallet, copy, got["access"], why="first")
        again = await self._come_back(wallet, got["refresh"])
        self.life.last()
        await self._fetch(wallet, copies[0], again["access"], why="again")
        self.note("done")

    def _listener(self) -> str:
        begun = self.known("joined")
        if begun is None:
            if not self.known("begun"):
                self.note("begun", kind=secrets.choice(("release", "track", "plays")), track=secrets.choice(TRACKS))
            begun = self.note("joined", listener=self.coop.listener())
        return str(begun["listener"])

    def _acts(self) -> list[Gain]:
        begun = self.known("begun")
        assert begun is not None
        match begun["kind"]:
            case "release":
                return [BuyRelease(release=RELEASE)]
            case "track":
                return [BuyTrack(track=begun["track"])]
            case _:
                return [Play(track=begun["track"], seconds=60)] * _PLAYS

    async def _take_offer(self, wallet: Wallet, listener: str, copies: list[str]) -> Note:
        """Redeem an offer; whether one whose answer was lost is still good, nobody knows: else there is a new one."""
        if got := self.known("token got"):
            return got
        offered = self.known("offered") or self._offer(listener, copies)
        for _ in range(2):
            was_asked = self.known("token asked", offer=offered["offer"])
            self.note("token asked", offer=offered["offer"])
            answer = await wallet.token(SimpleNamespace(id=offered["offer"]))  # type: ignore[arg-type]
            if answer.status_code == 200:
                return self._note_token("token got", answer, offer=offered["offer"])
            assert was_asked, answer.text
            # The second while it was tried just now: it was taken, too.
            assert answer.json()["error"] in {"invalid_grant", "temporarily_unavailable"}, answer.text
            self.note("token lost", offer=offered["offer"])
            offered = self._offer(listener, copies)
        raise AssertionError("a new offer was refused, too")

    def _offer(self, listener: str, copies: list[str]) -> Note:
        return self.note("offered", offer=self.coop.offer(listener, copies).id, copies=copies)

    async def _come_back(self, wallet: Wallet, refresh: str) -> Note:
        """Refresh; a token whose answer was lost stays good, so the wallet just asks again."""
        if got := self.known("refreshed"):
            return got
        self.note("refresh asked", token=refresh)
        answer = await wallet.refresh(refresh)
        assert answer.status_code == 200, answer.text
        return self._note_token("refreshed", answer, parent=refresh)

    def _note_token(self, what: str, answer: Response, **facts: str) -> Note:
        said = answer.json()
        return self.note(what, access=said["access_token"], refresh=said["refresh_token"], **facts)

    async def _fetch(self, wallet: Wallet, copy: str, access: str, *, why: str) -> None:
        """Ask for instances, with new keys each time: those of a lost answer are never used."""
        if self.known("instances", copy=copy, why=why):
            return
        keys = [LocalSigner.generate() for _ in range(1 + secrets.randbelow(_KEYS))]
        self.note("keys sent", copy=copy, keys=[key.public_key.thumbprint for key in keys])
        answer = await wallet.ask(access, copy, keys)
        assert answer.status_code == 200, answer.text
        made = [each["credential"] for each in answer.json()["credentials"]]
        self.note("instances", copy=copy, why=why, credentials=made)
