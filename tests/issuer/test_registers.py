"""Members, personas, contributions: what the registers keep, and what of it a credential says."""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from credentials.errors import Malformed
from issuer.copies import CopyKind
from issuer.forms import CONFIGURATIONS
from issuer.ledger import KeyReused
from issuer.registers import (
    AlreadyMember,
    Contribution,
    Membership,
    NoSuchMember,
    NoSuchPersona,
    Persona,
    PersonaKind,
    PersonaTaken,
    clean_catalogue,
    over_16,
)
from issuer.service.claims import claims_for
from issuer.service.losses import NoSuchCopy
from issuer.service.registers import add_contribution, add_member, end_artist, end_member, verify_artist
from issuer.service.sweep import sweep
from issuer.store import Store
from schemas import BY_CONFIGURATION
from schemas.types import CATALOGUE_STEP
from tests.issuer.acts import ended_entries, take_back
from tests.issuer.conftest import RELEASE, TRACKS, URL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from issuer.copies import Copy
    from tests.issuer.conftest import Coop, Wallet


def write(coop: Coop, act: Callable[..., Any], *args: Any, **named: Any) -> Any:
    with coop.parts.database.write() as session:
        return act(Store(session), *args, now=coop.now, **named)


def claims(coop: Coop, copy: Copy) -> Mapping[str, str]:
    with coop.parts.database.read() as session:
        said = claims_for(Store(session), copy, coop=URL, now=coop.now)
    kind = copy.kind.credential_type
    assert set(said) == set(kind.claim_names)
    import jsonschema  # noqa: PLC0415

    jsonschema.validate({**BY_CONFIGURATION[kind.configuration_id].example, **said}, kind.json_schema)
    return said


def the_copy(coop: Coop, listener: str, kind: CopyKind) -> Copy:
    (copy,) = (copy for copy in coop.copies(listener) if copy.kind is kind)
    return copy


def persona(listener: str, **changed: Any) -> Persona:
    about: dict[str, Any] = {"id": "", "name": "The Long Way Home", "kind": PersonaKind.ARTIST}
    vouching: dict[str, Any] = {"vouched_by": URL, "vouching": "met in person", "catalogue": (RELEASE,)}
    return Persona(listener=listener, **{**about, **vouching, **changed})


def test_a_member_proves_standing_share_class_and_age_and_never_a_name(coop: Coop) -> None:
    listener = coop.listener(name="Zebulon", birth_date="2010-11-01")
    member = write(coop, add_member, listener=listener, share_class="listener")
    copy = the_copy(coop, listener, CopyKind.MEMBERSHIP)
    assert claims(coop, copy) == {
        "coop": URL,
        "standing": "good",
        "shareClass": "listener",
        "over16": "true",
        "since": "2026",
        "membership": member.number,
    }
    assert copy.id == member.number


@pytest.mark.parametrize(
    ("born", "expected"),
    [
        (None, "none"),
        (date(2010, 11, 1), "true"),
        (date(2010, 11, 2), "false"),
        (date(2010, 10, 31), "true"),
        (date(2008, 2, 29), "true"),
        (date(2020, 1, 1), "false"),
    ],
)
def test_sixteen_is_told_by_the_first_of_the_month(born: date | None, expected: str) -> None:
    for day in (1, 21, 30):
        assert over_16(born, at=datetime(2026, 11, day, tzinfo=UTC)) == expected


def test_adding_a_member_twice_changes_nothing_and_another_class_is_refused(coop: Coop) -> None:
    listener = coop.listener()
    first = write(coop, add_member, listener=listener, share_class="listener")
    assert write(coop, add_member, listener=listener, share_class="listener") == first
    with pytest.raises(AlreadyMember):
        write(coop, add_member, listener=listener, share_class="artist")
    assert len(coop.copies(listener)) == 1


def test_who_comes_back_keeps_the_number_that_gates_count_and_the_year(coop: Coop) -> None:
    listener = coop.listener()
    first = write(coop, add_member, listener=listener, share_class="listener")
    old = the_copy(coop, listener, CopyKind.MEMBERSHIP)
    coop.wait(days=400)
    write(coop, end_member, listener=listener)
    assert coop.copies(listener) == []
    assert ended_entries(coop) == {old.id}
    with pytest.raises(NoSuchMember):
        write(coop, end_member, listener=listener)
    write(coop, add_member, listener=listener, share_class="artist")
    new = the_copy(coop, listener, CopyKind.MEMBERSHIP)
    assert new.id != old.id
    said = claims(coop, new)
    assert (said["membership"], said["since"], said["shareClass"]) == (first.number, "2026", "artist")


def test_a_membership_lapses_by_itself_when_its_time_is_up(coop: Coop) -> None:
    listener = coop.listener()
    ends = coop.now + timedelta(days=30)
    write(coop, add_member, listener=listener, share_class="listener", ends=ends)
    write(coop, sweep)
    assert len(coop.copies(listener)) == 1
    coop.wait(days=30)
    write(coop, sweep)
    assert coop.copies(listener) == []
    assert len(ended_entries(coop)) == 1
    with coop.parts.database.read() as session:
        assert Store(session).members() == []


