"""A wallet on @openid4vc and @sd-jwt at our running services: it receives from our co-op and opens our gates."""

from __future__ import annotations

import re
from contextlib import ExitStack
from html import unescape
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from credentials.protocols.openid4vp import Prefix
from issuer.service.deferred import hold_copy, let_copy_go
from issuer.store import Store
from schemas import ALL, BY_VCT, COOP_MEMBERSHIP, RELEASE_OWNERSHIP
from tests.issuer.authorizing import BACK, fields, say
from tests.issuer.conftest import RELEASE, TRACKS
from tests.issuer.test_pages import log_in
from tests.support.live import Site, live_coop, live_site, make_offer, owner_of_everything, take_back_now
from tests.support.outside import Authority
from verifier.proofs import MemberOf, OwnsRelease, OwnsTrack, combine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.issuer.conftest import Coop

pytestmark = pytest.mark.slow

INSTANCES = 4
COPIES = 7


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("live")


@pytest.fixture(scope="module")
def coop(folder: Path, authority: Authority) -> Iterator[Coop]:
    with live_coop(folder, authority) as served:
        yield served


@pytest.fixture(scope="module")
def listener(coop: Coop) -> str:
    return owner_of_everything(coop)


@pytest.fixture(scope="module")
def wallet(node: Any) -> Iterator[Any]:
    with node.talk("live_wallet") as peer:
        yield peer


@pytest.fixture(scope="module")
def trust(coop: Coop, authority: Authority) -> dict[str, Any]:
    """Whom the wallet trusts, and where it reads what a type says."""
    url = coop.parts.identity.url
    return {
        "anchor": authority.pem.decode(),
        "types": {kind.vct: f"{url}/types/{kind.configuration_id}" for kind in ALL},
    }


@pytest.fixture(scope="module")
def received(wallet: Any, coop: Coop, listener: str, trust: dict[str, Any]) -> dict[str, Any]:
    """Everything that the listener has, received by the foreign wallet: several instances of seven copies."""
    seen = wallet("receive", **make_offer(coop, listener), count=INSTANCES, **trust)
    assert isinstance(seen, dict)
    return seen


def test_their_wallet_receives_all_five_types_and_verifies_signature_status_and_type(received: dict[str, Any]) -> None:
    assert received["tokenType"] == "DPoP"
    kept = received["kept"]
    assert len(kept) == COPIES * INSTANCES
    assert {each["payload"]["vct"] for each in kept} == {kind.vct for kind in ALL}
    assert all(each["type"] == BY_VCT[each["payload"]["vct"]].configuration_id for each in kept)


def test_every_instance_has_a_key_and_a_status_entry_of_its_own(received: dict[str, Any]) -> None:
    payloads = [each["payload"] for each in received["kept"]]
    assert len({each["cnf"]["jwk"]["x"] for each in payloads}) == len(payloads)
    entries = [each["status"]["status_list"] for each in payloads]
    assert len({(each["uri"], each["idx"]) for each in entries}) == len(entries)


def test_their_wallet_comes_back_for_more_with_a_refresh_token_that_rotates(
    wallet: Any, received: dict[str, Any], trust: dict[str, Any]
) -> None:
    for _ in range(2):
        again = wallet("topUp", visit=received["visit"], count=2, anchor=trust["anchor"])
        assert len(again["kept"]) == COPIES * 2
        assert again["rotated"]


@pytest.mark.parametrize("bearer", [False, True])
def test_their_wallet_receives_one_copy_by_its_configuration(
    wallet: Any, coop: Coop, listener: str, trust: dict[str, Any], bearer: bool
) -> None:
    offer = make_offer(coop, listener, kinds=frozenset({"membership"}))
    seen = wallet("receive", **offer, count=2, bearer=bearer, byConfiguration=True, **trust)
    assert seen["tokenType"] == ("Bearer" if bearer else "DPoP")
    assert seen["refreshable"] is not bearer
    assert [each["payload"]["vct"] for each in seen["kept"]] == [COOP_MEMBERSHIP.vct] * 2


def test_their_wallet_comes_again_for_what_was_put_off(wallet: Any, coop: Coop, trust: dict[str, Any]) -> None:
    listener = coop.listener()
    coop.buy(listener, TRACKS[0])
    (copy,) = coop.copies(listener)
    with coop.parts.database.write() as session:
        hold_copy(Store(session), copy.id, now=coop.now)
    seen = wallet("receive", **make_offer(coop, listener), count=2, **trust)
    assert seen["kept"] == []
    with coop.parts.database.write() as session:
        let_copy_go(Store(session), copy.id)
    assert len(wallet("later", visit=seen["visit"], anchor=trust["anchor"])) == 2


