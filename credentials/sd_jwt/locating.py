"""Where claims are in a credential, and claims path pointers to them (SD-JWT VC, "Claim Path"; OpenID4VP 1.0 §7)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from credentials.encoding.strict_json import Json

Path: TypeAlias = tuple[str | int | None, ...]
"""What is asked for: a name in an object, an index in an array, or None for every element of an array."""
Location: TypeAlias = tuple[str | int, ...]
"""Where exactly something is: names, and positions in arrays as the issuer signed them."""

Found: TypeAlias = tuple[Location, Json]


class Elements(list[Json]):
    """An array of which some elements are not disclosed: what is left, and where each stood.

    RFC 9901 §7.1 takes away what is not disclosed, which moves what follows: the second nationality would be read as
    the first. An index must mean the same to the wallet, that has all, and to the verifier, that has some.
    """

    def __init__(self, elements: Iterable[Json], positions: Sequence[int]) -> None:
        """`positions` are the elements' places in the array as it was signed."""
        super().__init__(elements)
        self.positions: Final = tuple(positions)


class WrongKind(Exception):
    """A path that goes into something that is no object, or no array, as the path has it."""


def select(claims: Mapping[str, Json], path: Path) -> tuple[Found, ...]:
    """Find what a path points to (OpenID4VP 1.0 §7.1.1): where each is and what it is. Empty is the standard's error.

    Args:
        claims: processed claims.
        path: not empty.
    """
    if len(path) == 1:
        # Nearly every path is one name, and nearly every wallet has many copies to look at.
        name = path[0]
        return (((name,), claims[name]),) if isinstance(name, str) and name in claims else ()
    try:
        return locate(claims, path)
    except WrongKind:
        return ()


def locate(claims: Mapping[str, Json], path: Path) -> tuple[Found, ...]:
    """Find what a path points to, as `select` does, but tell a claim that is not there from a path that does not fit.

    Raises:
        WrongKind: an element on the way is not of the kind that the path takes it for.
    """
    selected: list[Found] = [((), dict(claims))]
    for step in path:
        # Steps 2.1 to 2.3: one element of the wrong kind is an error for all; one that lacks the step is left out.
        selected = [each for location, value in selected for each in _take(location, value, step)]
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


def _take(location: Location, value: Json, step: str | int | None) -> Iterator[Found]:
    if isinstance(step, str):
        if not isinstance(value, dict):
            raise WrongKind
        if step in value:
            yield (*location, step), value[step]
        return
    if not isinstance(value, list):
        raise WrongKind
    positions = value.positions if isinstance(value, Elements) else range(len(value))
    for position, element in zip(positions, value, strict=True):
        if step is None or position == step:
            yield (*location, position), element
