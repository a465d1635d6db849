"""Our wallet at our verifier, in every way in which one can ask and the other answer; both as they are composed."""

import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding

from credentials.protocols.openid4vp import Prefix
from credentials.status import StatusPolicy
from credentials.trust import TrustedIssuer
from handstamp.composition import verifier as composition
from handstamp.composition.verifier_service import build_app
from handstamp.settings import Settings, VerifierSettings
from plumbing.clock import system_clock
from plumbing.fetch import HttpFetcher, Reach
from schemas import RELEASE_OWNERSHIP
from tests.support.hostile_issuer import URL as COOP
from tests.support.hostile_issuer import fill_wallet
from tests.support.outside import Authority, Memory, release_claims
from tests.verifier.conftest import make_gate
from verifier.gates import Counting
from verifier.limits import OnceEver
from verifier.ports import Work
from verifier.proofs import OwnsRelease
from verifier.visits import Accepted
from wallet.ports import Tools
from wallet.refused import QuestionRefused, UncertifiedSite
from wallet.service.answer_request import answer, read_request
from wallet.service.open_gate import begin_visit
from wallet.service.show_code import awaits_code, fetch_code
from wallet.state import Wallet

SITE = "http://artist.localhost:8703"


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """A verifier, a wallet with the record that its gate asks for, and all that the wallet sends."""

    tools: Tools
    gate: str
    seen: list[httpx.Request]
    work: Work
    http: httpx.AsyncClient

    async def link(self, device: str = "cross_device") -> tuple[str, str]:
        """Start a visit in a browser; return the visit and its link for one device."""
        reply = await self.http.post(f"{self.gate}/visits", headers={"Accept": "application/json"})
        assert reply.status_code == 201, reply.text
        return reply.json()["visit"], reply.json()[device]

    def is_open(self, visit: str) -> bool:
        """Tell whether the answer opened the gate."""
        with self.work.read() as stores:
            return isinstance(stores.load_visit(visit.rpartition("/")[2]), Accepted)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def filled(authority: Authority) -> Wallet:
    return fill_wallet(authority)


Meet = Callable[..., Meeting]


@pytest.fixture
def databases() -> Iterator[list[Any]]:
    opened: list[Any] = []
    yield opened
    for each in opened:
        each.close()


@pytest_asyncio.fixture
async def meet(tmp_path: Path, authority: Authority, filled: Wallet, databases: list[Any]) -> AsyncIterator[Meet]:
    clients: list[httpx.AsyncClient] = []

    def build(
        prefix: Prefix, *, post: bool = False, encrypted: bool = False, counting: Counting | None = None
    ) -> Meeting:
        service = VerifierSettings(
            base_url=SITE,
            client_id_prefix=prefix,
            request_uri_post=post,
            encrypted_answers=encrypted,
            status_policy=StatusPolicy.ADMIT,
        )
        settings = Settings(data_dir=tmp_path / "data", verifier=service)
        parts = composition.compose_verifier(settings)
        databases.append(parts.database)
        _certify(parts, authority)
        required = OwnsRelease(release_id=release_claims()["release"])
        gate = make_gate(required, clock=system_clock, counting=counting)  # type: ignore[arg-type]
        types = frozenset({RELEASE_OWNERSHIP.vct})
        trusted = TrustedIssuer(issuer=COOP, name="Co-op", anchors=(authority.pem,), types=types)
        with parts.work.write() as stores:
            stores.save_issuer("main", trusted, now=system_clock())
            stores.save_gate(gate, now=system_clock())
        app = httpx.ASGITransport(app=build_app(settings))
        client = httpx.AsyncClient(transport=app, base_url=SITE)
        clients.append(client)
        seen: list[httpx.Request] = []
        held = Memory()
        held.change(lambda _: (filled, None))

        def web(first_party: str) -> HttpFetcher:
            return HttpFetcher(Reach.of(first_party), user_agent="handstamp-wallet", transport=_Watched(app, seen))

        tools = Tools(keeper=held, web=web, clock=system_clock, random=secrets.token_bytes)
        return Meeting(tools=tools, gate=f"{SITE}/gates/{gate.gate_id}", seen=seen, work=parts.work, http=client)

    yield build
    for client in clients:
        await client.aclose()


def _certify(parts: composition.VerifierTools, authority: Authority) -> None:
    signer, chain = authority.certify("artist.localhost")
    pem = b"".join(each.public_bytes(Encoding.PEM) for each in chain.certificates)
    parts.keys.install(composition.REQUEST_KEY, key_pem=signer.to_pem(None), chain_pem=pem)


class _Watched(httpx.AsyncBaseTransport):
    def __init__(self, inner: httpx.AsyncBaseTransport, seen: list[httpx.Request]) -> None:
        self._inner, self._seen = inner, seen

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._seen.append(request)
        return await self._inner.handle_async_request(request)