async def test_their_wallet_asks_by_itself_and_its_listener_says_yes_in_a_browser(
    wallet: Any, coop: Coop, listener: str, trust: dict[str, Any]
) -> None:
    url = coop.parts.identity.url
    begun = wallet("begin", issuer=url, clientId="wallet.example", redirectUri=BACK, scope="release_ownership")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(coop.app), base_url=url) as browser:
        await log_in(coop, browser, listener)
        answer = await say(browser, fields(await browser.get(begun)))
    back = unescape(re.findall(r'href="(https://wallet\.example/back[^"]+)"', answer.text)[0])
    kept = wallet("comeBack", url=back, count=1, anchor=trust["anchor"])
    assert [each["payload"]["vct"] for each in kept] == [RELEASE_OWNERSHIP.vct]


def test_their_wallet_verifies_our_signed_metadata(wallet: Any, coop: Coop) -> None:
    url = coop.parts.identity.url
    assert wallet("metadata", issuer=url) == {"issuer": url, "by": "x5c"}


def test_a_wrong_transaction_code_is_refused_in_their_words_and_the_right_one_still_counts(
    wallet: Any, coop: Coop, listener: str, trust: dict[str, Any]
) -> None:
    offer = make_offer(coop, listener, kinds=frozenset({"membership"}))
    wrong = f"{(int(offer['txCode']) + 1) % 1_000_000:06}"
    assert "invalid_grant" in wallet.refusal("receive", **(offer | {"txCode": wrong}), count=1, **trust)
    assert wallet("receive", **offer, count=1, **trust)["kept"]


def test_their_wallet_reads_in_our_status_list_that_a_copy_was_refunded(
    wallet: Any, coop: Coop, trust: dict[str, Any]
) -> None:
    listener = coop.listener()
    coop.buy(listener, TRACKS[0])
    seen = wallet("receive", **make_offer(coop, listener), count=1, **trust)
    entry = seen["kept"][0]["payload"]["status"]["status_list"]
    assert wallet("status", **entry, anchor=trust["anchor"]) == 0
    (copy,) = coop.copies(listener)
    take_back_now(coop, copy.id)
    assert wallet("status", **entry, anchor=trust["anchor"]) == 1


# Each site has a database of its own, so not all combinations.
SITES: dict[str, dict[str, Any]] = {
    "host": {"client_id_prefix": Prefix.X509_SAN_DNS},
    "certificate": {"client_id_prefix": Prefix.X509_HASH, "encrypted_answers": True, "request_uri_post": True},
    "did": {"client_id_prefix": Prefix.DECENTRALIZED_IDENTIFIER, "request_uri_post": True},
}
WAYS = [("host", None), ("certificate", "A128GCM"), ("certificate", "A256GCM"), ("did", None)]


@pytest.fixture(scope="module")
def open_site(folder: Path, authority: Authority, coop: Coop) -> Iterator[Any]:
    with ExitStack() as stack:
        opened: dict[str, Site] = {}

        def get(name: str) -> Site:
            if name not in opened:
                url = coop.parts.identity.url
                opened[name] = stack.enter_context(live_site(folder, authority, url, name=name, **SITES[name]))
            return opened[name]

        yield get


@pytest.mark.parametrize(("name", "enc"), WAYS)
def test_their_wallet_opens_a_gate(wallet: Any, received: Any, open_site: Any, name: str, enc: str | None) -> None:
    del received
    site = open_site(name)
    visit = site.visit(OwnsRelease(release_id=RELEASE))
    seen = wallet("present", link=visit.cross_device, enc=enc)
    assert seen["prefix"] == SITES[name]["client_id_prefix"].value
    assert seen["mode"] == ("direct_post.jwt" if enc else "direct_post")
    assert site.is_open(visit)


def test_the_browser_of_their_wallet_is_sent_on(wallet: Any, received: Any, open_site: Any) -> None:
    del received
    site = open_site("host")
    visit = site.visit(OwnsTrack(track_id=TRACKS[1], release_id=RELEASE))
    seen = wallet("present", link=visit.same_device)
    assert seen["reply"]["redirect_uri"].startswith(f"{site.url}/return?response_code=")


def test_their_wallet_shows_two_credentials_where_both_are_asked(
    wallet: Any, received: Any, open_site: Any, coop: Coop
) -> None:
    del received
    site = open_site("host")
    both = [OwnsRelease(release_id=RELEASE), MemberOf.parse(coop.parts.identity.url, name="Co-op")]
    visit = site.visit(combine(both, need_all=True))
    wallet("present", link=visit.cross_device)
    assert site.is_open(visit)


def test_an_answer_that_comes_again_is_refused(wallet: Any, received: Any, open_site: Any) -> None:
    del received
    site = open_site("host")
    visit = site.visit(OwnsRelease(release_id=RELEASE))
    wallet("present", link=visit.cross_device)
    assert wallet.refusal("present", link=visit.cross_device)
