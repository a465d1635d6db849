"""The parts of Handstamp as commands name them."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Final

from handstamp.settings import Role


class Service(Enum):
    """A service, by the name of its group of commands."""

    ISSUER = "issuer"
    VERIFIER = "verifier"
    TRACKS = "tracks"


_ROLES: Final[Mapping[Service, Role]] = {
    Service.ISSUER: "issuer",
    Service.VERIFIER: "verifier",
    Service.TRACKS: "trackserver",
}


def roles_of(services: Iterable[Service] | None) -> tuple[Role, ...]:
    """Return the roles that were named, each once."""
    return tuple(dict.fromkeys(_ROLES[service] for service in services or ()))
