"""A pass for a door without a network: drawn by our wallet, judged by our door, known again at no other."""

from dataclasses import replace

import pytest

from credentials.door_pass import Limit, Poster, PosterUntrusted, parse_door_pass, sign_poster
from credentials.errors import HandstampError, Malformed
from credentials.keys.signer import LocalSigner
from plumbing.fetch import FetchFailed
from schemas import RELEASE_OWNERSHIP
from tests.issuer.conftest import RELEASE
from tests.support.hostile_site import GATE, HostileSite
from tests.support.outside import Authority, Outside
from tests.support.street import Shop, Street, owns_track
from verifier.doors import Admitted, UsedBefore
from verifier.forms import Form
from verifier.gates import Gate
from verifier.limits import Monthly, OnceEver
from verifier.proofs import AllOf, MemberOf, OwnsRelease
from verifier.service import build_request
from wallet.doors import NotADoor
from wallet.errors import NotForThisGate, SiteRefused
from wallet.formats import build_state, parse_state
from wallet.linked import LinkedKind
from wallet.ports import Tools
from wallet.refused import NumberLost, ProofEnded
from wallet.service.draw_pass import draw_pass, keep_drawn, know_door, prepare_pass, read_poster
from wallet.state import Wallet


async def drawn_at(street: Street, shop: Shop, gate: Gate) -> str:
    door = await know_door(shop.url(gate), tools=street.tools)
    return draw_pass(prepare_pass(door, tools=street.tools), tools=street.tools).text


async def test_a_door_is_learned_once_and_opens_without_a_network_from_then_on(street: Street, shop: Shop) -> None:
    gate = shop.gate(limit=OnceEver())
    await know_door(shop.url(gate), tools=street.tools)
    street.sent.clear()
    text = await drawn_at(street, shop, gate)
    assert street.sent == []
    assert len(text) <= 750  # of 500 bytes, which a code of version 15 holds
    assert shop.judge(gate, text) == Admitted()
    assert isinstance(shop.judge(gate, await drawn_at(street, shop, gate)), UsedBefore)
    assert parse_state(build_state(street.wallet)) == street.wallet


async def test_the_door_knows_again_whom_its_gate_let_in_online(street: Street, shop: Shop) -> None:
    gate = shop.gate(owns_track(), limit=OnceEver())
    await street.visit(shop, gate)
    assert isinstance(shop.judge(gate, await drawn_at(street, shop, gate)), UsedBefore)


async def test_a_door_without_a_limit_sees_another_number_in_every_half_minute(street: Street, shop: Shop) -> None:
    gate = shop.gate()
    ready = prepare_pass(await know_door(shop.url(gate), tools=street.tools), tools=street.tools)
    assert (ready.remembered, len(ready.learned)) == (None, 1)
    first = draw_pass(ready, tools=street.tools)
    assert shop.judge(gate, first.text) == Admitted()
    street.coop.now = first.until
    second = draw_pass(ready, tools=street.tools)
    assert shop.judge(gate, second.text) == Admitted()
    assert parse_door_pass(first.text).pseudonym != parse_door_pass(second.text).pseudonym


async def test_a_pass_for_a_monthly_door_says_so(street: Street, shop: Shop) -> None:
    ready = prepare_pass(
        await know_door(shop.url(shop.gate(limit=Monthly(times=2))), tools=street.tools), tools=street.tools
    )
    assert ready.door.limit is Limit.MONTH
    assert ready.learned[-1][1].startswith("the same in November 2026, another one afterwards")


async def test_a_pass_names_the_device_that_the_door_shows(street: Street, shop: Shop) -> None:
    gate = shop.gate()
    ready = prepare_pass(await know_door(shop.url(gate), tools=street.tools), tools=street.tools)
    text = draw_pass(ready, tools=street.tools, device="left door").text
    assert shop.judge(gate, text, "left door") == Admitted()
    with pytest.raises(HandstampError):
        shop.judge(gate, text, "right door")
    for device in ("", "x" * 33):
        with pytest.raises(Malformed, match="1 to 32 bytes"):
            draw_pass(ready, tools=street.tools, device=device)


