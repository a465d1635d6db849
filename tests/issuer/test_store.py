"""The store's own edges, and migrations that lead to exactly the tables of the code."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, inspect

from credentials.errors import Malformed
from issuer.identity import Identity
from issuer.ledger import Gift, Thing, ThingKind
from issuer.listeners import Listener, ListenerExists, UnknownListener
from issuer.parts import MIGRATIONS
from issuer.secrets import OfferSecrets, stored
from issuer.service.losses import refund
from issuer.service.record import ownership
from issuer.service.registers import add_member
from issuer.store import Store
from issuer.tables import Base
from plumbing.migrations import downgrade, upgrade
from tests.issuer.conftest import RELEASE, TRACKS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.issuer.conftest import Coop


def test_the_migrations_lead_to_the_tables_of_the_code_and_back(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new/issuer.sqlite"
    upgrade(url, MIGRATIONS)
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "issuer_version"})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()
    downgrade(url, MIGRATIONS, "base")
    engine = create_engine(url)
    assert inspect(engine).get_table_names() == ["issuer_version"]
    engine.dispose()


def test_going_back_a_version_and_forth_again_keeps_what_is_owned(coop: Coop) -> None:
    robin, mia = coop.listener(name="Robin"), coop.listener(name="Mia")
    coop.buy(robin, TRACKS[0])
    with coop.parts.database.write() as session:
        store = Store(session)
        refund(store, copy_id=coop.copies(robin)[0].id, now=coop.now)
        add_member(store, listener=robin, share_class="listener", now=coop.now)
    coop.buy(robin, TRACKS[0])
    coop.write(mia, Gift(thing=Thing(kind=ThingKind.RELEASE, id=RELEASE)))
    before = {copy.id for each in (robin, mia) for copy in coop.copies(each) if copy.kind.is_owned}
    coop.parts.database.close()
    url = str(coop.parts.database.url)
    downgrade(url, MIGRATIONS, "0001")
    upgrade(url, MIGRATIONS)
    assert {copy.id for each in (robin, mia) for copy in coop.copies(each)} == before
    with coop.parts.database.read() as session:
        assert ownership(Store(session), robin).owned_tracks.keys() == {TRACKS[0]}
        assert ownership(Store(session), mia).releases.keys() == {RELEASE}


def test_a_listener_is_found_by_id_address_or_name(coop: Coop) -> None:
    robin = coop.listener(name="Robin", email="Robin@Listeners.example")
    coop.listener()
    with coop.parts.database.read() as session:
        store = Store(session)
        for text in (robin, "robin@listeners.example", "ROBIN@LISTENERS.EXAMPLE", "Robin"):
            assert store.find_listener(text).id == robin
        with pytest.raises(UnknownListener):
            store.find_listener("Nobody")
        assert len(store.listeners()) == 2


def test_a_name_that_two_listeners_have_finds_neither(coop: Coop) -> None:
    coop.listener(name="Robin")
    coop.listener(name="Robin")
    with coop.parts.database.read() as session, pytest.raises(UnknownListener):
        Store(session).find_listener("Robin")


def test_an_address_belongs_to_one_listener(coop: Coop) -> None:
    coop.listener(email="robin@listeners.example")
    with pytest.raises(ListenerExists):
        coop.listener(email="ROBIN@listeners.example")


def test_everything_about_a_listener_is_optional_and_kept(coop: Coop) -> None:
    coop.listener()
    known = coop.listener(name="Robin", email="r@x.example", birth_date="1990-12-31")
    with coop.parts.database.read() as session:
        found = Store(session).find_listener(known)
    assert found.birth_date
    assert (found.name, found.email, found.birth_date.isoformat()) == ("Robin", "r@x.example", "1990-12-31")


@pytest.mark.parametrize(
    "about",
    [
        {"name": ""},
        {"name": "x" * 201},
        {"name": "two\nlines"},
        {"email": "nobody"},
        {"email": "a@b@c"},
        {"birth_date": "31.12.1990"},
        {"birth_date": "1990-02-30"},
    ],
)
def test_what_cannot_be_read_about_a_listener_is_said(about: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        Listener.parse(listener_id="x", **{"name": None, "email": None, "birth_date": None, **about})


@given(st.binary(min_size=32, max_size=32), st.text(max_size=30))
def test_codes_are_stable_apart_and_well_shaped(key: bytes, offer: str) -> None:
    secrets = OfferSecrets(key=key)
    code, tx_code = secrets.code(offer), secrets.tx_code(offer)
    assert (code, tx_code) == (secrets.code(offer), secrets.tx_code(offer))
    assert len(code) == 43
    assert tx_code.isdigit()
    assert len(tx_code) == 6
    assert secrets.code(offer + "x") != code
    assert tx_code not in secrets.tx_code_mac(offer, tx_code)[:0] + repr(secrets)
    assert stored(code) != code


def test_a_did_web_identifier_carries_port_and_path(coop: Coop) -> None:
    identity = coop.parts.identity
    for url, did in (
        ("http://coop.localhost:8701", "did:web:coop.localhost%3A8701"),
        ("https://coop.example", "did:web:coop.example"),
        ("https://coop.example/music/eu", "did:web:coop.example:music:eu"),
    ):
        assert replace(identity, url=url).did == did


def test_without_a_certificate_there_is_nothing_that_could_expire(coop: Coop) -> None:
    known = coop.parts.identity
    identity = Identity.build(url=known.url, name="x", signer=known.signer, linked=known.linked, chain=None)
    identity.check_can_sign(coop.now)
    assert identity.x5c == ()
