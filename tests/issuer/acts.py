"""Acts of the ledger beyond plays and purchases, each in a transaction of its own."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from issuer.ledger import Thing, ThingKind
from issuer.registers import Contribution, Persona, PersonaKind
from issuer.service.codes import make_codes, redeem_code
from issuer.service.losses import give_on, refund
from issuer.service.registers import add_contribution, add_member, verify_artist
from issuer.status_tables import StatusEndRow
from issuer.store import Store
from plumbing.ids import new_public_id
from tests.issuer.conftest import RELEASE, URL, Coop

if TYPE_CHECKING:
    from issuer.copies import Copy
    from issuer.service.codes import CodeRedeemed
    from issuer.service.losses import Lost


def thing(subject: str) -> Thing:
    return Thing(kind=ThingKind.RELEASE if subject == RELEASE else ThingKind.TRACK, id=subject)


def copy_of(coop: Coop, listener: str, subject: str) -> Copy:
    return next(copy for copy in coop.copies(listener) if copy.subject == subject)


def take_back(coop: Coop, copy_id: str, key: str | None = None) -> Lost:
    with coop.parts.database.write() as session:
        return refund(Store(session), copy_id=copy_id, key=key, now=coop.now)


def give(coop: Coop, copy_id: str, to: str, key: str | None = None) -> Lost:
    with coop.parts.database.write() as session:
        return give_on(Store(session), copy_id=copy_id, to=to, key=key, now=coop.now)


def new_codes(coop: Coop, subject: str, count: int = 1) -> list[str]:
    with coop.parts.database.write() as session:
        return make_codes(
            Store(session), thing(subject), count=count, label="tour", now=coop.now, random=secrets.token_bytes
        )


def redeem(coop: Coop, listener: str, code: str) -> CodeRedeemed:
    with coop.parts.database.write() as session:
        return redeem_code(Store(session), code, listener=listener, now=coop.now)


def ended_entries(coop: Coop) -> set[str]:
    """The copies whose instances the status lists were told to take back."""
    from sqlmodel import select  # noqa: PLC0415

    with coop.parts.database.read() as session:
        return {row.copy_id for row in session.exec(select(StatusEndRow))}


def enrol(coop: Coop, listener: str) -> None:
    """Write a listener into every register, and give them something by a code."""
    given = Contribution(id=new_public_id(), listener=listener, what="translation", role="none", period="2026-11")
    speaker = Persona(
        id="", listener=listener, name="A Name", kind=PersonaKind.ARTIST, vouched_by=URL, vouching="met in person"
    )
    with coop.parts.database.write() as session:
        store = Store(session)
        add_member(store, listener=listener, share_class="listener", now=coop.now)
        verify_artist(store, speaker, random=secrets.token_bytes, now=coop.now)
        add_contribution(store, given, key=None, now=coop.now)


def many_acts(coop: Coop, listener: str) -> None:
    """Redeem a code, give it back, get a gift and give it on: every kind of entry."""
    redeem(coop, listener, new_codes(coop, RELEASE)[0])
    take_back(coop, copy_of(coop, listener, RELEASE).id)
    coop.buy(listener, RELEASE)
    give(coop, copy_of(coop, listener, RELEASE).id, coop.listener())