def test_a_persona_speaks_for_its_catalogue_in_one_length_and_leads_to_no_person(coop: Coop) -> None:
    listener = coop.listener(name="Zebulon")
    made = write(coop, verify_artist, persona(listener), random=secrets.token_bytes)
    said = claims(coop, the_copy(coop, listener, CopyKind.ARTIST))
    assert (said["persona"], said["name"], said["kind"]) == (made.id, "The Long Way Home", "artist")
    assert len(said["catalogue"]) == CATALOGUE_STEP
    assert said["catalogue"].split() == [RELEASE]
    assert "Zebulon" not in str(said) + repr(made)
    assert listener not in str(said) + repr(made)


def test_verifying_a_persona_again_keeps_its_id_and_copy_and_learns_the_new_catalogue(coop: Coop) -> None:
    listener = coop.listener()
    first = write(coop, verify_artist, persona(listener), random=secrets.token_bytes)
    copy = the_copy(coop, listener, CopyKind.ARTIST)
    more = persona(listener, catalogue=clean_catalogue([TRACKS[0], RELEASE.upper(), RELEASE]))
    assert write(coop, verify_artist, more, random=secrets.token_bytes).id == first.id
    assert the_copy(coop, listener, CopyKind.ARTIST) == copy
    assert claims(coop, copy)["catalogue"].split() == sorted([TRACKS[0], RELEASE])
    label = write(coop, verify_artist, persona(listener, kind=PersonaKind.LABEL), random=secrets.token_bytes)
    assert label.id != first.id
    with pytest.raises(PersonaTaken):
        write(coop, verify_artist, persona(coop.listener(), id=first.id), random=secrets.token_bytes)


def test_a_verification_ends_and_may_begin_again_as_another_copy(coop: Coop) -> None:
    listener = coop.listener()
    made = write(coop, verify_artist, persona(listener), random=secrets.token_bytes)
    old = the_copy(coop, listener, CopyKind.ARTIST)
    write(coop, end_artist, made.id)
    assert ended_entries(coop) == {old.id}
    for unknown in (made.id, "nobody"):
        with pytest.raises(NoSuchPersona):
            write(coop, end_artist, unknown)
    write(coop, verify_artist, persona(listener), random=secrets.token_bytes)
    assert the_copy(coop, listener, CopyKind.ARTIST).id != old.id


def test_a_contribution_is_written_down_once(coop: Coop) -> None:
    listener = coop.listener()

    def given(number: str, what: str = "translation") -> Contribution:
        return Contribution(id=number, listener=listener, what=what, role="translator", period="2026-11")

    first = write(coop, add_contribution, given("1"), key=None)
    assert write(coop, add_contribution, given("2"), key=None) == first
    write(coop, add_contribution, given("3", "stewarding"), key="k")
    with pytest.raises(KeyReused):
        write(coop, add_contribution, given("4", "catering"), key="k")
    copies = coop.copies(listener)
    assert len(copies) == 2
    said = [claims(coop, copy) for copy in copies]
    assert {each["contribution"] for each in said} == {"translation", "stewarding"}
    assert {(each["coop"], each["role"], each["period"]) for each in said} == {(URL, "translator", "2026-11")}


def test_a_line_of_a_register_is_neither_refunded_nor_given_on(coop: Coop) -> None:
    listener = coop.listener()
    write(coop, add_member, listener=listener, share_class="listener")
    with pytest.raises(NoSuchCopy):
        take_back(coop, the_copy(coop, listener, CopyKind.MEMBERSHIP).id)


@pytest.mark.parametrize("text", ["", " x", "two  spaces", "x" * 301, "two\nlines", "e\u0301", "\u200b"])
def test_a_text_that_could_mark_somebody_enters_no_register(text: str) -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    with pytest.raises(Malformed):
        Membership(id="m", listener="l", number="n", share_class=text, since="2024", started=now)
    with pytest.raises(Malformed):
        persona("l", name=text)
    with pytest.raises(Malformed):
        Contribution(id="c", listener="l", what=text, role="none", period="2026")


def test_what_no_credential_could_carry_enters_no_register() -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    with pytest.raises(Malformed):
        Membership(id="m", listener="l", number="n", share_class="listener", since="24", started=now)
    with pytest.raises(Malformed):
        Contribution(id="c", listener="l", what="x", role="none", period="2026-13")
    for changed in ({"id": "7"}, {"catalogue": ("7",)}, {"catalogue": (RELEASE,) * 1025}):
        with pytest.raises(Malformed):
            persona("l", **changed)


async def test_every_kind_is_signed_and_received(coop: Coop, wallet: Wallet) -> None:
    listener = coop.owner()
    write(coop, add_member, listener=listener, share_class="listener")
    write(coop, verify_artist, persona(listener), random=secrets.token_bytes)
    given = Contribution(id="1", listener=listener, what="translation", role="none", period="2026")
    write(coop, add_contribution, given, key=None)
    token = (await wallet.token(coop.offer(listener))).json()
    assert {each["credential_configuration_id"] for each in token["authorization_details"]} == set(CONFIGURATIONS)
    # Pseudonyms first: once an SD-JWT VC names its copy, they are issued no more.
    for each in reversed(token["authorization_details"]):
        for identifier in each["credential_identifiers"]:
            answer = await wallet.ask(token["access_token"], identifier)
            assert answer.status_code == 200, answer.text
