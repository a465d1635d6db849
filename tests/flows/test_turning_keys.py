"""Every key of a co-op and a site is exchanged while both serve: no request fails, old copies and new ones pass."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

import httpx
import pytest
import trustme
from typing_extensions import override

from credentials.errors import HandstampError
from handstamp.demo.forked import run_command
from issuer.copies import CopyKind
from issuer.service.offers import choose_copies
from issuer.store import Store
from plumbing import clock
from plumbing.key_turning import LEAD
from tests.support.town import Town, elsewhere, town
from tests.support.waiting import PATIENCE_S, until
from wallet.service.open_gate import begin_visit, pass_gate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import tzinfo

    from wallet.ports import Tools

pytestmark = [pytest.mark.flow, pytest.mark.slow]


class Crowd:
    """Somebody who asks for everything that keys have a part in, again and again, and notes what was refused."""

    def __init__(self, built: Town, gate: str, *, receives: bool = False) -> None:
        self._town, self._gate = built, gate
        self._over = threading.Event()
        self._may_begin = threading.Event()
        self._may_begin.set()
        acts = (self._ask, self._come_and_go) if receives else (self._ask,)
        self._busy = [threading.Lock() for _ in acts]
        self._threads = [
            threading.Thread(target=self._again, args=each, daemon=True) for each in zip(acts, self._busy, strict=True)
        ]
        self._wallet = built.wallet()
        self.refused: list[str] = []
        self.rounds = self.passed = 0

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Let nobody be in the middle of anything while the block lasts."""
        self._may_begin.clear()
        with ExitStack() as stack:
            for busy in self._busy:
                stack.enter_context(busy)
            yield
        self._may_begin.set()

    def _again(self, act: Callable[[], None], busy: threading.Lock) -> None:
        while not self._over.is_set():
            self._may_begin.wait(PATIENCE_S)
            with busy:
                act()

    def _come_and_go(self) -> None:
        """Take an offer to its end, looking at each record, and open the gate with what came."""
        try:
            take_offer(self._town, self._wallet)
            assert passes(self._wallet, self._gate)
        except (HandstampError, AssertionError) as error:
            self.refused.append(f"{type(error).__name__}: {error}")
        self.passed += 1

    def _ask(self) -> None:
        coop, site = self._town.coop_url, self._town.artist_url
        stated = [f"{coop}/.well-known/{name}" for name in ("did.json", "jwt-vc-issuer", "openid-credential-issuer")]
        with httpx.Client(trust_env=False, timeout=PATIENCE_S) as web:
            for url in (*stated, f"{site}/.well-known/jwks.json", self._list(web)):
                self._note(self._get(web, url))
            started = self._get(web, f"{self._gate}/visits", post=True)
            self._note(started)
            request = httpx.URL(started.json()["same_device"]).params["request_uri"]
            self._note(self._get(web, request))
        self.rounds += 1

    def _list(self, web: httpx.Client) -> str:
        lists: list[str] = self._get(web, f"{self._town.coop_url}/statuslists").json()["status_lists"]
        return lists[0]

    def _get(self, web: httpx.Client, url: str, *, post: bool = False) -> httpx.Response:
        where = httpx.URL(url)
        headers = {"Host": where.netloc.decode(), "Accept": "application/json"}
        here = where.copy_with(host="127.0.0.1")
        return web.post(here, headers=headers) if post else web.get(here, headers=headers)

    def _note(self, reply: httpx.Response) -> None:
        if reply.status_code >= 400:
            self.refused.append(f"{reply.request.url.path}: {reply.status_code} {reply.text[:200]}")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town(tmp_path_factory.mktemp("turning")) as made:
        yield made


@pytest.fixture(scope="module")
def environment(built: Town) -> dict[str, str]:
    """Let commands find the town's settings."""
    roles = {
        "issuer": built.settings.issuer,
        "trackserver": built.settings.trackserver,
        "verifier": built.settings.verifier,
    }
    lines = [f'data_dir = "{built.settings.data_dir}"']
    for role, settings in roles.items():
        lines += [f"[{role}]", f'base_url = "{settings.base_url}"', f"port = {settings.port}"]
    file = built.folder / "handstamp.toml"
    file.write_text("\n".join(lines), "utf-8")
    return {**os.environ, "HANDSTAMP_CONFIG": str(file), "COLUMNS": "200"}


@pytest.fixture
def run(built: Town, environment: dict[str, str]) -> Callable[..., str]:
    """Run a command in a process of its own, as an operator does beside running services."""

    def command(*arguments: str) -> str:
        done = run_command(arguments, environment=environment, folder=built.folder)
        assert done.exit_code == 0, done.complained
        return done.printed

    return command


def certify(built: Town, host: str) -> tuple[str, ...]:
    leaf = built.authority.issue_cert(host, key_type=trustme.KeyType.ECDSA)
    key, chain = built.folder / f"{host}.key.pem", built.folder / f"{host}.chain.pem"
    key.write_bytes(leaf.private_key_pem.bytes())
    chain.write_bytes(b"".join(part.bytes() for part in leaf.cert_chain_pems))
    return ("--key", str(key), "--chain", str(chain))


