"""A wallet on @openid4vc and Digital Bazaar's packages at our running services: W3C credentials, shown in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from credentials.linked_data import load_context
from schemas import TRACK_OWNERSHIP, VERIFIED_ARTIST
from tests.issuer.conftest import RELEASE, TRACKS
from tests.support.bazaar import JWK_CONTEXT, UNKNOWN_CONTEXTS
from tests.support.live import Site, live_coop, live_site, make_offer, owner_of_everything
from tests.support.outside import Authority
from verifier.proofs import OwnsTrack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.issuer.conftest import Coop

pytestmark = pytest.mark.slow

OFFERED = {"track": TRACK_OWNERSHIP, "artist": VERIFIED_ARTIST}
PUBLISHED = f"{VERIFIED_ARTIST.configuration_id}.eddsa"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def coop(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Coop]:
    with live_coop(tmp_path_factory.mktemp("linked"), authority) as served:
        yield served


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, coop: Coop, authority: Authority) -> Iterator[Site]:
    identity = coop.parts.identity
    folder = tmp_path_factory.mktemp("site")
    with live_site(folder, authority, identity.url, name="linked", linked=identity) as served:
        yield served


@pytest.fixture(scope="module")
def wallet(node: Any) -> Iterator[Any]:
    with node.talk("live_linked_wallet") as peer:
        for url in (*UNKNOWN_CONTEXTS, JWK_CONTEXT):
            peer("know", url=url, document=dict(load_context(url)))
        yield peer


@pytest.fixture(scope="module")
def received(wallet: Any, coop: Coop) -> list[dict[str, Any]]:
    """Of what a listener has, as much as this wallet knows."""
    kept = wallet("receive", **make_offer(coop, owner_of_everything(coop), kinds=frozenset(OFFERED)))
    assert isinstance(kept, list)
    return kept


def test_their_wallet_takes_of_an_offer_what_is_bound_to_nothing_and_what_is_published(
    received: list[dict[str, Any]],
) -> None:
    taken = {each["configuration"] for each in received}
    assert taken == {f"{kind.configuration_id}.bbs" for kind in OFFERED.values()} | {PUBLISHED}


def test_their_wallet_finds_what_is_published_good_by_our_status_list(received: list[dict[str, Any]]) -> None:
    statuses = {each["configuration"]: each.get("status") for each in received}
    assert statuses.pop(PUBLISHED) == [False]
    assert set(statuses.values()) == {None}


@pytest.mark.parametrize("signed", [False, True], ids=["bound to the request", "in a signed presentation"])
def test_their_wallet_opens_a_gate_with_a_part_of_a_credential(
    wallet: Any, received: list[dict[str, Any]], site: Site, signed: bool
) -> None:
    del received
    visit = site.visit(OwnsTrack(track_id=TRACKS[1], release_id=RELEASE))
    seen = wallet("present", link=visit.cross_device, signed=signed)
    assert set(seen["shown"]["credentialSubject"]) == {"track"}
    assert site.is_open(visit)
    assert wallet.refusal("present", link=visit.cross_device, signed=signed)
