"""Unpin a verifier: its grants open nothing from then on, also those that it signed before."""

from collections.abc import Sequence

from credentials.errors import OperatorError
from trackserver.errors import ReleaseNotFound
from trackserver.ports import Catalogue, Pins


class NothingToDisallow(OperatorError):
    """The verifier that should be disallowed is not allowed there."""

    code = "nothing_to_disallow"

    def __init__(self, issuer: str, release_id: str | None) -> None:
        where = "any release" if release_id is None else f"the release {release_id}"
        super().__init__(f"{issuer} may not open {where} here; `handstamp tracks show RELEASE` lists who may.")


def disallow_verifier(catalogue: Catalogue, pins: Pins, *, issuer: str, release_id: str | None) -> Sequence[str]:
    """Unpin a verifier for one release, or everywhere if None; return the ids of the releases that it could open.

    Raises:
        ReleaseNotFound: there is no such release.
        NothingToDisallow: the verifier could not open it.
    """
    if release_id is not None and catalogue.load_release(release_id) is None:
        raise ReleaseNotFound
    removed = pins.remove_pins(issuer, release_id=release_id)
    if not removed:
        raise NothingToDisallow(issuer, release_id)
    return removed
