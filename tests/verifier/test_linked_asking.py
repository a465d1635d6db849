"""In which forms a gate asks, and what it says of it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from credentials.protocols.openid4vp import Prefix
from credentials.protocols.openid4vp.metadata import OUR_WALLET
from credentials.trust import TrustedIssuer, TrustPolicy
from schemas import RELEASE_OWNERSHIP
from tests.verifier.conftest import (
    PAGE,
    RELEASE,
    TRACK,
    Site,
    make_gate,
)
from tests.verifier.linked import LinkedCoop, trust
from tests.verifier.showing import asked_at, counts, shown_at
from verifier.forms import Form, forms_of
from verifier.gates import Counting, Gate
from verifier.limits import Monthly, OnceEver
from verifier.proofs import OwnsRelease, OwnsTrack


@pytest.fixture
def linked(site: Site) -> LinkedCoop:
    return trust(site, LinkedCoop())


@pytest.mark.usefixtures("linked")
async def test_an_unlimited_gate_asks_for_the_most_private_form_first(site: Site, track_gate: Gate) -> None:
    _, request = await asked_at(site, track_gate)
    (group,) = request.dcql.credential_sets
    assert [each for (each,) in group.options] == [
        *("track-bbs", "release-bbs", "track-vp", "release-vp", "track", "release")
    ]
    bound = {each.id: each.require_cryptographic_holder_binding for each in request.dcql.credentials}
    assert bound == {"track-bbs": False, "release-bbs": False, "track-vp": True, "release-vp": True} | {
        "track": True,
        "release": True,
    }
    assert request.nym_domains == {}
    assert request.client_metadata.takes_suite("bbs-2023")


async def test_a_limited_gate_asks_for_pseudonyms_of_its_own_and_of_nothing_else(site: Site) -> None:
    track = OwnsTrack(track_id=TRACK, release_id=RELEASE)
    once, monthly = counts(site, OnceEver(), track), counts(site, Monthly(times=2), track)
    _, request = await asked_at(site, once)
    address = f"http://artist.localhost:8703/gates/{once.gate_id}"
    assert dict(request.nym_domains) == {"track-nym": address, "release-nym": address}
    assert {each.id for each in request.dcql.credentials} == {"track-nym", "release-nym"}
    assert not request.client_metadata.takes_sd_jwt
    _, request = await asked_at(site, monthly)
    assert set(request.nym_domains.values()) == {
        f"http://artist.localhost:8703/gates/{monthly.gate_id}#{site.clock():%Y-%m}"
    }


@pytest.mark.usefixtures("linked")
async def test_a_limited_gate_takes_numbers_of_copies_only_if_its_owner_allows_other_wallets(site: Site) -> None:
    track = OwnsTrack(track_id=TRACK, release_id=RELEASE)
    _, request = await asked_at(site, counts(site, OnceEver(), track, others=True))
    (group,) = request.dcql.credential_sets
    assert [each for (each,) in group.options] == ["track-nym", "release-nym", "track"]
    gate = counts(site, OnceEver())
    with site.parts.work.read() as stores:
        assert stores.load_gate(gate.gate_id) == gate


async def test_a_wallet_without_linked_credentials_is_told_so_before_a_gate_that_takes_nothing_else(site: Site) -> None:
    visitor = await site.visitor().start(counts(site, OnceEver()))
    request = await visitor.fetch_request()
    url = request.response_uri.replace("/responses/", "/requests/")
    for formats, status in (({"dc+sd-jwt": {}}, 400), (OUR_WALLET["vp_formats_supported"], 200)):
        said = {"vp_formats_supported": formats, "client_id_prefixes_supported": ["x509_san_dns"]}
        reply = await visitor.http.post(url, data={"wallet_metadata": json.dumps(said)})
        assert reply.status_code == status
    assert "ldp_vc" not in reply.text


async def test_a_site_that_knows_no_key_for_proofs_does_not_ask_for_them(site: Site, gate: Gate) -> None:
    _, request = await asked_at(site, gate)
    assert [each.id for each in request.dcql.credentials] == ["release"]
    assert not request.client_metadata.takes_suite("bbs-2023")
    _, request = await asked_at(site, counts(site, OnceEver(), others=True))
    assert [each.id for each in request.dcql.credentials] == ["release"]
    _, request = await asked_at(site, counts(site, OnceEver()))
    assert [each.id for each in request.dcql.credentials] == ["release-nym"]


async def test_a_site_that_can_check_the_proofs_of_some_co_ops_only_names_them(
    site: Site, gate: Gate, linked: LinkedCoop
) -> None:
    other = TrustedIssuer(
        issuer="http://neighbour.localhost:8701", name="N", anchors=(b"pem",), types=frozenset({RELEASE_OWNERSHIP.vct})
    )
    with site.parts.work.write() as stores:
        stores.save_issuer("main", other, now=site.clock())
    _, request = await asked_at(site, gate)
    asked = {each.id: [claim.path[0] for claim in each.claims] for each in request.dcql.credentials}
    subject = "credentialSubject"
    assert asked == {"release-bbs": [subject, "issuer"], "release-vp": [subject], "release": ["release"]}
    query = request.dcql.find("release-bbs")
    assert query is not None
    assert query.claims[1].values == (linked.did,)
    base = linked.baseline(site.clock())
    assert await shown_at(site, gate, base, "release-bbs", selective=["/credentialSubject/release"]) == "open"


async def test_a_page_says_that_its_number_is_used_here_only_and_warns_only_where_copies_have_numbers(
    site: Site, gate: Gate
) -> None:
    http = site.visitor().http
    texts = [
        (await http.get(f"/gates/{each.gate_id}", headers=PAGE)).text
        for each in (counts(site, OnceEver()), counts(site, OnceEver(), others=True), gate)
    ]
    assert ["only ever used here" in text for text in texts] == [True, True, False]
    assert ["by which other gates could recognise you" in text for text in texts] == [False, True, False]
    assert ["a number for each gate alone" in text for text in texts] == [True, False, False]


async def test_a_site_that_proves_no_host_asks_for_no_linked_credential(site: Site) -> None:
    party = replace(site.parts.party, prefix=Prefix.REDIRECT_URI)
    for limit in (None, OnceEver()):
        gate = make_gate(OwnsRelease(release_id=RELEASE), clock=site.clock)
        if limit is not None:
            gate = replace(gate, counting=Counting(limit=limit, key=bytes(32)))
        assert forms_of(gate, party, TrustPolicy((LinkedCoop().trusted(),))) == (Form.SD_JWT,)
