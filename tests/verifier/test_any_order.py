"""Visits to three gates in any order of right, wrong, repeated, foreign and late steps, beside a small model."""

from __future__ import annotations

import secrets
import tempfile
from collections import Counter
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from trustme import CA, KeyType
from typing_extensions import override

from credentials.errors import HandstampError
from credentials.keys.signer import LocalSigner
from credentials.protocols.dpop import build_dpop_proof
from credentials.protocols.openid4vp import AuthorizationResponse
from credentials.protocols.urls import host_of
from credentials.sd_jwt.presenting import build_presentation
from credentials.sd_jwt.reading import parse_sd_jwt
from credentials.trust import TrustedIssuer
from plumbing.clock import epoch_s
from plumbing.database import Database
from schemas import RELEASE_OWNERSHIP
from tests.support.databases import fresh_database
from tests.verifier.conftest import ARTIST, COOP, RELEASE, Authority, Coop, TestClock, make_gate, response_code_of
from tests.verifier.redeeming import COPIES, NEIGHBOUR, Door, Known, Model
from verifier.gates import Counting
from verifier.limits import Limit, Monthly, OnceEver
from verifier.party import Party
from verifier.proofs import OwnsRelease
from verifier.service.close_gate import close_gate
from verifier.service.complete_return import complete_return
from verifier.service.distrust_issuer import distrust_issuer
from verifier.service.give_grant import give_grant_to_wallet
from verifier.service.start_visit import StartedVisit, start_visit
from verifier.service.take_answer import AnswerFailed, AnswerTaken, take_answer
from verifier.service.type_code import show_code, type_code
from verifier.store import SqlWork
from verifier.visits import (
    REQUEST_LIFE,
    Device,
    Refused,
)

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.database

PARTY: Final = Party(base_url=ARTIST, site="main", name="The Long Way Home")
LIMITS: Final = (None, OnceEver(), Monthly(times=2))

which_door = st.integers(0, len(LIMITS) - 1)
pauses = st.sampled_from(["none", "none", "none", "none", "a new month", "closing"])
which_device = st.sampled_from(Device)
which_copy = st.integers(0, len(COPIES) - 1)


@cache
def authority() -> Authority:
    return Authority(CA(key_type=KeyType.ECDSA))


@cache
def coop(url: str) -> Coop:
    signer, chain = authority().certify(host_of(url))
    return Coop(signer=signer, x5c=chain.x5c(), clock=TestClock(), url=url)


def word_for(act: Callable[[], object]) -> tuple[str, object]:
    """Do it; return the word for what came of it, and that."""
    try:
        done = act()
    except HandstampError as error:
        return error.code, error
    if isinstance(done, AnswerFailed):
        return done.error.code, done
    return (done.last_failure if isinstance(done, Refused) else type(done).__name__), done


