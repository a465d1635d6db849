"""What the tests of counting at a co-op have in common."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from issuer.service.counting import (
    commit,
    is_counted_by_copy,
    scope_of,
)
from issuer.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from issuer.copies import Copy
    from issuer.counting import CountingScope
    from tests.issuer.conftest import Coop

POINT, OTHER = b"\x8a" * 48, b"\x8b" * 48
MONTH = "2026-11"


@contextmanager
def writing(coop: Coop) -> Iterator[Store]:
    with coop.parts.database.write() as session:
        yield Store(session)


def take(coop: Coop, copy: Copy, point: bytes = POINT, month: str = MONTH) -> bytes:
    with writing(coop) as store:
        return commit(store, copy, point, month=month, random=secrets.token_bytes)


def by_copy(coop: Coop, copy: Copy, month: str = MONTH) -> bool:
    with writing(coop) as store:
        return is_counted_by_copy(store, copy, month=month)


def scope(coop: Coop, copy: Copy) -> CountingScope:
    with writing(coop) as store:
        return scope_of(store, copy)
