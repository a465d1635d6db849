"""From signed digests and disclosures to claims: RFC 9901 §7.1 steps 3 to 5.

The steps of the RFC stand beside the lines that take them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.sd_jwt.disclosure import DIGESTS, ELEMENT, HASH_NAME, Disclosure
from credentials.sd_jwt.errors import (
    ClaimNameTaken,
    DuplicateDigest,
    DuplicateDisclosure,
    ForbiddenClaimName,
    UnreferencedDisclosure,
    WrongDisclosureShape,
)
from credentials.sd_jwt.locating import Elements, Location

_MAX_DEPTH = 32
_TOO_DEEP = f"its disclosures are nested deeper than {_MAX_DEPTH} levels"
# All others are what they are; nearly every claim is one of them.
_CONTAINERS = (dict, list)
_SPECIAL = frozenset({DIGESTS, ELEMENT, HASH_NAME})
_TEXT = frozenset({str})
_ABSENT: Any = object()


class Processing:
    """One pass over one payload. Each digest is looked at once, so the work is bounded by the size of the message."""

    def __init__(self, disclosures: Sequence[Disclosure]) -> None:
        self._disclosures = {disclosure.digest: disclosure for disclosure in disclosures}
        if len(self._disclosures) != len(disclosures):
            raise DuplicateDisclosure
        self._seen: set[str] = set()
        self._locations: dict[str, Location] = {}

    def process(self, claims: Mapping[str, Json]) -> dict[str, Json]:
        """Return the processed payload.

        Raises:
            HandstampError: one of `credentials.sd_jwt.errors`, or Malformed.
        """
        # Step 3.6: `_sd_alg` has done its work. Deeper inside it has no place (§4.1.1).
        if ELEMENT in claims:
            raise ForbiddenClaimName(ELEMENT)
        processed = self._expand_object(claims, (), 1)
        processed.pop(HASH_NAME, None)
        # Step 5.
        if len(self._locations) != len(self._disclosures):
            raise UnreferencedDisclosure
        return processed

    @property
    def locations(self) -> Mapping[str, Location]:
        """For each digest that was disclosed, where it is."""
        return self._locations

    def _expand(self, value: Json, location: Location, depth: int) -> Json:
        if depth > _MAX_DEPTH:
            raise Malformed("credential", _TOO_DEEP)
        if isinstance(value, dict):
            self._check_names(value)
            return self._expand_object(value, location, depth + 1)
        if isinstance(value, list):
            return self._expand_elements(value, location, depth + 1)
        return value

    def _expand_object(self, source: Mapping[str, Json], location: Location, depth: int) -> dict[str, Json]:
        # Nearly every member is what it is: only what may hide something is looked into.
        members = dict(source)
        # Step 3.5.
        digests = members.pop(DIGESTS, _ABSENT)
        if members and depth > _MAX_DEPTH:
            raise Malformed("credential", _TOO_DEEP)
        for name, value in members.items():
            # Of what stands in the payload itself nearly nothing hides anything: the holder's key, the status.
            if isinstance(value, _CONTAINERS) and (depth > 1 or _hides(value)):
                members[name] = self._expand(value, (*location, name), depth)
        if digests is not _ABSENT:
            self._disclose(digests, members, location, depth)
        return members

    def _check_names(self, members: Mapping[str, Json]) -> None:
        # §4.1 rule 7: `...` stands in arrays only; §4.1.1: `_sd_alg` at the top only.
        for name in (ELEMENT, HASH_NAME):
            if name in members:
                raise ForbiddenClaimName(name)

    def _disclose(self, digests: Json, members: dict[str, Json], location: Location, depth: int) -> None:
        # Step 3.2.1.
        if not isinstance(digests, list):
            raise Malformed("credential", "`_sd` is not an array of digests")
        for disclosure in self._find(digests):
            # Step 3.3.2.1. A name of `_sd` or `...` (3.3.2.2) was refused when the disclosure was read.
            if disclosure.name is None:
                raise WrongDisclosureShape
            if disclosure.name == HASH_NAME:
                raise ForbiddenClaimName(HASH_NAME)
            # Step 3.3.2.3.
            if disclosure.name in members:
                raise ClaimNameTaken
            here = self._locations[disclosure.digest] = (*location, disclosure.name)
            value = disclosure.value
            members[disclosure.name] = self._expand(value, here, depth) if isinstance(value, _CONTAINERS) else value

    def _expand_elements(self, elements: list[Json], location: Location, depth: int) -> list[Json]:
        expanded: list[Json] = []
        positions: list[int] = []
        for position, element in enumerate(elements):
            here = (*location, position)
            # Step 3.2.2.
            if not isinstance(element, dict) or ELEMENT not in element:
                value = element
            elif (disclosure := self._find_element(element)) is not None:
                self._locations[disclosure.digest] = here
                value = disclosure.value
            else:
                # Step 3.4: an element that is not disclosed is not there.
                continue
            expanded.append(self._expand(value, here, depth))
            positions.append(position)
        return expanded if len(expanded) == len(elements) else Elements(expanded, positions)

    def _find_element(self, element: dict[str, Json]) -> Disclosure | None:
        if len(element) != 1:
            raise ForbiddenClaimName(ELEMENT)
        found = self._find([element[ELEMENT]])
        # Step 3.3.3.1.
        if found and found[0].name is not None:
            raise WrongDisclosureShape
        return found[0] if found else None

    def _find(self, digests: list[Any]) -> list[Disclosure]:
        if not _TEXT.issuperset(map(type, digests)):
            raise Malformed("credential", "a digest is not text")
        # Step 4.
        known, fresh = self._disclosures, set(digests)
        if len(fresh) != len(digests) or not fresh.isdisjoint(self._seen):
            raise DuplicateDigest
        self._seen |= fresh
        # Whichever there are fewer of is gone through.
        if len(known) < len(fresh):
            return [disclosure for disclosure in known.values() if disclosure.digest in fresh]
        return [known[digest] for digest in digests if digest in known]


def _hides(value: Json) -> bool:
    """Whether some name within means more than itself, so that a value is not just what it is."""
    if isinstance(value, dict):
        if not _SPECIAL.isdisjoint(value):
            return True
        within: Iterable[Json] = value.values()
    else:
        within = value if isinstance(value, list) else ()
    for each in within:  # noqa: SIM110 - a generator costs more than all that it looks at
        if isinstance(each, _CONTAINERS) and _hides(each):
            return True
    return False
