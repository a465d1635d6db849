"""A site with gates that count, and a trackserver, in a life that may end at any moment: listeners pass and fetch."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import httpx

from credentials.keys.signer import LocalSigner
from credentials.protocols.dpop import build_dpop_proof
from credentials.protocols.grants import Grant, build_grant
from credentials.protocols.openid4vp import AuthorizationResponse
from plumbing.clock import epoch_s
from plumbing.ids import new_public_id
from tests.faults.reading import payload_of
from tests.trackserver.conftest import BASE_URL
from tests.verifier.conftest import ARTIST, JSON, RELEASE, Site, Visitor
from tests.verifier.linked import answer_form, derive
from trackserver.api import build_trackserver_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

    from credentials.data_integrity.bbs_2023 import BaseCredential
    from credentials.protocols.openid4vp import AuthorizationRequest
    from tests.faults.killing import Life, Note, Reopened
    from trackserver.parts import TrackserverParts
    from verifier.gates import Gate

ONCE, MONTHLY, FREE = "once, by pseudonym", "three times a month, by copy", "without a limit"
_NYM = "release-nym"
_GRANTS = f"{BASE_URL}/grants"


@dataclass
class Doors:
    """All that listeners meet; `nyms` has what some of them hold, `copies` the numbers of what others do."""

    site: Site
    tracks: TrackserverParts
    databases: tuple[Reopened, Reopened]
    gates: dict[str, Gate]
    nyms: dict[str, BaseCredential]
    copies: tuple[str, ...]
    key: LocalSigner = field(default_factory=LocalSigner.generate)
    around: Callable[[ASGIApp], ASGIApp] = lambda app: app
    """What is put around both applications."""

    @cached_property
    def downloads(self) -> httpx.AsyncClient:
        """The way to the trackserver."""
        app = self.around(build_trackserver_app(self.tracks))
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE_URL)

    def leave(self) -> None:
        """Let go of the databases, before any fork."""
        for each in self.databases:
            each.close()

    def begin(self, life: Life) -> None:
        """Connect in a process of its own."""
        for each in self.databases:
            each.reopen(life)
        self.site.app = self.around(self.site.app)

    async def redeem(self, life: Life) -> None:
        """Finish what was begun in earlier lives, then pass one gate after another until the end."""
        self.begin(life)
        for shown in [each for each in life.found("shown") if not life.found("done", visit=each["visit"])]:
            with life.errand():
                await Passage(life=life, doors=self, shown=shown).finish()
        while life.begins_another():
            name = secrets.choice((ONCE, MONTHLY, FREE))
            holder = secrets.choice([*self.nyms] if name == ONCE else self.copies)
            with life.errand():
                await begin_passage(life, self, name, holder)


async def begin_passage(life: Life, doors: Doors, name: str, holder: str) -> None:
    """Visit a gate with what somebody holds, all the way to the files."""
    visitor = await doors.site.visitor().start(doors.gates[name])
    request = await visitor.fetch_request()
    form, binding = (by_nym if name == ONCE else by_copy)(doors, visitor, request, holder)
    shown = life.note(
        "shown",
        visit=visitor.visit,
        cookies=dict(visitor.http.cookies),
        gate=name,
        holder=holder,
        to=request.response_uri,
        form=form.decode(),
        binding=binding,
    )
    await Passage(life=life, doors=doors, shown=shown).finish()


def by_nym(doors: Doors, _visitor: Visitor, request: AuthorizationRequest, holder: str) -> tuple[bytes, str]:
    """Return an answer with a pseudonym, and the value of its proof."""
    document: Any = derive(doors.nyms[holder], request, _NYM)
    return answer_form(request, **{_NYM: document}), str(document["proof"]["proofValue"])


def by_copy(_doors: Doors, visitor: Visitor, request: AuthorizationRequest, copy: str) -> tuple[bytes, str]:
    """Return an answer with a new instance of a copy, and what was signed for this request."""
    credential = visitor.coop.issue(visitor.holder, release=RELEASE, copy=copy)
    counted = any("copy" in claim.path for query in request.dcql.credentials for claim in query.claims)
    disclose = ("release", "copy") if counted else ("release",)
    text = visitor.present(request, credential=credential, disclose=disclose)
    state = request.state
    return AuthorizationResponse(vp_token={"release": (text,)}, state=state).to_form(), text.rpartition("~")[2]


@dataclass
class Passage:
    """One visit after the listener said yes: each step at least once, whoever was killed before."""

    life: Life
    doors: Doors
    shown: Note

    def known(self, what: str) -> Note | None:
        """Return what was noted of this visit last."""
        found = self.life.found(what, visit=self.shown["visit"])
        return found[-1] if found else None

    def note(self, what: str, **facts: Any) -> Note:
        return self.life.note(what, visit=self.shown["visit"], gate=self.shown["gate"], **facts)

    async def finish(self) -> None:
        """Answer, come back, fetch a grant, open the files by it; open others by a link."""
        app = httpx.ASGITransport(app=self.doors.site.app)
        self.http = httpx.AsyncClient(transport=app, base_url=ARTIST, cookies=self.shown["cookies"])
        if await self._answer() and await self._come_back():
            await self._download()
            await self._open_link()
        self.note("done")

    async def _answer(self) -> bool:
        """Send the answer. If its reply was lost, nothing was used up: the listener begins anew."""
        if self.known("taken"):
            return True
        was_sent = self.known("sent")
        self.note("sent")
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        reply = await self.http.post(self.shown["to"], content=self.shown["form"].encode(), headers=headers)
        if reply.status_code == 200:
            self.note("taken", back=reply.json()["redirect_uri"])
            return True
        code = reply.json()["code"]
        if code == "already_answered":
            assert was_sent, reply.text
            self.note("done")
            await begin_passage(self.life, self.doors, self.shown["gate"], self.shown["holder"])
            return False
        return self._refused(code)

    def _refused(self, code: str) -> bool:
        assert code == "already_used", code
        self.note("refused", holder=self.shown["holder"])
        return False

    async def _come_back(self) -> bool:
        """Return with the code. If the reply was lost, the visit itself says whether the door is open."""
        if self.known("open"):
            return True
        taken, was_back = self.known("taken"), self.known("returned")
        assert taken is not None
        self.note("returned")
        reply = await self.http.get(taken["back"], headers=JSON)
        code = "" if reply.status_code == 200 else reply.json()["code"]
        if code == "used_response_code":
            assert was_back, reply.text
            self.note("grant asked")
            code = "" if (await self._ask_grant()).status_code == 200 else "already_used"
        if code:
            return self._refused(code)
        self.note("open", holder=self.shown["holder"], binding=self.shown["binding"])
        return True

    async def _ask_grant(self) -> httpx.Response:
        url = f"{self.shown['visit']}/grant"
        return await self.http.post(url, headers={"DPoP": self._proof(url), **JSON})

    def _proof(self, url: str) -> str:
        now_s, jti = epoch_s(self.doors.site.clock()), secrets.token_hex(16)
        return build_dpop_proof(signer=self.doors.key, method="POST", url=url, issued_at=now_s, jti=jti)

    async def _download(self) -> None:
        """Turn a grant into a download. If the reply was lost, it was used or not; there are three."""
        while not self.known("downloading"):
            granted = self.known("granted")
            if granted is None or self.life.found("grant lost", jti=granted["jti"]):
                self.note("grant asked")
                reply = await self._ask_grant()
                if reply.status_code != 200:
                    assert reply.json()["code"] == "grants_spent", reply.text
                    assert len(self.life.found("grant asked", visit=self.shown["visit"])) > 3
                    return
                text = str(reply.json()["grant"])
                granted = self.note("granted", grant=text, jti=payload_of(text)["jti"])
            await self._redeem(granted, "downloading", {"DPoP": self._proof(_GRANTS)})

    async def _open_link(self) -> None:
        """Push a grant as the site does for a browser, and open its link: once, whatever is lost."""
        linked = self.known("linked")
        if linked is None and not self.known("pushed"):
            text = self._grant_for_browser()
            pushed = self.note("pushed", grant=text, jti=payload_of(text)["jti"])
            linked = await self._redeem(pushed, "linked", {})
        if linked is None or self.known("opened"):
            return
        was_opening = self.known("opening")
        self.note("opening", link=linked["made"])
        self.life.last()
        reply = await self.doors.downloads.get(linked["made"], headers=JSON)
        if reply.status_code == 303:
            self.note("opened", link=linked["made"])
        else:
            assert was_opening, reply.text
            assert reply.json()["code"] == "link_used", reply.text

    def _grant_for_browser(self) -> str:
        now_s, opens = epoch_s(self.doors.site.clock()), self.doors.gates[FREE].opens
        grant = Grant(
            issuer=ARTIST,
            audience=BASE_URL,
            jti=new_public_id(),
            issued_at=now_s,
            expires_at=now_s + 300,
            release=opens.release_id,
            formats=(opens.package,),
            holder_key=None,
        )
        return build_grant(grant, signer=self.doors.site.parts.grant_signer)

    async def _redeem(self, granted: Note, what: str, headers: dict[str, str]) -> Note | None:
        was_sent = self.life.found("grant sent", jti=granted["jti"])
        self.note("grant sent", jti=granted["jti"])
        reply = await self.doors.downloads.post("/grants", json={"grant": granted["grant"]}, headers=headers)
        if reply.status_code == 201:
            return self.note(what, jti=granted["jti"], made=reply.json().get("link"))
        assert was_sent, reply.text
        assert reply.json()["code"] == "grant_used", reply.text
        self.note("grant lost", jti=granted["jti"])
        return None
