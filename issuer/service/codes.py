"""Make download codes, and use one: it gives the thing it was made for, to the first who types it, once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from credentials.errors import Malformed
from issuer.codes import MAX_CODES, CodeUsed, DownloadCode, UnknownCode, read_code, write_code
from issuer.ledger import Entry, Thing, UseCode
from issuer.ports import CodeDesk
from issuer.secrets import stored
from issuer.service.record import NotOffered, check_not_theirs, record, tracks_of
from plumbing.ids import new_internal_id

_RANDOM_BYTES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRedeemed:
    """What a code gave."""

    thing: Thing
    entry: Entry


def make_codes(
    desk: CodeDesk,
    thing: Thing,
    *,
    count: int,
    label: str | None,
    now: datetime,
    random: Callable[[int], bytes],
) -> list[str]:
    """Make codes for one track or release. They can be read here only: the co-op keeps their hashes.

    Raises:
        Malformed: too many at once, or none.
        NotOffered: the thing is not in the catalogue, or not on offer.
    """
    if not 0 < count <= MAX_CODES:
        raise Malformed("number of codes", f"it is not between 1 and {MAX_CODES}")
    if all(track.withdrawn for track in tracks_of(desk, thing)):
        raise NotOffered
    codes = [write_code(random(_RANDOM_BYTES)) for _ in range(count)]
    for code in codes:
        made = DownloadCode(id=new_internal_id(now), thing=thing, label=label)
        desk.add_code(made, code_hash=stored(read_code(code)), now=now)
    return codes


def redeem_code(desk: CodeDesk, typed: str, *, listener: str, now: datetime) -> CodeRedeemed:
    """Use a code. Whoever used it themselves is told once more what it gave: an answer may have been lost.

    A takedown since it was made changes nothing: who holds a code has paid for it.

    Raises:
        UnknownCode: there is no such code.
        CodeUsed: somebody else used it.
        AlreadyTheirs: they own it already; the code stays good.
    """
    code_hash = stored(read_code(typed))
    code = desk.code(code_hash)
    if code is None:
        raise UnknownCode
    act, key = UseCode(thing=code.thing, code=code.id), f"code:{code.id}"
    known = desk.entry(key)
    if known is not None and known.listener == listener:
        return CodeRedeemed(thing=code.thing, entry=known)
    if code.used:
        raise CodeUsed
    check_not_theirs(desk, listener, code.thing)
    # Whoever changes the row has used the code; a second one at the same moment changes nothing and gets nothing.
    if not desk.use_code(code_hash, now=now):
        raise CodeUsed
    entry = record(desk, listener=listener, act=act, key=key, now=now, even_withdrawn=True)
    return CodeRedeemed(thing=code.thing, entry=entry)
