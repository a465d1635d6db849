"""A co-op that takes copies back and publishes its status lists, in a life that may end at any moment."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx

from credentials.keys.signer import LocalSigner
from credentials.status.token import MEDIA_TYPE
from issuer.ledger import BuyTrack
from issuer.publishing import publish
from issuer.service.losses import refund
from issuer.store import Store
from plumbing.ids import new_public_id
from tests.issuer.conftest import NOW, TRACKS, URL

if TYPE_CHECKING:
    from tests.faults.issuing import Counter
    from tests.faults.killing import Life
    from tests.issuer.conftest import Coop

_STEP = timedelta(minutes=3)
_INSTANCES = 3


@dataclass
class Publisher:
    """The co-op, whose listeners get and lose copies."""

    counter: Counter

    async def publish(self, life: Life) -> None:
        """Let somebody buy, take something back, publish, look at a list; or only publish all, to the end."""
        self.counter.begin(life)
        for asked in life.found("asked back"):
            if not life.found("taken back", copy=asked["copy"]):
                with life.errand():
                    self.take_back(life, asked["copy"])
        if life.only_finishes:
            await self._publish_all(life)
        while life.begins_another():
            with life.errand():
                await self._go_on(life)

    async def _go_on(self, life: Life) -> None:
        life.note("began")
        coop = self._coop_now(life)
        self.issue(life)
        self._lose(life)
        life.last(commits=2)
        publish(coop.parts, now=coop.now)
        life.note("published", at=int(coop.now.timestamp()), all=False)
        await self.look(life, every=False)

    async def _publish_all(self, life: Life) -> None:
        coop = self._coop_now(life)
        coop.now += timedelta(hours=1)
        publish(coop.parts, now=coop.now, at_once=True)
        life.note("published", at=int(coop.now.timestamp()), all=True)
        await self.look(life, every=True)

    def _coop_now(self, life: Life) -> Coop:
        """Let time go on from one life to the next, as outside: three minutes for each thing that was begun."""
        self.counter.coop.now = NOW + len(life.found("began")) * _STEP
        return self.counter.coop

    def issue(self, life: Life) -> None:
        """Let a new listener have a track and draw entries for it, in one transaction as the endpoint does."""
        coop, listener = self.counter.coop, self.counter.coop.listener()
        coop.write(listener, BuyTrack(track=secrets.choice(TRACKS)), new_public_id())
        (copy,) = coop.copies(listener)
        keys = [LocalSigner.generate().public_key.thumbprint for _ in range(_INSTANCES)]
        with coop.parts.database.write() as session:
            store, month = Store(session), f"{coop.now:%Y-%m}"
            assert store.claim_keys(keys, copy_id=copy.id, month=month)
            drawn = store.draw(copy.id, count=_INSTANCES, month=month, now=coop.now)
        life.note("issued", copy=copy.id, entries=[(each.list_id, each.index) for each in drawn])

    def _lose(self, life: Life) -> None:
        """Refund one of the copies that are left, as often as not."""
        gone = {each["copy"] for each in life.found("asked back")}
        left = [each["copy"] for each in life.found("issued") if each["copy"] not in gone]
        if len(left) > 1 and secrets.randbelow(2):
            life.note("asked back", copy=(copy := secrets.choice(left)))
            self.take_back(life, copy)

    def take_back(self, life: Life, copy: str) -> None:
        """Refund a copy that was asked back."""
        coop = self.counter.coop
        with coop.parts.database.write() as session:
            refund(Store(session), copy_id=copy, now=coop.now)
        life.note("taken back", copy=copy)

    async def look(self, life: Life, *, every: bool) -> None:
        """Fetch lists as a verifier does."""
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.counter.coop.app), base_url=URL) as http:
            ids = [url.rpartition("/")[2] for url in (await http.get("/statuslists")).json()["status_lists"]]
            for list_id in ids if every else [secrets.choice(ids)]:
                answer = await http.get(f"/statuslists/{list_id}", headers={"Accept": MEDIA_TYPE})
                assert answer.status_code == 200, answer.text
                life.note("list", id=list_id, token=answer.text)
