"""Which keys go by one name: the one in use, those that were, and the one that comes.

The rings of a key folder lie in one file, `rings.json`, which is replaced whole: so every worker of a service turns at
the same moment, and none ever sees half a change. A name that never turned has no ring: its one key is `NAME.pem`. Of
a key that is out of use only the public half is kept here, for as long as what it signed is to be believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Self

from credentials.encoding import strict_json
from credentials.encoding.strict_json import Json
from credentials.protocols.members import Members, without_absent

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_PUBLISHED: Final = 8
"""So many keys of one name others are told of: wallets and trackservers read no more than that."""
_MAX_KEYS: Final = 64
_MAX_TEXT: Final = 20_000
_MAX_CERTIFICATES: Final = 6
_WHAT: Final = "file of key rings"


@dataclass(frozen=True, slots=True, kw_only=True)
class RingKey:
    """One key of a ring.

    Attributes:
        file: what its files are called, without their endings.
        public: its public half as a Multikey; empty for a secret that has none.
        x5c: the certificates that were installed with it, as headers carry them.
        starts_s: from when on it is used, in seconds since 1970; None while it waits for somebody's word.
        ends_s: until when it is still told to others; None for as long as nobody retires it.
    """

    file: str
    public: str
    x5c: tuple[str, ...] = ()
    starts_s: int | None
    ends_s: int | None = None

    @classmethod
    def parse(cls, value: Json, what: str) -> Self:
        """Read one entry.

        Raises:
            Malformed: it is none.
        """
        members = Members(value, what=what)
        return cls(
            file=members.text("file", max_chars=100),
            public=members.optional_text("public", max_chars=_MAX_TEXT) or "",
            x5c=members.optional_texts("x5c", max_items=_MAX_CERTIFICATES, max_chars=_MAX_TEXT),
            starts_s=members.optional_integer("starts"),
            ends_s=members.optional_integer("ends"),
        )

    def to_json(self) -> Json:
        """Write the entry."""
        return without_absent(
            file=self.file,
            public=self.public or None,
            x5c=list[Json](self.x5c),
            starts=self.starts_s,
            ends=self.ends_s,
        )

    def has_started(self, at_s: int) -> bool:
        """Whether it is, or was, in use by then."""
        return self.starts_s is not None and self.starts_s <= at_s

    def has_ended(self, at_s: int) -> bool:
        """Whether nobody is told of it any more."""
        return self.ends_s is not None and self.ends_s <= at_s


@dataclass(frozen=True, slots=True)
class Ring:
    """The keys of one name, in the order in which they came."""

    keys: tuple[RingKey, ...]

    def current(self, at_s: int) -> RingKey:
        """The key in use: of those that have started the last; of two that started at once, the one that came later."""
        started = sorted((each for each in self.keys if each.has_started(at_s)), key=lambda each: each.starts_s or 0)
        return started[-1] if started else self.keys[0]

    def published(self, at_s: int) -> tuple[RingKey, ...]:
        """What others are told: the key in use first, then those that come, then those that were, the newest first."""
        current = self.current(at_s)
        others = [each for each in self.keys if each is not current and not each.has_ended(at_s)]
        coming = [each for each in others if not each.has_started(at_s)]
        former = [each for each in others if each.has_started(at_s)]
        return (current, *coming, *reversed(former))[:MAX_PUBLISHED]

    def turns_between(self, at_s: int) -> tuple[int, int | None]:
        """The last moment up to now, and the next one, at which something of this ring changes by itself."""
        moments = sorted(each for key in self.keys for each in (key.starts_s, key.ends_s) if each is not None)
        past = [each for each in moments if each <= at_s]
        return (past[-1] if past else 0), next((each for each in moments if each > at_s), None)


def parse_rings(data: bytes) -> Mapping[str, Ring]:
    """Read the file of rings.

    Raises:
        Malformed: it is damaged.
    """
    members = Members(strict_json.parse(data, what=_WHAT), what=_WHAT).object("rings")
    names = members.entries(max_items=_MAX_KEYS)
    return MappingProxyType(
        {name: Ring(tuple(members.array(name, RingKey.parse, max_items=_MAX_KEYS))) for name in names}
    )


def write_rings(rings: Mapping[str, Ring]) -> bytes:
    """Write the file of rings."""
    return strict_json.dump({"rings": {name: [each.to_json() for each in ring.keys] for name, ring in rings.items()}})