async def test_the_next_time_the_listener_reads_that_the_door_knows_them(street: Street, shop: Shop) -> None:
    door = await know_door(shop.url(shop.gate(limit=OnceEver())), tools=street.tools)
    ready = prepare_pass(door, tools=street.tools)
    assert ready.warnings == ()
    keep_drawn(ready, tools=street.tools)
    assert prepare_pass(door, tools=street.tools).warnings == (
        "You gave your number for this door before, on 21 November 2026: it may not open again.",
    )


# Posters.


async def test_a_poster_is_believed_without_a_network_where_its_site_is_known(street: Street, shop: Shop) -> None:
    await know_door(shop.url(shop.gate()), tools=street.tools)
    gate = shop.gate(limit=OnceEver(), title="The Cellar")
    street.sent.clear()
    door = await read_poster(["https://elsewhere.example", shop.poster_of(gate)], tools=street.tools)
    assert street.sent == []
    assert (door.name, door.gate, door.limit) == ("The Cellar", shop.url(gate), Limit.EVER)
    assert shop.judge(gate, draw_pass(prepare_pass(door, tools=street.tools), tools=street.tools).text) == Admitted()


async def test_the_first_poster_of_a_site_asks_the_site_for_its_key(street: Street, shop: Shop) -> None:
    gate = shop.gate(title="The Cellar")
    door = await read_poster([shop.poster_of(gate)], tools=street.tools)
    assert {request.headers["Host"] for request in street.sent} == {shop.host}
    assert street.wallet.doors == (door,)


@pytest.mark.parametrize("known", [False, True])
async def test_a_poster_that_another_key_signed_is_refused(street: Street, shop: Shop, *, known: bool) -> None:
    """Whoever hangs it over the right one would otherwise collect numbers for another's gate."""
    gate = shop.gate()
    if known:
        await know_door(shop.url(gate), tools=street.tools)
    forged = sign_poster(
        Poster(
            gate=shop.url(gate),
            name="Come in",
            accepts=((RELEASE_OWNERSHIP.vct, ()),),
            limit=Limit.EVER,
            issued_at=street.now(),
            expires_at=street.now().replace(year=2027),
        ),
        LocalSigner.generate(),
    )
    with pytest.raises(PosterUntrusted):
        await read_poster([forged], tools=street.tools)
    assert all(door.name != "Come in" for door in street.wallet.doors)


@pytest.mark.parametrize(("known", "refusal"), [(False, FetchFailed), (True, PosterUntrusted)])
async def test_without_a_network_a_poster_of_a_key_that_is_not_known_is_not_believed(
    street: Street, shop: Shop, monkeypatch: pytest.MonkeyPatch, known: bool, refusal: type[HandstampError]
) -> None:
    gate = shop.gate()
    text = shop.poster_of(gate)
    if known:
        door = await know_door(shop.url(gate), tools=street.tools)
        other = replace(door, site_key=LocalSigner.generate().public_key.multikey)
        street.memory.change(lambda wallet: (wallet.with_door(other), None))
    monkeypatch.delitem(street.shops, shop.host)
    with pytest.raises(refusal):
        await read_poster([text], tools=street.tools)


async def test_a_site_with_a_new_key_is_asked_for_it_once(street: Street, shop: Shop) -> None:
    gate = shop.gate(title="The Cellar")
    door = await know_door(shop.url(gate), tools=street.tools)
    old = replace(door, site_key=LocalSigner.generate().public_key.multikey)
    street.memory.change(lambda wallet: (wallet.with_door(old), None))
    assert (await read_poster([shop.poster_of(gate)], tools=street.tools)).site_key == door.site_key


