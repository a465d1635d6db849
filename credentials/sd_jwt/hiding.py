"""Making parts of claims disclosable one by one: members and elements, at any depth, also within each other.

Our own types need none of this: all their claims stand at the top level (`credentials.sd_jwt.issuing`). It is for
whoever issues something else with this kernel, and for tests of the readers.
"""

from collections.abc import Callable, Iterable, Mapping

from credentials.encoding.strict_json import Json
from credentials.sd_jwt.disclosure import (
    DECOY_BYTES,
    DEFAULT_HASH,
    DIGESTS,
    ELEMENT,
    HASH_NAME,
    find_digest,
    write_disclosure,
    write_element_disclosure,
)
from credentials.sd_jwt.errors import NothingToHide, TooManyClaims
from credentials.sd_jwt.locating import Location, Path, describe, select

Randomness = Callable[[int], bytes]


def hide(
    claims: Mapping[str, Json],
    *,
    paths: Iterable[Path],
    digest_counts: Mapping[Path, int],
    random: Randomness,
    hash_name: str = DEFAULT_HASH,
) -> tuple[dict[str, Json], tuple[str, ...]]:
    """Replace what can be hidden by digests (RFC 9901 §4.2).

    Args:
        claims: all claims, with what is hidden in its place.
        paths: what gets a disclosure of its own. A path into something that is hidden itself makes a disclosure within
            a disclosure (§4.2.6): the inner is of no use without the outer.
        digest_counts: for an object or array, how many digests it has in every credential; decoys fill the rest
            (§4.2.5). The empty path is the top level. What is not named here gets no decoys.
        random: gives so many secret random bytes.
        hash_name: of the digests, as `_sd_alg` names it.

    Returns:
        The claims as they are signed, and the disclosures, inner before outer.

    Raises:
        NothingToHide: a path leads to nothing.
        TooManyClaims: more can be hidden in an object or array than it has digests.
        UnsupportedHash: the hash is not one of those that are read.
    """
    hiding = _Hiding(
        hidden=frozenset(_locate(claims, paths)),
        counts={location: count for path, count in digest_counts.items() for location in _locate(claims, [path])},
        random=random,
        hash_name=hash_name,
    )
    hidden = hiding.hide_members(claims, ())
    if hash_name != DEFAULT_HASH or hiding.has_digests:
        hidden[HASH_NAME] = hash_name
    return hidden, tuple(hiding.disclosures)


def _locate(claims: Mapping[str, Json], paths: Iterable[Path]) -> Iterable[Location]:
    for path in paths:
        found = select(claims, path) if path else (((), None),)
        if not found:
            raise NothingToHide(describe(path))
        yield from (location for location, _ in found)


class _Hiding:
    """One pass over the claims, from the inside out: a digest is taken over what already holds the inner digests."""

    def __init__(
        self, *, hidden: frozenset[Location], counts: Mapping[Location, int], random: Randomness, hash_name: str
    ) -> None:
        self._hidden = hidden
        self._counts = counts
        self._random = random
        self._digest = find_digest(hash_name)
        self.disclosures: list[str] = []
        self.has_digests = False

    def hide_members(self, members: Mapping[str, Json], location: Location) -> dict[str, Json]:
        visible: dict[str, Json] = {}
        digests: list[str] = []
        for name, value in members.items():
            here = (*location, name)
            inner = self._hide(value, here)
            if here in self._hidden:
                digests.append(self._disclose(write_disclosure(name, inner, self._random)))
            else:
                visible[name] = inner
        digests += self._decoys(location, len(digests))
        if digests:
            # §4.2.4.1: sorted, so that the order says nothing of the claims.
            visible[DIGESTS] = list[Json](sorted(digests))
        return visible

    def _hide(self, value: Json, location: Location) -> Json:
        if isinstance(value, dict):
            return self.hide_members(value, location)
        if isinstance(value, list):
            return self._hide_elements(value, location)
        return value

    def _hide_elements(self, elements: list[Json], location: Location) -> list[Json]:
        visible: list[Json] = []
        hidden = 0
        for position, value in enumerate(elements):
            here = (*location, position)
            inner = self._hide(value, here)
            if here in self._hidden:
                hidden += 1
                inner = {ELEMENT: self._disclose(write_element_disclosure(inner, self._random))}
            visible.append(inner)
        # Behind what is real, so that an index means the same with them and without; nobody sees where they begin.
        return visible + [{ELEMENT: decoy} for decoy in self._decoys(location, hidden)]

    def _disclose(self, disclosure: str) -> str:
        self.disclosures.append(disclosure)
        self.has_digests = True
        return self._digest(disclosure)

    def _decoys(self, location: Location, used: int) -> list[str]:
        count = self._counts.get(location, used)
        if used > count:
            raise TooManyClaims(count)
        self.has_digests = self.has_digests or count > 0
        return [self._digest(self._random(DECOY_BYTES).hex()) for _ in range(count - used)]
