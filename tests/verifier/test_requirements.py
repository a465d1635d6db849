"""Any of, all of: what a gate asks, and what answers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from credentials.errors import Malformed
from credentials.keys.signer import LocalSigner
from credentials.protocols.openid4vp import AuthorizationRequest, AuthorizationResponse
from credentials.trust import TrustedIssuer
from schemas import (
    ALL,
    CONTRIBUTION,
    COOP_MEMBERSHIP,
    RELEASE_OWNERSHIP,
    TRACK_OWNERSHIP,
    VERIFIED_ARTIST,
    CredentialType,
)
from tests.verifier.conftest import COOP, OTHER_RELEASE, RELEASE, TRACK, Coop, Site, Visitor, make_gate
from verifier.proofs import (
    MAX_PROOFS,
    AllOf,
    AnyOf,
    Contributed,
    MemberOf,
    OwnsRelease,
    OwnsTrack,
    Proof,
    Requirement,
    SpeaksFor,
    combine,
)
from verifier.requirements import build_asked

if TYPE_CHECKING:
    from verifier.gates import Gate

PERSONA = "6a1f5c3e-8b7d-4c2a-9e10-4f5d6c7b8a90"
OWNER = OwnsRelease(release_id=RELEASE)
OWNER_OF_TRACK = OwnsTrack(track_id=TRACK, release_id=RELEASE)
MEMBER = MemberOf(coop=COOP, name="Sound Commons")
ARTIST = SpeaksFor(persona=PERSONA, name="The Long Way Home")
HELPER = Contributed(coop=COOP, name="Sound Commons", contribution="translation")
PROVES: dict[str, tuple[CredentialType, dict[str, str]]] = {
    "release": (RELEASE_OWNERSHIP, {"release": RELEASE}),
    "track": (TRACK_OWNERSHIP, {"track": TRACK}),
    "membership": (COOP_MEMBERSHIP, {"coop": COOP, "standing": "good"}),
    "artist": (VERIFIED_ARTIST, {"persona": PERSONA}),
    "contribution": (CONTRIBUTION, {"coop": COOP, "contribution": "translation"}),
}


def shown(visitor: Visitor, request: AuthorizationRequest, query: str, by: Coop, claims: dict[str, Any]) -> str:
    """Present what answers one query, disclosing what it asks."""
    kind, proven = PROVES[query]
    asked = request.dcql.find(query)
    assert asked is not None
    holder = LocalSigner.generate()
    credential = by.issue(holder, kind.vct, **(proven | claims))
    disclose = tuple(str(claim.path[0]) for claim in asked.claims)
    return visitor.present(request, credential=credential, disclose=disclose, signer=holder)


async def answered(
    site: Site, gate: Gate, *queries: str, by: Coop | None = None, **claims: Any
) -> tuple[int, str | None]:
    visitor = await site.visitor().start(gate)
    request = await visitor.fetch_request("cross_device")
    token = {query: (shown(visitor, request, query, by or visitor.coop, claims),) for query in queries}
    reply = await visitor.send(request, AuthorizationResponse(vp_token=token, state=request.state).to_form())
    return reply.status_code, reply.json().get("code")


def gate_for(site: Site, requirement: Requirement) -> Gate:
    return site.save_gate(make_gate(requirement, clock=site.clock))


@pytest.mark.parametrize(
    ("proof", "query"), [(OWNER, "release"), (MEMBER, "membership"), (ARTIST, "artist"), (HELPER, "contribution")]
)
async def test_each_proof_opens_a_gate_of_its_own(site: Site, proof: Proof, query: str) -> None:
    assert await answered(site, gate_for(site, proof), query) == (200, None)


async def test_any_of_several_opens_to_each_of_them(site: Site) -> None:
    gate = gate_for(site, AnyOf(proofs=(OWNER_OF_TRACK, MEMBER)))
    for query in ("track", "release", "membership"):
        assert await answered(site, gate, query) == (200, None)


async def test_all_of_several_opens_to_nothing_less(site: Site) -> None:
    gate = gate_for(site, AllOf(proofs=(OWNER_OF_TRACK, MEMBER)))
    assert await answered(site, gate, "release", "membership") == (200, None)
    assert await answered(site, gate, "release") == (400, "missing_answer")
    assert await answered(site, gate, "membership") == (400, "missing_answer")


@pytest.mark.parametrize(
    ("proof", "query", "claims"),
    [
        (MEMBER, "membership", {"standing": "suspended"}),
        (MEMBER, "membership", {"coop": "https://other.example"}),
        (MemberOf(coop=COOP, name="x", over16=True), "membership", {"over16": "false"}),
        (MemberOf(coop=COOP, name="x", over16=True), "membership", {"over16": "none"}),
        (MemberOf(coop=COOP, name="x", share_class="artist"), "membership", {"shareClass": "listener"}),
        (ARTIST, "artist", {"persona": OTHER_RELEASE}),
        (HELPER, "contribution", {"contribution": "code"}),
    ],
)
async def test_what_is_not_quite_what_was_asked_opens_nothing(
    site: Site, proof: Proof, query: str, claims: dict[str, Any]
) -> None:
    assert await answered(site, gate_for(site, proof), query, **claims) == (400, "wrong_claim_value")


@pytest.mark.parametrize(("proof", "query"), [(MEMBER, "membership"), (HELPER, "contribution")])
async def test_no_co_op_speaks_for_the_members_of_another(site: Site, proof: Proof, query: str) -> None:
    signer, chain = site.authority.certify("neighbour.localhost")
    neighbour = Coop(signer=signer, x5c=chain.x5c(), clock=site.clock, url="http://neighbour.localhost:8709")
    trusted = TrustedIssuer(
        issuer=neighbour.url,
        name="Next Door",
        anchors=(site.authority.pem,),
        types=frozenset(each.vct for each in ALL),
    )
    with site.parts.work.write() as stores:
        stores.save_issuer("main", trusted, now=site.clock())
    refused = await answered(site, gate_for(site, proof), query, by=neighbour)
    assert refused == (400, "wrong_issuer_for_claim")


async def test_every_requirement_is_kept_as_it_was_made(site: Site) -> None:
    whole = MemberOf(coop=COOP, name="Sound Commons", over16=True, share_class="artist")
    for requirement in (OWNER, OWNER_OF_TRACK, AnyOf(proofs=(OWNER, whole)), AllOf(proofs=(ARTIST, HELPER))):
        gate = gate_for(site, requirement)
        with site.parts.work.read() as stores:
            assert stores.load_gate(gate.gate_id) == gate


async def test_a_gate_made_before_there_was_anything_else_to_ask_asks_what_it_asked(site: Site) -> None:
    for requirement in (OWNER, OWNER_OF_TRACK):
        gate = gate_for(site, requirement)
        with site.database.write() as session:
            forgetting = text("UPDATE gates SET proofs = NULL WHERE gate_id = :gate")
            session.connection().execute(forgetting, {"gate": gate.gate_id})
        with site.parts.work.read() as stores:
            assert stores.load_gate(gate.gate_id) == gate


def test_a_query_asks_for_what_decides_and_for_nothing_else() -> None:
    query = build_asked(MemberOf(coop=COOP, name="x", over16=True, share_class="artist"), counting=False).query
    (asked,) = query.credentials
    assert [(claim.path, claim.values) for claim in asked.claims] == [
        (("coop",), (COOP,)),
        (("standing",), ("good",)),
        (("over16",), ("true",)),
        (("shareClass",), ("artist",)),
    ]


def test_two_ways_in_through_one_credential_ask_for_it_once() -> None:
    other = OwnsTrack(track_id=OTHER_RELEASE, release_id=RELEASE)
    query = build_asked(AnyOf(proofs=(OWNER_OF_TRACK, other)), counting=False).query
    assert [each.id for each in query.credentials] == ["track", "release", "track-2"]
    assert [group.options for group in query.credential_sets] == [(("track",), ("release",), ("track-2",))]


def test_where_all_is_needed_each_is_counted() -> None:
    asked = build_asked(AllOf(proofs=(MEMBER, OWNER, OWNER_OF_TRACK)), counting=True)
    assert asked.counted == {"membership": "membership", "release": "copy", "track": "copy"}
    assert asked.query.credential_sets == ()


def test_where_any_will_do_each_way_in_is_counted() -> None:
    asked = build_asked(AnyOf(proofs=(MEMBER, OWNER_OF_TRACK)), counting=True)
    # The release that holds the track is no way in of its own: its owner has a copy of the track too.
    assert asked.counted == {"membership": "membership", "track": "copy"}
    assert build_asked(AnyOf(proofs=(OWNER, OWNER_OF_TRACK)), counting=True).counted == {"track": "copy"}


@pytest.mark.parametrize("count", [0, MAX_PROOFS + 1])
def test_a_gate_names_a_handful_of_things(count: int) -> None:
    with pytest.raises(Malformed):
        combine([OWNER] * count, need_all=False)