CERTIFIED = [Prefix.X509_SAN_DNS, Prefix.X509_HASH]
# Every prefix, every way to fetch and every way to answer; not all combinations, each of which takes a database.
WAYS = {
    "its host": (Prefix.X509_SAN_DNS, False, False),
    "its host, by post, encrypted": (Prefix.X509_SAN_DNS, True, True),
    "its certificate, by post, encrypted": (Prefix.X509_HASH, True, True),
    "its did, by post": (Prefix.DECENTRALIZED_IDENTIFIER, True, False),
    "its did, encrypted": (Prefix.DECENTRALIZED_IDENTIFIER, False, True),
    "nothing": (Prefix.REDIRECT_URI, False, False),
    "nothing, encrypted": (Prefix.REDIRECT_URI, False, True),
}


@pytest.mark.parametrize("way", WAYS)
async def test_every_way_of_asking_is_answered(meet: Meet, way: str) -> None:
    prefix, post, encrypted = WAYS[way]
    met = meet(prefix, post=post, encrypted=encrypted)
    visit, link = await met.link()
    if prefix not in CERTIFIED:
        with pytest.raises(UncertifiedSite):
            await read_request(link, tools=met.tools)
    asked = await read_request(link, tools=met.tools, uncertified=prefix not in CERTIFIED)
    assert asked.consent.certified == (prefix in CERTIFIED)
    answered = await answer(asked, tools=met.tools)
    assert answered.receipt.accepted
    assert met.is_open(visit)
    sent = met.seen[-1]
    assert sent.url.path.startswith("/responses/")
    assert sent.content.startswith(b"response=") == encrypted
    assert any(each.method == "POST" and each.url.path.startswith("/requests/") for each in met.seen) == post


async def test_a_plain_answer_where_an_encrypted_one_is_demanded_opens_nothing(meet: Meet) -> None:
    met = meet(Prefix.X509_SAN_DNS, encrypted=True)
    visit, link = await met.link()
    asked = await read_request(link, tools=met.tools)
    form = f"vp_token=%7B%22release%22%3A%5B%22x%22%5D%7D&state={asked.request.state}".encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    reply = await met.http.post(asked.request.response_uri, content=form, headers=kind)
    assert reply.status_code == 400
    assert not met.is_open(visit)


async def test_a_request_made_for_one_wallet_is_refused_by_another(meet: Meet) -> None:
    met = meet(Prefix.X509_HASH, post=True)
    _, link = await met.link()
    asked = await read_request(link, tools=met.tools)
    recorded = (await _post(met, asked.request.response_uri.replace("/responses/", "/requests/"))).text

    def web(first_party: str) -> HttpFetcher:
        replaying = httpx.MockTransport(lambda _: httpx.Response(200, text=recorded))
        return HttpFetcher(Reach.of(first_party), transport=replaying)

    with pytest.raises(QuestionRefused) as refusal:
        await read_request(link, tools=replace(met.tools, web=web))
    assert getattr(refusal.value.__cause__, "code", "") == "wrong_wallet_nonce"


async def _post(met: Meeting, url: str) -> httpx.Response:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return await met.http.post(url, content=b"wallet_nonce=another-wallets-nonce", headers=kind)


async def test_a_gate_opens_from_this_device_by_a_did(meet: Meet) -> None:
    met = meet(Prefix.DECENTRALIZED_IDENTIFIER, post=True, encrypted=True)
    visit = await begin_visit(met.gate, tools=met.tools, uncertified=True)
    assert visit.consent.site == "artist.localhost"
    answered = await answer(visit.asked, tools=met.tools)
    assert (answered.redirect_uri or "").startswith(f"{SITE}/return?response_code=")


async def test_a_gate_that_counts_opens_on_another_screen_only_by_the_code_that_the_wallet_shows(meet: Meet) -> None:
    met = meet(
        Prefix.X509_SAN_DNS, counting=Counting(limit=OnceEver(), key=secrets.token_bytes(32), takes_other_wallets=True)
    )
    visit, link = await met.link()
    asked = await read_request(link, tools=met.tools)
    assert any("makes you recognisable" in each for each in asked.consent.warnings)
    answered = await answer(asked, tools=met.tools)
    assert awaits_code(answered)
    page = (await met.http.get(visit, headers={"Accept": "text/html"})).text
    assert not met.is_open(visit)
    (guard,) = re.findall(r'name="csrf" value="([^"]+)"', page)
    code = await fetch_code(answered, tools=met.tools)
    await met.http.post(f"{visit}/code", data={"csrf": guard, "code": code}, headers={"Origin": SITE})
    assert met.is_open(visit)