async def test_a_picture_without_a_poster_is_refused(street: Street) -> None:
    with pytest.raises(Malformed):
        await read_poster(["https://elsewhere.example"], tools=street.tools)


# What is no door, or opens none.


async def test_a_gate_that_wants_several_things_is_no_door(street: Street, shop: Shop) -> None:
    wanted = AllOf(proofs=(OwnsRelease(release_id=RELEASE), MemberOf.parse("http://coop.localhost:8701", name="Coop")))
    with pytest.raises(NotADoor, match="several things at once"):
        await know_door(shop.url(shop.gate(wanted)), tools=street.tools)


async def test_a_gate_that_takes_stamps_only_is_no_door(
    street: Street, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_request, "forms_of", lambda *_: (Form.SD_JWT,))
    with pytest.raises(NotADoor, match="nothing that a pass can say"):
        await know_door(shop.url(shop.gate()), tools=street.tools)


async def test_no_number_is_made_for_more_than_one_door(
    street: Street, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_request, "nym_domain", lambda *_, **__: "http://artist.localhost:8703/all-our-gates")
    with pytest.raises(NotADoor, match="not for this gate alone"):
        await know_door(shop.url(shop.gate(limit=OnceEver())), tools=street.tools)
    assert street.wallet.doors == ()


async def test_a_site_that_shows_the_question_of_another_teaches_no_door(
    street: Street, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = street.shops.get("record.localhost:8704") or await street.open_shop("record", 8704)
    gate = other.gate()
    asked = shop.gate()
    real = street.shops[shop.host]
    monkeypatch.setitem(street.shops, shop.host, replace(real, app=other.app))
    with pytest.raises(SiteRefused):
        await know_door(shop.url(replace(asked, gate_id=gate.gate_id)), tools=street.tools)
    assert street.wallet.doors == ()


async def test_a_question_whose_answer_goes_to_another_address_teaches_no_door(
    tools: Tools, outside: Outside, authority: Authority
) -> None:
    site = HostileSite.open(outside, authority)
    site.changes = {"response_uri": "http://artist.localhost:8704/responses/r"}
    with pytest.raises(SiteRefused, match="asks in the name of"):
        await know_door(GATE, tools=tools)


async def test_what_is_not_owned_opens_no_door(street: Street, shop: Shop) -> None:
    door = await know_door(shop.url(shop.gate(OwnsRelease(release_id="another"))), tools=street.tools)
    with pytest.raises(NotForThisGate, match="not received here"):
        prepare_pass(door, tools=street.tools)


async def test_what_came_without_a_pass_opens_no_door(street: Street, shop: Shop) -> None:
    def cut(wallet: Wallet) -> tuple[Wallet, None]:
        for copy in wallet.copies:
            wallet = wallet.replacing(
                replace(copy, linked=tuple(each for each in copy.linked if each.kind is not LinkedKind.DOOR))
            )
        return replace(wallet, supplies=()), None

    street.memory.change(cut)
    door = await know_door(shop.url(shop.gate()), tools=street.tools)
    with pytest.raises(NotForThisGate, match="has handed out no door pass"):
        prepare_pass(door, tools=street.tools)


async def test_a_pass_ends_with_its_month(street: Street, shop: Shop) -> None:
    door = await know_door(shop.url(shop.gate()), tools=street.tools)
    ready = prepare_pass(door, tools=street.tools)
    street.coop.wait(days=25)
    with pytest.raises(ProofEnded):
        draw_pass(ready, tools=street.tools)
    with pytest.raises(ProofEnded, match="renew --now"):
        prepare_pass(door, tools=street.tools)


async def test_a_wallet_without_its_secret_draws_no_pass(street: Street, shop: Shop) -> None:
    door = await know_door(shop.url(shop.gate()), tools=street.tools)
    street.memory.change(lambda wallet: (replace(wallet, nyms=()), None))
    with pytest.raises(NumberLost):
        prepare_pass(door, tools=street.tools)