def receive(built: Town, run: Callable[..., str], listener: str) -> Tools:
    wallet = built.wallet()
    offered = run("issuer", "offer", listener, "--json")
    made = httpx.Response(200, text=offered).json()
    built.receive(wallet, made["link"], made["code"])
    return wallet


def take_offer(built: Town, wallet: Tools) -> None:
    """Buy the release once more, as another listener, and take that one record into the wallet."""
    listener, desk = built.buyer(), built.issuer.desk
    with built.issuer.database.write() as session:
        store = Store(session)
        bought = [each.id for each in store.copies(listener) if each.kind is CopyKind.RELEASE]
        chosen = choose_copies(store, listener=listener, copy_ids=bought)
        made = desk.make(store, chosen, listener=listener, now=built.issuer.clock())
    built.receive(wallet, desk.by_reference(made).to_link(), desk.tx_code(made))


def passes(wallet: Tools, gate: str) -> bool:
    async def go() -> bool:
        visit = await begin_visit(gate, tools=wallet)
        return bool(await pass_gate(visit, tools=wallet))

    return elsewhere(go())


def test_nothing_fails_while_every_key_turns_and_copies_of_before_and_after_pass(
    built: Town, run: Callable[..., str]
) -> None:
    gate = built.gate_url(built.gate())
    before = receive(built, run, built.buyer())
    old_key = run("issuer", "keys", "show")
    waiting = httpx.Response(200, text=run("issuer", "offer", built.buyer(), "--json")).json()
    with Crowd(built, gate) as crowd:
        assert passes(before, gate)
        run("issuer", "keys", "import", *certify(built, "coop.localhost"), "--at-once")
        run("issuer", "keys", "rotate", "publications")
        run("issuer", "keys", "rotate", "proofs")
        run("issuer", "keys", "rotate", "secrets")
        run("verifier", "keys", "import", *certify(built, "artist.localhost"))
        assert passes(before, gate)
        run("verifier", "keys", "rotate", "grants")
        run("verifier", "keys", "rotate", "secrets")
        assert passes(before, gate)
        run("tracks", "allow", built.artist_url, "--again", "--yes")
        run("verifier", "keys", "use")
        assert passes(before, gate)
        assert passes(receive(built, run, built.buyer()), gate)
        late = built.wallet()
        built.receive(late, waiting["link"], waiting["code"])
        assert passes(late, gate)
    assert crowd.refused == []
    assert crowd.rounds > 2
    assert run("issuer", "keys", "show") != old_key
    listed = run("issuer", "keys", "list")
    assert "in use" in listed
    assert "still told to others" in listed


def test_a_certificate_is_told_first_and_used_two_hours_later_and_nothing_fails_meanwhile(
    built: Town, run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = built.gate_url(built.gate())
    before = receive(built, run, built.buyer())
    with Crowd(built, gate, receives=True) as crowd:
        old = told(built)[0]
        run("issuer", "keys", "import", *certify(built, "coop.localhost"))
        run("issuer", "keys", "rotate", "publications")
        first, new, *_ = told(built)
        assert first == old
        come_again(crowd)

        class Later(datetime):
            @classmethod
            @override
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
                return datetime.now(tz) + LEAD + timedelta(minutes=1)

        with crowd.at_rest():  # an offer that is begun now would be over then
            monkeypatch.setattr(clock, "datetime", Later)
        assert told(built)[:2] == [new, old]
        come_again(crowd)
        assert passes(before, gate)
    assert crowd.refused == []


def told(built: Town) -> list[str]:
    """The names of the keys that the co-op says are its own, the one in use first."""
    where = httpx.URL(f"{built.coop_url}/.well-known/jwt-vc-issuer")
    here = where.copy_with(host="127.0.0.1")
    answer = httpx.get(here, headers={"Host": where.netloc.decode()}, trust_env=False, timeout=PATIENCE_S)
    return [each["kid"] for each in answer.json()["jwks"]["keys"]]


def come_again(crowd: Crowd) -> None:
    """Let the crowd do everything from its beginning to its end."""
    wanted = crowd.passed + 2, crowd.rounds + 2
    elsewhere(until(lambda: crowd.passed >= wanted[0] and crowd.rounds >= wanted[1]))


def test_a_stolen_signing_key_opens_nothing_more_where_sites_know_the_co_op_by_its_did(
    built: Town, run: Callable[..., str]
) -> None:
    gate = built.gate_url(built.gate())
    host = built.settings.issuer.base_url.removeprefix("http://").replace(":", "%3A")
    run("verifier", "distrust", built.coop_url)
    run("verifier", "trust", f"did:web:{host}", "--yes")
    robbed = receive(built, run, built.buyer())
    assert passes(robbed, gate)
    run("issuer", "keys", "import", *certify(built, "coop.localhost"), "--stolen")
    run("issuer", "keys", "rotate", "proofs", "--stolen", "--yes")
    run("verifier", "refresh")
    with pytest.raises(HandstampError):
        passes(robbed, gate)
    assert passes(receive(built, run, built.buyer()), gate)
