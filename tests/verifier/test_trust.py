"""Co-ops known by their DID, and lists of co-ops: who may change what, and what changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from credentials.dids.did_key import build_did_key
from credentials.dids.did_web import build_did_web
from credentials.errors import HandstampError
from credentials.keys.signer import LocalSigner
from credentials.trust import TrustedIssuer
from credentials.trust.errors import CoopListRefused, CoopListRolledBack, UntrustedIssuer
from tests.verifier.conftest import COOP, Coop, Site
from tests.verifier.trusting import (
    LABEL,
    LABEL_DID,
    LIST,
    TYPES,
    Web,
    a_list,
    answer,
    follow,
    refresh,
    trust_did,
)
from verifier.errors import ListNotFollowed, UntrustworthyIssuer
from verifier.service.distrust_issuer import IssuerNotTrusted, distrust_issuer
from verifier.service.follow_list import leave_list
from verifier.service.refresh_trust import Refreshed

if TYPE_CHECKING:
    import httpx

    from verifier.gates import Gate


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
def label(site: Site) -> Coop:
    signer, chain = site.authority.certify("label.localhost")
    return Coop(signer=signer, x5c=chain.x5c(), clock=site.clock, url=LABEL)


async def test_a_co_op_known_by_its_did_opens_a_gate_under_either_name(
    site: Site, web: Web, gate: Gate, label: Coop
) -> None:
    assert await answer(site, gate, label) == "untrusted_issuer"
    web.publish_did(label.signer)
    known = await trust_did(site, web, LABEL_DID)
    assert (known.issuer, known.did, known.name) == (LABEL, LABEL_DID, "label.localhost")
    assert await answer(site, gate, label) == "taken"
    assert await answer(site, gate, replace(label, url=LABEL_DID)) == "taken"
    assert await answer(site, gate, replace(label, url=build_did_web("http://label.localhost:8705/a"))) == (
        "untrusted_issuer"
    )


async def test_a_key_that_is_struck_out_of_the_document_opens_nothing_more(
    site: Site, web: Web, gate: Gate, label: Coop
) -> None:
    web.publish_did(label.signer)
    await trust_did(site, web, LABEL_DID)
    signer, chain = site.authority.certify("label.localhost")
    renewed = replace(label, signer=signer, x5c=chain.x5c())
    web.publish_did(signer)
    assert await refresh(site, web) == (Refreshed(name=LABEL_DID),)
    assert await answer(site, gate, label) == "wrong_issuer_key"
    assert await answer(site, gate, renewed) == "taken"


@pytest.mark.parametrize("page", [None, b"<html>", b'{"id": "did:web:evil.example"}'], ids=["gone", "page", "another"])
async def test_a_document_that_cannot_be_read_changes_nothing(
    site: Site, web: Web, gate: Gate, label: Coop, page: bytes | None
) -> None:
    web.publish_did(label.signer)
    await trust_did(site, web, LABEL_DID)
    web.pages = {} if page is None else {f"{LABEL}/.well-known/did.json": page}
    (result,) = await refresh(site, web)
    assert result.error is not None
    assert result.error.code == "did_not_resolved"
    assert await answer(site, gate, label) == "taken"


async def test_a_did_that_is_its_key_is_trusted_as_it_stands(site: Site, web: Web, gate: Gate, label: Coop) -> None:
    did = build_did_key(label.signer.public_key)
    known = await trust_did(site, web, did)
    assert known.name == did[:60]
    assert await answer(site, gate, replace(label, url=did)) == "taken"
    assert await answer(site, gate, replace(label, url=did, signer=LocalSigner.generate())) == "bad_signature"
    assert await refresh(site, web) == ()


async def test_a_document_without_a_key_that_makes_statements_is_not_trusted(site: Site, web: Web) -> None:
    web.publish_did()
    with pytest.raises(UntrustworthyIssuer, match="no key for making statements"):
        await trust_did(site, web, LABEL_DID)


async def test_trusting_by_address_replaces_the_did_and_the_other_way_round(site: Site, web: Web, label: Coop) -> None:
    web.publish_did(label.signer)
    await trust_did(site, web, LABEL_DID)
    plain = TrustedIssuer(issuer=LABEL, name="By address", types=TYPES)
    with site.parts.work.write() as stores:
        stores.save_issuer("main", plain, now=site.clock())
    await trust_did(site, web, LABEL_DID)
    with site.parts.work.read() as stores:
        assert [each.did for each in stores.load_stated("main")] == [None, LABEL_DID]


async def test_a_list_opens_a_gate_to_its_members_until_it_ends(site: Site, web: Web, gate: Gate, label: Coop) -> None:
    web.publish_list(a_list(site, label))
    assert (await follow(site, web)).name == "Federation"
    assert await answer(site, gate, label) == "taken"
    assert await answer(site, gate, replace(label, signer=LocalSigner.generate())) == "bad_signature"
    site.clock.pass_time(minutes=4)
    assert await answer(site, gate, label) == "trust_expired"
    assert await answer(site, gate, site.coop) == "taken"


async def test_a_member_that_is_struck_out_opens_nothing_more_and_nobody_brings_it_back(
    site: Site, web: Web, gate: Gate, label: Coop
) -> None:
    web.publish_list(a_list(site, label))
    await follow(site, web)
    old = web.pages[LIST]
    web.publish_list(a_list(site, site.coop, version=2))
    assert await refresh(site, web) == (Refreshed(name=LIST),)
    assert await answer(site, gate, label) == "untrusted_issuer"
    web.pages[LIST] = old
    (result,) = await refresh(site, web)
    assert isinstance(result.error, CoopListRolledBack)
    with pytest.raises(CoopListRolledBack):
        await follow(site, web)
    assert await answer(site, gate, label) == "untrusted_issuer"


@pytest.mark.parametrize("page", [None, b"x.y.z", b"\xff\xfe", b"<html>"], ids=["gone", "dots", "bytes", "page"])
async def test_a_list_that_cannot_be_read_changes_nothing(
    site: Site, web: Web, gate: Gate, label: Coop, page: bytes | None
) -> None:
    web.publish_list(a_list(site, label))
    await follow(site, web)
    web.pages = {} if page is None else {LIST: page}
    (result,) = await refresh(site, web)
    assert isinstance(result.error, HandstampError)
    assert await answer(site, gate, label) == "taken"


async def test_a_list_by_another_publisher_takes_nothing_over(site: Site, web: Web, gate: Gate, label: Coop) -> None:
    web.publish_list(a_list(site, label))
    await follow(site, web)
    thief = Coop(signer=LocalSigner.generate(), x5c=label.x5c, clock=site.clock, url=LABEL)
    web.publish_list(a_list(site, thief, version=9), LocalSigner.generate())
    (result,) = await refresh(site, web)
    assert isinstance(result.error, CoopListRefused)
    assert await answer(site, gate, label) == "taken"


async def test_what_the_site_says_itself_counts_before_any_list(site: Site, web: Web, gate: Gate) -> None:
    thief = Coop(signer=LocalSigner.generate(), x5c=site.coop.x5c, clock=site.clock, url=COOP)
    web.publish_list(a_list(site, thief))
    await follow(site, web)
    with site.parts.work.read() as stores:
        assert stores.load_policy("main").issuer_for(COOP).anchors == (site.authority.pem,)
    assert await answer(site, gate, site.coop) == "taken"


async def test_a_member_that_the_site_distrusts_stays_out_whatever_the_list_says(
    site: Site, web: Web, gate: Gate, label: Coop
) -> None:
    web.publish_list(a_list(site, label))
    await follow(site, web)
    distrust_issuer(site.parts.work, LABEL, party=site.parts.party, now=site.clock())
    assert await answer(site, gate, label) == "untrusted_issuer"
    web.publish_list(a_list(site, label, version=2))
    await refresh(site, web)
    assert await answer(site, gate, label) == "untrusted_issuer"
    with pytest.raises(IssuerNotTrusted):
        distrust_issuer(site.parts.work, LABEL, party=site.parts.party, now=site.clock())


async def test_a_list_that_is_left_takes_its_members_with_it(site: Site, web: Web, gate: Gate, label: Coop) -> None:
    web.publish_list(a_list(site, label))
    await follow(site, web)
    await follow(site, web)
    leave_list(site.parts.work, LIST, party=site.parts.party)
    assert await answer(site, gate, label) == "untrusted_issuer"
    with pytest.raises(ListNotFollowed):
        leave_list(site.parts.work, LIST, party=site.parts.party)


async def test_what_changed_while_an_answer_travelled_stays_changed(site: Site, web: Web, label: Coop) -> None:
    web.publish_list(a_list(site, label))
    web.publish_did(label.signer)
    await follow(site, web)
    await trust_did(site, web, LABEL_DID)
    web.publish_list(a_list(site, label, version=2))
    web.publish_did(LocalSigner.generate())
    handle = web.handle

    def leave_meanwhile(request: httpx.Request) -> httpx.Response:
        with site.parts.work.write() as stores:
            stores.remove_subscription("main", LIST)
            stores.remove_issuer("main", LABEL_DID)
        return handle(request)

    web.handle = leave_meanwhile  # type: ignore[method-assign]
    await refresh(site, web)
    with site.parts.work.read() as stores:
        assert stores.load_subscriptions("main") == ()
        with pytest.raises(UntrustedIssuer):
            stores.load_policy("main").issuer_for(LABEL)
