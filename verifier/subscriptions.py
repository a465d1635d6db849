"""A site's subscription to a list of co-ops: which one, by whose key, and what it said when it was read last."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from credentials.trust import CoopList, parse_coop_list

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A list that a site follows.

    Attributes:
        url: where it is published.
        publisher: thumbprint of the key that a person compared.
        text: the list as it was signed, verified before it was kept.
        fetched_at: when it was read.
    """

    url: str
    publisher: str
    text: str = field(repr=False)
    fetched_at: datetime

    @property
    def coop_list(self) -> CoopList:
        """What the list says."""
        return read_list(self.text)


# Every answer at a gate asks for the policy, so the same few lists are read again and again.
@lru_cache(maxsize=16)
def read_list(text: str) -> CoopList:
    """Read a list that was verified before it was kept."""
    return parse_coop_list(text)
