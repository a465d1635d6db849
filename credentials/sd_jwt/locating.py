"""Where claims are in a credential, and claims path pointers to them (SD-JWT VC, "Claim Path"; OpenID4VP 1.0 §7)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from credentials.encoding.strict_json import Json

Path: TypeAlias = tuple[str | int | None, ...]
"""What is asked for: a name in an object, an index in an array, or None for every element of an array."""
Location: TypeAlias = tuple[str | int, ...]
"""Where exactly something is: names, and positions in arrays as the issuer signed them."""

_Found: TypeAlias = tuple[Location, Json]


class Elements(list[Json]):
    """An array of which some elements are not disclosed: what is left, and where each stood.

    RFC 9901 §7.1 takes away what is not disclosed, which moves what follows: the second nationality would be read as
    the first. An index must mean the same to the wallet, that has all, and to the verifier, that has some.
    """

    def __init__(self, elements: Iterable[Json], positions: Sequence[int]) -> None:
        """`positions` are the elements' places in the array as it was signed."""
        super().__init__(elements)
        self.positions: Final = tuple(positions)


def select(claims: Mapping[str, Json], path: Path) -> tuple[_Found, ...]:
    """Find what a path points to (OpenID4VP 1.0 §7.1.1): where each is and what it is. Empty is the standard's error.

    Args:
        claims: processed claims.
        path: not empty.
    """
    selected: list[_Found] = [((), dict(claims))] if len(path) > 1 else []
    if not selected:
        # Nearly every path is one name, and nearly every wallet has many copies to look at.
        name = path[0]
        return (((name,), claims[name]),) if isinstance(name, str) and name in claims else ()
    for step in path:
        # §7.1.1 steps 2.1 to 2.3: one element of the wrong kind is an error for all; one that lacks it is left out.
        take = _choose_step(step)
        found = [take(location, value) for location, value in selected]
        selected = [each for some in found if some is not None for each in some]
        if not selected or None in found:
            return ()
    return tuple(selected)


def describe(path: Path) -> str:
    """Write a path for people: `address.locality`, `degrees[].type`, `nationalities[1]`."""
    text = ""
    for step in path:
        match step:
            case str():
                text += f".{step}" if text else step
            case None:
                text += "[]"
            case int():
                text += f"[{step}]"
    return text


def _choose_step(step: str | int | None) -> Callable[[Location, Json], list[_Found] | None]:
    if isinstance(step, str):
        return lambda location, value: _take_member(location, value, step)
    return lambda location, value: _take_elements(location, value, step)


def _take_member(location: Location, value: Json, name: str) -> list[_Found] | None:
    if not isinstance(value, dict):
        return None
    return [((*location, name), value[name])] if name in value else []


def _take_elements(location: Location, value: Json, index: int | None) -> list[_Found] | None:
    if not isinstance(value, list):
        return None
    positions = value.positions if isinstance(value, Elements) else range(len(value))
    return [
        ((*location, position), element)
        for position, element in zip(positions, value, strict=True)
        if index is None or position == index
    ]
