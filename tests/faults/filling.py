"""A disk that takes no more than so many bytes of any file, for root as for everybody: `RLIMIT_FSIZE`."""

from __future__ import annotations

import resource
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def full_after(count: int) -> Iterator[None]:
    """Let every file of this process end at `count` bytes while the block lasts: what goes beyond is refused (EFBIG).

    Python ignores the signal that comes with it. A real write fails half-way, with what fitted already in the file.
    """
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))
