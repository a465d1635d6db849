"""Our wallet at services in Node.js: an issuer on @openid4vc/openid4vci, a verifier on @openid4vc/openid4vp."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from credentials.linked_data import load_context
from credentials.protocols.openid4vp import build_hash_client_id
from schemas import COOP_MEMBERSHIP, RELEASE_OWNERSHIP
from tests.issuer.conftest import RELEASE
from tests.support.bazaar import JWK_CONTEXT, UNKNOWN_CONTEXTS
from tests.support.live import foreign_party, live_coop, make_offer, new_wallet, owner_of_everything, take
from tests.support.outside import Authority
from wallet.errors import WrongCode
from wallet.refused import QuestionRefused
from wallet.service.answer_request import answer, read_request
from wallet.service.receive import read_offer
from wallet.service.top_up import top_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.issuer.conftest import Coop
    from wallet.ports import Tools
    from wallet.state import Wallet

pytestmark = pytest.mark.slow

CARD = "https://library.example/types/card"
CARD_SAYS = {"library": "City Library", "tier": "full", "since": "2024"}


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def coop(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Coop]:
    with live_coop(tmp_path_factory.mktemp("live"), authority) as served:
        yield served


@pytest.fixture(scope="module")
def filled(coop: Coop, authority: Authority) -> Wallet:
    """What a wallet holds that received everything our co-op says of a listener."""
    tools, memory = new_wallet(authority)
    offer = make_offer(coop, owner_of_everything(coop))
    asyncio.run(take(tools, offer["offer"], offer["txCode"]))
    return memory.load()


@pytest.fixture
def empty(authority: Authority) -> Tools:
    return new_wallet(authority)[0]


@pytest.fixture
def stocked(authority: Authority, filled: Wallet) -> Tools:
    tools, memory = new_wallet(authority)
    memory.change(lambda _: (filled, None))
    return tools


# An issuer on @openid4vc/openid4vci.


@pytest.fixture(scope="module")
def others(node: Any) -> Iterator[Any]:
    with node.talk("live_others") as peer:
        for url in (*UNKNOWN_CONTEXTS, JWK_CONTEXT):
            peer("know", url=url, document=dict(load_context(url)))
        yield peer


@dataclass(frozen=True, slots=True)
class Party:
    """One service of theirs."""

    others: Any
    url: str

    def __call__(self, action: str, **wishes: Any) -> Any:
        return self.others(action, at=self.url, **wishes)


@pytest.fixture(scope="module")
def open_library(others: Any, authority: Authority) -> Any:
    about = foreign_party(authority, "library.localhost")

    def opened(*, did: bool = False, dpop: bool = True, **more: Any) -> Party:
        return Party(others, others("openLibrary", **about, did=did, dpop=dpop, **more))

    return opened


@pytest.mark.parametrize("did", [False, True])
async def test_our_wallet_receives_from_their_issuer_and_tells_it_so(
    open_library: Any, empty: Tools, did: bool
) -> None:
    library = open_library(did=did)
    (card,) = await take(empty, library("offer", txCode="4711"), "4711")
    assert card.claims == CARD_SAYS
    assert card.foreign is not None
    assert card.foreign.name == "Library card"
    assert len({each.key for each in card.instances}) == 4
    heard = library("heard")
    assert heard["notifications"] == ["credential_accepted"]
    assert heard["refused"] == []


async def test_our_wallet_verifies_the_metadata_that_their_issuer_signed(open_library: Any, empty: Tools) -> None:
    opened = await read_offer(open_library()("offer"), tools=empty)
    assert opened.desk.signed
    assert opened.desk.name == "City Library"


async def test_our_wallet_receives_with_a_bearer_token_where_there_is_no_dpop(open_library: Any, empty: Tools) -> None:
    library = open_library(dpop=False)
    (card,) = await take(empty, library("offer"))
    assert card.claims == CARD_SAYS
    assert library("heard")["refused"] == []


async def test_our_wallet_tries_again_after_a_wrong_code(open_library: Any, empty: Tools) -> None:
    library = open_library()
    offer = library("offer", txCode="4711")
    with pytest.raises(WrongCode):
        await take(empty, offer, "0815")
    assert await take(empty, offer, "4711")


def use_up(tools: Tools) -> None:
    def spend(wallet: Wallet) -> tuple[Wallet, None]:
        for copy in wallet.copies:
            for _ in copy.instances:
                wallet, _taken = wallet.taking_instance(copy.key)
        return wallet, None

    tools.keeper.change(spend)


async def test_our_wallet_comes_back_to_their_issuer_with_a_refresh_token(open_library: Any, empty: Tools) -> None:
    library = open_library(tokenLife=20)  # so short that a wallet renews it at once
    await take(empty, library("offer"))
    for _ in range(2):
        use_up(empty)
        report = await top_up(tools=empty)
        assert (len(report.renewed), report.not_renewed) == (1, ())
    assert library("heard")["refreshed"] >= 2


# A verifier on @openid4vc/openid4vp.


def query(vct: str, *names: str, **values: str) -> dict[str, Any]:
    claims: list[dict[str, Any]] = [{"path": [name]} for name in names]
    claims += [{"path": [name], "values": [value]} for name, value in values.items()]
    return {"credentials": [{"id": "it", "format": "dc+sd-jwt", "meta": {"vct_values": [vct]}, "claims": claims}]}


@pytest.fixture(scope="module")
def venue(others: Any, authority: Authority) -> Party:
    about = foreign_party(authority, "venue.localhost")
    client_hash = build_hash_client_id(about["x5c"]).partition(":")[2]
    return Party(others, others("openVenue", **about, anchor=authority.pem.decode(), clientHash=client_hash))


WAYS: dict[str, dict[str, Any]] = {
    "its host": {"prefix": "x509_san_dns"},
    "its host, encrypted": {"prefix": "x509_san_dns", "encrypted": True},
    "its certificate, by post, encrypted": {"prefix": "x509_hash", "encrypted": True, "post": True},
}


@pytest.mark.parametrize("way", WAYS)
async def test_our_wallet_answers_their_verifier(venue: Party, stocked: Tools, way: str) -> None:
    asked = venue("ask", query=query(RELEASE_OWNERSHIP.vct, "name", release=RELEASE), **WAYS[way])
    read = await read_request(asked["link"], tools=stocked)
    assert read.consent.site == "venue.localhost"
    answered = await answer(read, tools=stocked)
    assert answered.redirect_uri == f"{venue.url}/welcome/{asked['id']}"
    seen = venue("seen", id=asked["id"])["it"]
    assert {name for name in RELEASE_OWNERSHIP.claim_names if name in seen} == {"name", "release"}


@pytest.mark.parametrize("way", WAYS)
async def test_our_wallet_shows_their_verifier_a_part_of_a_linked_credential(
    venue: Party, stocked: Tools, way: str
) -> None:
    kind = RELEASE_OWNERSHIP
    claims = [{"path": ["credentialSubject", "name"]}, {"path": ["credentialSubject", "release"], "values": [RELEASE]}]
    wanted = {
        "id": "it",
        "format": "ldp_vc",
        "meta": {"type_values": [list(kind.type_iris)]},
        "claims": claims,
        "require_cryptographic_holder_binding": False,
    }
    asked = venue("ask", query={"credentials": [wanted]}, **WAYS[way])
    await answer(await read_request(asked["link"], tools=stocked), tools=stocked)
    seen = venue("seen", id=asked["id"])["it"]
    assert seen["type"] == list(kind.ldp_types)
    assert seen["credentialSubject"].keys() == {"name", "release"}
    assert seen["credentialSubject"]["release"] == RELEASE


async def test_our_wallet_shows_their_verifier_two_credentials_where_both_are_asked(
    venue: Party, stocked: Tools
) -> None:
    both = [
        each | {"id": name}
        for name, one in (
            ("record", query(RELEASE_OWNERSHIP.vct, release=RELEASE)),
            ("member", query(COOP_MEMBERSHIP.vct, standing="good")),
        )
        for each in one["credentials"]
    ]
    wanted = {"credentials": both, "credential_sets": [{"options": [["record", "member"]]}]}
    asked = venue("ask", query=wanted, prefix="x509_san_dns", encrypted=True)
    await answer(await read_request(asked["link"], tools=stocked), tools=stocked)
    seen = venue("seen", id=asked["id"])
    assert (seen["record"]["release"], seen["member"]["standing"]) == (RELEASE, "good")


async def test_our_wallet_shows_their_verifier_what_their_issuer_gave(
    venue: Party, open_library: Any, empty: Tools
) -> None:
    await take(empty, open_library()("offer"))
    asked = venue("ask", query=query(CARD, "tier"), prefix="x509_san_dns")
    await answer(await read_request(asked["link"], tools=empty), tools=empty)
    seen = venue("seen", id=asked["id"])["it"]
    assert CARD_SAYS.keys() & seen.keys() == {"tier"}


async def test_our_wallet_refuses_their_request_under_a_name_that_is_not_theirs(
    others: Any, authority: Authority, stocked: Tools
) -> None:
    about = foreign_party(authority, "elsewhere.localhost")
    posing = Party(others, others("openVenue", **about, anchor=authority.pem.decode(), clientHash=""))
    asked = posing("ask", query=query(COOP_MEMBERSHIP.vct, "standing"), prefix="x509_san_dns")
    with pytest.raises(QuestionRefused):
        await read_request(asked["link"], tools=stocked)