class Redeeming(RuleBasedStateMachine):
    """The model foretells the word for each step; the service must say the same, and keep what the model keeps."""

    visits = Bundle("visits")

    @initialize()
    def open_the_site(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.database = Database(fresh_database("verifier", Path(self.folder.name)))
        self.work = SqlWork(self.database, site=PARTY.site)
        self.clock = TestClock()
        self.model = Model(self.clock)
        for url in (COOP, NEIGHBOUR):
            self.trust(url)
        self.model.doors = [self.save_door(limit) for limit in LIMITS]

    @override
    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    @property
    def now(self) -> datetime:
        return self.clock.now

    def trust(self, url: str) -> None:
        stated = TrustedIssuer(
            issuer=url, name="A co-op", anchors=(authority().pem,), types=frozenset({RELEASE_OWNERSHIP.vct})
        )
        with self.work.write() as stores:
            stores.save_issuer(PARTY.site, stated, now=self.now)
        self.model.trusted.add(url)

    def save_door(self, limit: Limit | None) -> Door:
        counting = (
            None if limit is None else Counting(limit=limit, key=secrets.token_bytes(32), takes_other_wallets=True)
        )
        gate = make_gate(OwnsRelease(release_id=RELEASE), clock=self.clock, counting=counting)
        with self.work.write() as stores:
            stores.save_gate(gate, now=self.now)
        return Door(gate=gate, limit=limit)

    # What happens.

    @rule(target=visits, door=which_door)
    def start(self, door: int) -> object:
        entered = self.model.doors[door]
        word, started = word_for(lambda: start_visit(self.work, entered.gate.gate_id, now=self.now))
        assert word == ("gate_closed" if entered.closed else "StartedVisit")
        if not isinstance(started, StartedVisit):
            return multiple()
        self.model.visits.append(Known(started=started, door=entered, until=self.now + REQUEST_LIFE))
        return self.model.visits[-1]

    @rule(visit=visits, device=which_device, copy=which_copy, nonce=st.sampled_from([True, True, False]))
    def answer(self, visit: Known, device: Device, copy: int, *, nonce: bool) -> None:
        request = next(each for each in visit.started.requests if each.device is device)
        url, number = COPIES[copy]
        holder = LocalSigner.generate()
        presentation = build_presentation(
            parse_sd_jwt(coop(url).issue(holder, copy=number)),
            disclose=("release",) if visit.door.limit is None else ("release", "copy"),
            nonce=visit.door.gate.terms.shake(request.salt if nonce else bytes(16)).nonce,
            audience=PARTY.client_id(request.request_id),
            signer=holder,
            issued_at=epoch_s(self.now),
        )
        form = AuthorizationResponse(vp_token={"release": (presentation,)}, state=request.state).to_form()
        if nonce:
            visit.sent.append((device, form, copy))
        self.send(visit, device, form, copy, nonce=nonce)

    def send(self, visit: Known, device: Device, form: bytes, copy: int, *, nonce: bool) -> None:
        foretold = self.model.answer(visit, device, copy, nonce=nonce)
        request = next(each for each in visit.started.requests if each.device is device)
        word, taken = word_for(lambda: take_answer(self.work, request.request_id, form, party=PARTY, now=self.now))
        assert word == foretold
        if isinstance(taken, AnswerTaken) and visit.state == "Answered":
            visit.returns = response_code_of(taken.redirect_uri or "")
        elif isinstance(taken, AnswerTaken) and visit.state == "AwaitingCode":
            visit.code, until = show_code(self.work, (taken.redirect_uri or "").rpartition("/")[2], now=self.now)
            assert until == visit.until

    @rule(visit=visits)
    def send_again(self, visit: Known) -> None:
        if visit.sent:
            device, form, copy = visit.sent[-1]
            self.send(visit, device, form, copy, nonce=True)

    @rule(visit=visits, other=visits, device=which_device)
    def send_to_another_request(self, visit: Known, other: Known, device: Device) -> None:
        if not visit.sent or (visit is other and visit.sent[-1][0] is device):
            return
        request = next(each for each in other.started.requests if each.device is device)
        form = visit.sent[-1][1]
        word, _ = word_for(lambda: take_answer(self.work, request.request_id, form, party=PARTY, now=self.now))
        # Refused as a stranger's, or for what the other visit is past: either way nothing of it changes.
        assert word in {
            "wrong_state",
            "no_such_request",
            "visit_expired",
            "already_answered",
            "too_many_failed_answers",
            "gate_closed",
        }

    @rule(visit=visits, own=st.sampled_from([True, True, False]))
    def come_back(self, visit: Known, *, own: bool) -> None:
        foretold = self.model.come_back(visit, own=own)
        cookie = visit.cookie(own=own)
        word, _ = word_for(lambda: complete_return(self.work, visit.returns, cookie_of=lambda _: cookie, now=self.now))
        assert word == foretold

    @rule(visit=visits, right=st.sampled_from([True, False]), own=st.sampled_from([True, True, False]))
    def type_the_code(self, visit: Known, *, right: bool, own: bool) -> None:
        given = visit.code if right else f"{int(visit.code) ^ 1:06}"
        foretold = self.model.type_code(visit, right=right, own=own)
        cookie = visit.cookie(own=own)
        word, _ = word_for(lambda: type_code(self.work, visit.id, given, cookie=cookie, now=self.now))
        assert word == foretold

    @rule(
        target=visits,
        door=which_door,
        copies=st.lists(which_copy, min_size=2, max_size=4),
        device=which_device,
        pause=pauses,
    )
    def pass_one_after_another(self, door: int, copies: list[int], device: Device, pause: str) -> object:
        entered = [(self.start(door), copy) for copy in copies]
        come = [(visit, copy) for visit, copy in entered if isinstance(visit, Known)]
        for visit, copy in come:
            self.answer(visit, device, copy, nonce=True)
        if pause == "a new month":
            self.turn_the_month()
        elif pause == "closing":
            self.close(door)
        for visit, _ in come:
            self.come_back(visit, own=True)
            self.type_the_code(visit, right=True, own=True)
        return come[-1][0] if come else multiple()

    @rule(visit=visits, own=st.sampled_from([True, True, False]))
    def take_a_grant(self, visit: Known, *, own: bool) -> None:
        foretold = self.model.grant(visit, own=own)
        signer = coop(COOP).signer
        url = f"{PARTY.visit_url(visit.id)}/grant"
        proof = build_dpop_proof(
            signer=signer, method="POST", url=url, issued_at=epoch_s(self.now), jti=secrets.token_hex(8)
        )
        word, _ = word_for(
            lambda: give_grant_to_wallet(
                self.work,
                visit.id,
                cookie=visit.cookie(own=own),
                dpop=proof,
                party=PARTY,
                signer=signer,
                now=self.now,
            )
        )
        assert word == foretold

    @rule(minutes=st.sampled_from([1, 3, 6, 16]))
    def wait(self, minutes: int) -> None:
        self.clock.pass_time(minutes=minutes)

    @rule()
    def turn_the_month(self) -> None:
        """Go to a minute before the next month: who answers now and returns then passes in the next."""
        first = (self.now.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0)
        self.clock.now = first if first - self.now <= timedelta(minutes=1) else first - timedelta(minutes=1)

    @rule()
    def sweep(self) -> None:
        with self.work.write() as stores:
            stores.sweep(now=self.now)
        self.model.sweep()

    @rule(door=st.integers(0, 3 * len(LIMITS)))
    def close(self, door: int) -> None:
        if door < len(LIMITS):  # seldom, so that there is something to close
            closed = self.model.doors[door]
            assert close_gate(self.work, closed.gate, now=self.now) is not closed.closed
            closed.closed = True

    @rule(url=st.sampled_from([COOP, NEIGHBOUR]))
    def distrust(self, url: str) -> None:
        if url in self.model.trusted:
            distrust_issuer(self.work, url, party=PARTY, now=self.now)
            self.model.distrust(url)

    @rule()
    def trust_again(self) -> None:
        for url in {COOP, NEIGHBOUR} - self.model.trusted:
            self.trust(url)

    # What must be true after every step.

    @invariant()
    def each_visit_stands_where_the_model_says(self) -> None:
        stored = {visit: state.replace("_", "") for visit, state in self.look("SELECT visit_id, state FROM visits")}
        assert stored == {each.id: each.state.lower() for each in self.model.visits if each.state != "swept"}

    @invariant()
    def no_passage_is_lost_and_none_is_one_too_many(self) -> None:
        counted = self.look("SELECT gate_id, month, passages FROM redemptions")
        doors = self.model.doors
        assert set(counted) == {(door.gate.gate_id, *counts) for door in doors for counts in door.months.items()}
        assert all(max(door.passed.values(), default=0) <= door.limit.times for door in doors if door.limit is not None)

    @invariant()
    def each_passage_of_a_gate_that_counts_has_its_receipt(self) -> None:
        kept = Counter(self.look("SELECT gate_id, made_at FROM receipts"))
        assert kept == Counter(
            (door.gate.gate_id, epoch_s(made)) for door in self.model.doors for made in door.receipts
        )

    def look(self, statement: str) -> list[tuple[Any, ...]]:
        """Read rows as they lie there: after each step, so the stores' own queries would take most of the time."""
        with self.database.read() as session:
            return [tuple(row) for row in session.connection().exec_driver_sql(statement)]


Redeeming.TestCase.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)
TestAnyOrder = Redeeming.TestCase
