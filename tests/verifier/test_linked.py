"""Linked credentials at the gates: plain ones where nothing is counted, pseudonyms where something is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from credentials.data_integrity import bbs_2023, eddsa_rdfc_2022
from credentials.data_integrity.bbs_2023_values import DerivedValue
from credentials.dids.did_key import build_did_key
from credentials.encoding import base64url
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.linked_credential import build_public_credential
from credentials.months import start_of_month
from schemas import RELEASE_OWNERSHIP, TRACK_OWNERSHIP, VERIFIED_ARTIST
from tests.verifier.conftest import (
    JSON,
    OTHER_RELEASE,
    RELEASE,
    TRACK,
    Site,
    make_gate,
    response_code_of,
)
from tests.verifier.linked import LinkedCoop, NymHolder, answer_form, derive, present, trust
from tests.verifier.showing import asked_at, counts, shown_at
from tests.verifier.test_limits import at_once
from verifier.limits import Monthly, OnceEver
from verifier.proofs import AllOf, AnyOf, OwnsRelease, OwnsTrack, SpeaksFor
from verifier.service.build_request import OpenRequest, describe_request
from verifier.service.complete_return import complete_return
from verifier.service.start_visit import start_visit
from verifier.service.take_answer import AnswerFailed, AnswerTaken, take_answer

if TYPE_CHECKING:
    from verifier.gates import Gate

CROWD = 50


@pytest.fixture
def linked(site: Site) -> LinkedCoop:
    return trust(site, LinkedCoop())


@pytest.fixture
def holder(linked: LinkedCoop) -> NymHolder:
    return NymHolder(linked)


# What opens.


async def test_a_plain_proof_opens_a_gate_as_often_as_one_likes(site: Site, gate: Gate, linked: LinkedCoop) -> None:
    base = linked.baseline(site.clock())
    assert [await shown_at(site, gate, base, "release-bbs") for _ in range(2)] == ["open", "open"]


async def test_a_track_opens_by_its_own_proof_or_that_of_its_release(
    site: Site, track_gate: Gate, linked: LinkedCoop
) -> None:
    track = linked.baseline(site.clock(), TRACK_OWNERSHIP, track=TRACK)
    assert await shown_at(site, track_gate, track, "track-bbs") == "open"
    assert await shown_at(site, track_gate, linked.baseline(site.clock()), "release-bbs") == "open"
    other = linked.baseline(site.clock(), release=OTHER_RELEASE)
    assert await shown_at(site, track_gate, other, "release-bbs") == "wrong_claim_value"


async def test_a_pseudonym_opens_a_once_gate_once_and_the_next_gate_again(site: Site, holder: NymHolder) -> None:
    gate, base = counts(site, OnceEver()), holder.receive(site.clock())
    assert [await shown_at(site, gate, base, "release-nym") for _ in range(2)] == ["open", "already_used"]
    assert await shown_at(site, counts(site, OnceEver()), base, "release-nym") == "open"
    other = NymHolder(holder.coop).receive(site.clock())
    assert await shown_at(site, gate, other, "release-nym") == "open"


async def test_a_renewed_credential_has_the_pseudonym_that_was_counted(site: Site, holder: NymHolder) -> None:
    gate = counts(site, OnceEver())
    assert await shown_at(site, gate, holder.receive(site.clock()), "release-nym") == "open"
    assert await shown_at(site, gate, holder.receive(site.clock()), "release-nym") == "already_used"


async def test_a_release_and_its_track_pass_a_limited_gate_once_together(site: Site, holder: NymHolder) -> None:
    track = holder.receive(site.clock(), TRACK_OWNERSHIP, track=TRACK)
    release = holder.receive(site.clock())
    either = AnyOf(proofs=(OwnsRelease(release_id=RELEASE), OwnsTrack(track_id=TRACK, release_id=RELEASE)))
    for requirement in (OwnsTrack(track_id=TRACK, release_id=RELEASE), either):
        gate = counts(site, OnceEver(), requirement)
        assert await shown_at(site, gate, release, "release-nym") == "open"
        assert await shown_at(site, gate, track, "track-nym") == "already_used"


async def test_two_proofs_of_one_pseudonym_are_counted_once(site: Site, holder: NymHolder) -> None:
    parts = [OwnsTrack(track_id=track, release_id=RELEASE) for track in (TRACK, OTHER_RELEASE)]
    gate = counts(site, OnceEver(), AllOf(proofs=tuple(parts)))
    visitor, request = await asked_at(site, gate)
    shown = {
        query_id: derive(holder.receive(site.clock(), TRACK_OWNERSHIP, track=track), request, query_id)
        for query_id, track in (("track-nym", TRACK), ("track-2-nym", OTHER_RELEASE))
    }
    reply = await visitor.send(request, answer_form(request, **shown))
    assert reply.status_code == 200, reply.text
    back = await visitor.http.get(reply.json()["redirect_uri"], headers=JSON)
    assert back.status_code == 200


async def test_fifty_simultaneous_answers_of_one_pseudonym_open_a_once_gate_once(site: Site, holder: NymHolder) -> None:
    once, base, now = counts(site, OnceEver()), holder.receive(site.clock()), site.clock()
    visits = [start_visit(site.parts.work, once.gate_id, now=now) for _ in range(CROWD)]
    with site.parts.work.read() as stores:
        policy = stores.load_policy("main")
    asked = [
        OpenRequest(request=started.requests[0], visit=started.visit, gate=started.gate, policy=policy)
        for started in visits
    ]
    requests = [describe_request(each, asking=site.parts.asking(now), now=now) for each in asked]
    forms = [answer_form(request, release_nym=derive(base, request, "release-nym")) for request in requests]

    def answer_and_return(index: int) -> object:
        request_id = asked[index].request.request_id
        taken = take_answer(site.parts.work, request_id, forms[index], party=site.parts.party, now=now)
        if isinstance(taken, AnswerFailed):
            raise taken.error
        assert isinstance(taken, AnswerTaken)
        code = response_code_of(taken.redirect_uri or "")
        return complete_return(site.parts.work, code, cookie_of=lambda _: visits[index].cookie, now=now)

    assert at_once(answer_and_return) == {"Accepted": 1, "already_used": CROWD - 1}


# What opens nothing.


async def test_a_proof_that_was_made_for_another_visit_or_gate_is_refused(
    site: Site, gate: Gate, linked: LinkedCoop
) -> None:
    base = linked.baseline(site.clock())
    _, elsewhere = await asked_at(site, gate)
    for header in (elsewhere.presentation_header, b"", bytes(32)):
        refused = await shown_at(site, gate, base, "release-bbs", presentation_header=header)
        assert refused == "wrong_presentation_header"


async def test_a_pseudonym_of_another_gate_domain_or_month_is_refused(site: Site, holder: NymHolder) -> None:
    gate, base = counts(site, Monthly(times=2)), holder.receive(site.clock())
    own = f"http://artist.localhost:8703/gates/{gate.gate_id}"
    for domain in (own, f"{own}#2026-10", f"{own}/#{site.clock():%Y-%m}", f"{own}x#{site.clock():%Y-%m}", "x"):
        assert await shown_at(site, gate, base, "release-nym", nym_domain=domain) == "wrong_nym_domain"


async def test_pseudonym_and_plain_form_do_not_stand_for_each_other(
    site: Site, gate: Gate, holder: NymHolder, linked: LinkedCoop
) -> None:
    once = counts(site, OnceEver())
    assert await shown_at(site, once, linked.baseline(site.clock()), "release-nym", nym_domain=None) == (
        "missing_pseudonym"
    )
    given = {"nym_domain": "http://artist.localhost:8703/gates/x"}
    assert await shown_at(site, gate, holder.receive(site.clock()), "release-bbs", **given) == "unasked_pseudonym"


async def test_a_proof_under_a_key_that_the_site_does_not_know_is_refused(site: Site, gate: Gate) -> None:
    known = LinkedCoop()
    coop = trust(site, known, bbs_keys={f"{known.did}#another": known.key.public_key})
    assert await shown_at(site, gate, coop.baseline(site.clock()), "release-bbs") == "wrong_issuer_key"


async def test_more_than_was_asked_is_refused(site: Site, gate: Gate, linked: LinkedCoop) -> None:
    more = ["/credentialSubject/release", "/credentialSubject/name"]
    assert await shown_at(site, gate, linked.baseline(site.clock()), "release-bbs", selective=more) == "unasked_claim"
    assert await shown_at(site, gate, linked.baseline(site.clock()), "release-bbs", selective=[]) == "malformed"


async def test_text_where_an_object_is_due_is_refused(site: Site, gate: Gate, linked: LinkedCoop) -> None:
    visitor, request = await asked_at(site, gate)
    form = answer_form(request, release_bbs=visitor.present(request))  # type: ignore[arg-type]
    assert (await visitor.send(request, form)).json()["code"] == "wrong_presentation_form"
    shown = derive(linked.baseline(site.clock()), request, "release-bbs")
    reply = await visitor.send(request, answer_form(request, release=shown))
    assert reply.json()["code"] == "wrong_presentation_form"


# The turn of a month.


def end_of_month(site: Site) -> datetime:
    site.clock.now = datetime(2026, 11, 30, 23, 59, 30, tzinfo=UTC)
    return site.clock.now


async def test_a_pseudonym_of_the_month_before_is_not_counted_in_the_next(site: Site, holder: NymHolder) -> None:
    base = holder.receive(end_of_month(site))
    gate = counts(site, Monthly(times=1))
    visitor, request = await asked_at(site, gate)
    late, late_request = await asked_at(site, gate)
    form = answer_form(request, release_nym=derive(base, request, "release-nym"))
    reply = await visitor.send(request, form)
    assert reply.status_code == 200, reply.text
    late_form = answer_form(late_request, release_nym=derive(base, late_request, "release-nym"))
    site.clock.pass_time(minutes=1)
    back = await visitor.http.get(reply.json()["redirect_uri"], headers=JSON)
    assert (back.status_code, back.json()["code"]) == (409, "month_turned")
    assert (await late.send(late_request, late_form)).json()["code"] == "wrong_nym_domain"
    again = await late.fetch_request()
    assert dict(again.nym_domains) != dict(late_request.nym_domains)
    assert await shown_at(site, gate, base, "release-nym") == "open"


async def test_pseudonyms_are_deleted_when_their_month_ends(site: Site, holder: NymHolder) -> None:
    base = holder.receive(end_of_month(site))
    gate = counts(site, Monthly(times=2))
    visitor, request = await asked_at(site, gate)
    shown = derive(base, request, "release-nym")
    reply = await visitor.send(request, answer_form(request, release_nym=shown))
    assert (await visitor.http.get(reply.json()["redirect_uri"], headers=JSON)).status_code == 200
    value = DerivedValue.parse(shown["proof"]["proofValue"])  # type: ignore[index,call-overload,arg-type]
    assert value.pseudonym is not None
    for written in (value.pseudonym, base64url.encode(value.pseudonym).encode(), value.pseudonym.hex().encode()):
        assert written not in site.dump()
    with site.database.read() as session:
        marks = session.connection().exec_driver_sql("SELECT mark FROM marks").scalars().all()
    assert len(marks) == 1
    site.clock.pass_time(hours=2, minutes=1)  # a clock may be set back, so not at once
    with site.parts.work.write() as stores:
        stores.sweep(now=site.clock())
    site.parts.work.forget_deleted()
    assert marks[0] not in site.dump()


async def test_a_receipt_of_a_proof_holds_the_bare_proof_and_nothing_that_repeats(
    site: Site, holder: NymHolder
) -> None:
    gate, base = counts(site, Monthly(times=2)), holder.receive(site.clock())
    kept = []
    for _ in range(2):
        visitor, request = await asked_at(site, gate)
        shown = derive(base, request, "release-nym")
        reply = await visitor.send(request, answer_form(request, release_nym=shown))
        await visitor.http.get(reply.json()["redirect_uri"], headers=JSON)
        kept.append(DerivedValue.parse(shown["proof"]["proofValue"]).proof)  # type: ignore[index,call-overload,arg-type]
    with site.parts.work.read() as stores:
        receipts = stores.load_receipts(gate.gate_id)
    assert {base64url.decode(each.signed.binding, what="binding") for each in receipts} == set(kept)
    assert {each.signed.holder_key for each in receipts} == {None}
    assert len({each.signed.salt for each in receipts}) == 2


async def test_what_was_shown_at_two_gates_has_nothing_in_common_but_what_all_have(
    site: Site, holder: NymHolder
) -> None:
    base = holder.receive(site.clock())
    values = []
    for _ in range(2):
        _, request = await asked_at(site, counts(site, OnceEver()))
        shown = derive(base, request, "release-nym")
        values.append(DerivedValue.parse(shown["proof"]["proofValue"]))  # type: ignore[index,call-overload,arg-type]
    one, two = values
    assert one.pseudonym != two.pseudonym
    assert (one.label_map, one.selective_indexes) == (two.label_map, two.selective_indexes)
    assert RELEASE_OWNERSHIP.message_count == one.message_count
    assert bbs_2023.SUITE == "bbs-2023"


# Other wallets.


async def test_a_presentation_by_another_wallet_opens_a_gate_without_a_limit(
    site: Site, gate: Gate, linked: LinkedCoop
) -> None:
    visitor, request = await asked_at(site, gate)
    shown = derive(linked.baseline(site.clock()), request, "release-vp", presentation_header=b"")
    reply = await visitor.send(request, answer_form(request, release_vp=present(request, shown)))
    assert reply.status_code == 200, reply.text


async def test_what_is_published_whole_opens_a_gate_to_whom_it_is_about(site: Site) -> None:
    signer, artist = LocalSigner.generate(KeyKind.ED25519), LocalSigner.generate()
    coop = LinkedCoop()
    method = f"{coop.did}#{signer.public_key.multikey}"
    trust(site, coop, public_keys={method: signer.public_key})
    gate = site.save_gate(make_gate(SpeaksFor(persona=OTHER_RELEASE, name="The Long Way Home"), clock=site.clock))
    document = build_public_credential(
        VERIFIED_ARTIST,
        issuer_did=coop.did,
        month_start=start_of_month(site.clock()),
        claims=VERIFIED_ARTIST.example | {"persona": OTHER_RELEASE},
        subject_id=build_did_key(artist.public_key),
    )
    published = eddsa_rdfc_2022.add_proof(document, signer=signer, verification_method=method, created=site.clock())
    words = []
    for shows in (artist, LocalSigner.generate()):
        visitor, request = await asked_at(site, gate)
        shown = present(request, published, signer=shows)
        reply = await visitor.send(request, answer_form(request, artist_vp=shown))
        words.append(reply.json().get("code", "open"))
    assert words == ["open", "not_the_holders"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"challenge": "n" * 43}, "wrong_challenge"), ({"domain": "x509_san_dns:shop.localhost"}, "wrong_domain")],
)
async def test_a_presentation_by_another_wallet_for_another_request_is_refused(
    site: Site, gate: Gate, linked: LinkedCoop, changes: dict[str, str], code: str
) -> None:
    visitor, request = await asked_at(site, gate)
    shown = derive(linked.baseline(site.clock()), request, "release-vp", presentation_header=b"")
    reply = await visitor.send(request, answer_form(request, release_vp=present(request, shown, **changes)))
    assert reply.json()["code"] == code
