"""Write into the co-op's registers. Each line that proves something has a copy, which a wallet can be sent."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from issuer.copies import Copy, CopyKind, Ended
from issuer.ledger import Acquisition, KeyReused
from issuer.ports import Register
from issuer.registers import (
    AlreadyMember,
    Contribution,
    Membership,
    NoSuchMember,
    NoSuchPersona,
    Persona,
    PersonaTaken,
    new_persona_id,
)
from issuer.service.losses import end_copies
from plumbing.ids import new_internal_id, new_public_id


def add_member(
    register: Register,
    *,
    listener: str,
    share_class: str,
    now: datetime,
    started: datetime | None = None,
    ends: datetime | None = None,
) -> Membership:
    """Make a listener a member. To add a member once more with the same words changes nothing.

    Who was a member before keeps the year of joining, and the number by which limited gates count: leaving and coming
    back opens no such gate twice.

    Args:
        register: the registers and the ledger.
        listener: who.
        share_class: the co-op's own word, or "none".
        now: when this is written down.
        started: when the membership began, if not now.
        ends: when it lapses by itself.

    Raises:
        AlreadyMember: a membership of another class runs.
        Malformed: no credential could carry the share class.
    """
    running = register.running_membership(listener)
    if running is not None:
        if running.share_class != share_class:
            raise AlreadyMember
        return running
    return _begin(register, listener, share_class, now=now, began=started or now, ends=ends)


def _begin(
    register: Register, listener: str, share_class: str, *, now: datetime, began: datetime, ends: datetime | None
) -> Membership:
    first = register.first_membership(listener)
    number = first.number if first else new_public_id()
    membership = Membership(
        id=new_internal_id(now),
        listener=listener,
        number=number,
        share_class=share_class,
        since=first.since if first else f"{began:%Y}",
        started=began,
        ends=ends,
    )
    if not register.add_membership(membership):
        raise AlreadyMember
    copy_id = new_public_id() if first else number
    _keep_copy(register, CopyKind.MEMBERSHIP, membership.id, listener, copy_id=copy_id, at=began)
    return membership


def end_member(register: Register, *, listener: str, now: datetime) -> Membership:
    """End a membership: no credential of it is renewed, and those that are out are taken back.

    Raises:
        NoSuchMember: none runs.
    """
    running = register.running_membership(listener)
    if running is None or not register.end_membership(running.id, at=now):
        raise NoSuchMember
    _end_copy(register, CopyKind.MEMBERSHIP, running.id, listener, now=now)
    return running


def lapse_members(register: Register, *, now: datetime) -> int:
    """End the memberships whose time is up; return how many."""
    over = [member for member in register.lapsed_members(now) if register.end_membership(member.id, at=now)]
    for member in over:
        _end_copy(register, CopyKind.MEMBERSHIP, member.id, member.listener, now=now)
    return len(over)


def verify_artist(register: Register, persona: Persona, *, random: Callable[[int], bytes], now: datetime) -> Persona:
    """Verify a persona, or say anew what it speaks for; with an empty id it is found by name, or gets one.

    Args:
        register: the registers and the ledger.
        persona: as it shall be.
        random: for the id of a new one.
        now: when.

    Raises:
        PersonaTaken: it was verified for another person.
    """
    known = register.persona(persona.id) or _same_name(register, persona)
    if known is not None and known.listener != persona.listener:
        raise PersonaTaken
    verified = replace(persona, id=known.id if known else persona.id or new_persona_id(random(16)))
    register.save_persona(verified, at=now)
    _keep_copy(register, CopyKind.ARTIST, verified.id, verified.listener, copy_id=new_public_id(), at=now)
    return verified


def end_artist(register: Register, persona_id: str, *, now: datetime) -> Persona:
    """Take the verification of a persona back.

    Raises:
        NoSuchPersona: it is not verified.
    """
    persona = register.persona(persona_id)
    if persona is None or not _end_copy(register, CopyKind.ARTIST, persona.id, persona.listener, now=now):
        raise NoSuchPersona
    return persona


def add_contribution(register: Register, contribution: Contribution, *, key: str | None, now: datetime) -> Contribution:
    """Write a contribution down. Without a key, the same words about the same listener are the same contribution.

    Raises:
        KeyReused: the key stands for another contribution.
    """
    same = f"{contribution.listener}\x1f{contribution.what}\x1f{contribution.role}\x1f{contribution.period}"
    key = key or f"same:{hashlib.sha256(same.encode()).hexdigest()}"
    known = register.contribution_by_key(key)
    if known is None:
        if not register.add_contribution(contribution, key=key, at=now):
            raise KeyReused
        known = contribution
        _keep_copy(register, CopyKind.CONTRIBUTION, known.id, known.listener, copy_id=new_public_id(), at=now)
    if replace(known, id=contribution.id) != contribution:
        raise KeyReused
    return known


def _same_name(register: Register, persona: Persona) -> Persona | None:
    """Without an id, one person's persona of the same name and kind is meant."""
    mine = (each for each in register.personas() if each.listener == persona.listener and not persona.id)
    return next((each for each in mine if (each.name, each.kind) == (persona.name, persona.kind)), None)


def _keep_copy(register: Register, kind: CopyKind, subject: str, listener: str, *, copy_id: str, at: datetime) -> None:
    copy = Copy(
        id=copy_id,
        listener=listener,
        kind=kind,
        subject=subject,
        acquisition=Acquisition.REGISTERED,
        month=f"{at:%Y-%m}",
    )
    register.keep_copies([copy])


def _end_copy(register: Register, kind: CopyKind, subject: str, listener: str, *, now: datetime) -> bool:
    mine = [copy for copy in register.copies(listener) if (copy.kind, copy.subject) == (kind, subject)]
    return bool(end_copies(register, mine, why=Ended.LAPSED, now=now))
