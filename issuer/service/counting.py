"""One commitment for life: who counts by what, decided by what is issued first (docs/decisions/0021).

The issuer cannot see which secret a commitment hides. A holder who could commit anew would get fresh pseudonyms and
walk through every limit, so one commitment is taken for each scope, and kept.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

from credentials.bbs import draw_entropy
from credentials.protocols.oauth import CredentialRequestDenied, InvalidProof
from issuer.copies import Copy
from issuer.counting import (
    RESETS_IN_A_YEAR,
    YEAR,
    CountingScope,
    Mode,
    NothingToReset,
    TooManyResets,
)
from issuer.counting_ports import Counting
from issuer.ports import Ending
from plumbing.ids import new_public_id

_BY_COPY: Final = (
    "This record was sent to a wallet that is counted by its copy, and it is counted in one way for life. "
    "Take the plain form of it."
)
_OTHER_POINT: Final = (
    "Another wallet bound itself to this record, and limits would be worth nothing if that could change. "
    "Use that wallet, or start anew at the co-op's page of your collection."
)
_USED: Final = "This commitment was made for something else, or was given up. Make a new one for this record."


def scope_of(store: Counting, copy: Copy) -> CountingScope:
    """Return the scope that a copy counts for; it is made when it is first asked for."""
    subject = store.counting_subjects([copy])[copy.id]
    return _find_or_make(store, copy.listener, subject)


def labels_of(store: Counting, copies: Iterable[Copy]) -> Mapping[str, str]:
    """Return by copy the label of who counts there: what one commitment is for."""
    chosen = list(copies)
    subjects = store.counting_subjects(chosen)
    known = {
        (scope.listener, scope.subject): scope
        for listener in {copy.listener for copy in chosen}
        for scope in store.counting_scopes(listener)
    }
    # In one order everywhere, so that two that make the same ones never wait for each other.
    for key in sorted({(copy.listener, subjects[copy.id]) for copy in chosen} - known.keys()):
        known[key] = _find_or_make(store, *key)
    return {copy.id: known[copy.listener, subjects[copy.id]].label for copy in chosen}


def is_counted_by_copy(store: Counting, copy: Copy, *, month: str) -> bool:
    """Say whether an SD-JWT VC of a copy may name it, and decide so for life if nothing was decided yet."""
    scope = scope_of(store, copy)
    if scope.mode is Mode.UNDECIDED and scope.may_count_in(month):
        return store.count_by_copy(scope.label) or _again(store, scope).mode is Mode.COPY
    return scope.mode is Mode.COPY and scope.may_count_in(month)


def commit(store: Counting, copy: Copy, point: bytes, *, month: str, random: Callable[[int], bytes]) -> bytes:
    """Take a wallet's commitment, or find it to be the one that was taken; return the entropy that belongs to it.

    Args:
        store: who counts.
        copy: what pseudonyms are wanted for.
        point: the commitment, its proof checked.
        month: the cohort that they are wanted for.
        random: for the issuer's part of the secret.

    Raises:
        CredentialRequestDenied: it is counted by copies, or may not be counted yet.
        InvalidProof: another commitment was taken, or this one for somebody else.
    """
    scope = scope_of(store, copy)
    if scope.mode is Mode.COPY:
        raise CredentialRequestDenied(_BY_COPY)
    if not scope.may_count_in(month):
        raise CredentialRequestDenied(
            f"Pseudonyms start in {scope.from_month}, when what was issued before is over. Until then take the form "
            "without them."
        )
    if scope.commitment is None and not store.take_commitment(scope.label, point, entropy=draw_entropy(random)):
        _check_still_free(_again(store, scope))
    scope = _again(store, scope)
    if scope.commitment != point or scope.entropy is None:
        raise InvalidProof(_OTHER_POINT)
    store.note_issued(scope.label, month)
    return scope.entropy


def hand_on(books: Ending, copy: Copy, *, to: str) -> None:
    """Let the receiver of a copy count from when nothing of its giver's counts any more; call it before they have it.

    Who has something of the release already, under pseudonyms, counts as before: nothing new comes of the gift. Who had
    it once and gave it back, or whom each copy gives another number, waits like everybody.
    """
    subject = books.counting_subjects([copy])[copy.id]
    given = books.counting_scope(copy.listener, subject)
    if given is None or not given.free_from:
        return
    received = _find_or_make(books, to, subject)
    counts_already = received.commitment is not None and subject in books.counting_subjects(books.copies(to)).values()
    if not counts_already:
        books.start_from(received.label, given.free_from)


def confirm_wallet(store: Counting, label: str, *, listener: str) -> None:
    """Note that a listener, logged in, says that the wallet is theirs.

    Raises:
        NothingToReset: it is not their scope, or no wallet is bound to it.
    """
    store.confirm_wallet(_theirs(store, label, listener).label)


def reset_commitment(store: Counting, label: str, *, listener: str, now: datetime) -> CountingScope:
    """Forget the commitment of a wallet that is lost; the next one counts when what was issued before is over.

    What was never confirmed may be reset once without being counted.

    Raises:
        NothingToReset: it is not their scope, or no wallet is bound to it.
        TooManyResets: it was done as often as a year allows.
    """
    scope = _theirs(store, label, listener)
    before = store.resets(label, since=now - YEAR)
    counted = scope.confirmed or bool(before)
    if counted and sum(before) >= RESETS_IN_A_YEAR:
        raise TooManyResets
    if not store.start_anew(scope, from_month=scope.free_from, counted=counted, now=now):
        raise NothingToReset
    return _again(store, scope)


def _theirs(store: Counting, label: str, listener: str) -> CountingScope:
    scope = store.scope_of_label(label)
    if scope is None or scope.listener != listener or scope.commitment is None:
        raise NothingToReset
    return scope


def _check_still_free(scope: CountingScope) -> None:
    """Say why a commitment was not taken: somebody was first, or it was taken before."""
    if scope.mode is Mode.COPY:
        raise CredentialRequestDenied(_BY_COPY)
    if scope.commitment is None:
        raise InvalidProof(_USED)


def _find_or_make(store: Counting, listener: str, subject: str) -> CountingScope:
    known = store.counting_scope(listener, subject)
    if known is not None:
        return known
    made = CountingScope(label=new_public_id(), listener=listener, subject=subject)
    if store.add_scope(made):
        return made
    found = store.counting_scope(listener, subject)
    if found is None:
        raise LookupError("A scope is neither there nor can it be made.")
    return found


def _again(store: Counting, scope: CountingScope) -> CountingScope:
    found = store.scope_of_label(scope.label)
    if found is None:
        raise LookupError("A scope that was read is gone.")
    return found
