"""Pin who may open a release: read a verifier's published keys, then keep them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from credentials.encoding import strict_json
from credentials.errors import Malformed, OperatorError, VerifierError
from credentials.keys.jwk import PublicKey
from trackserver.errors import ReleaseNotFound
from trackserver.grants import Pin
from trackserver.ports import Catalogue, Pins

MAX_KEYS: Final = 8
_WHAT: Final = "verifier's key set"


class NoGrantKey(VerifierError):
    """The verifier publishes no key that its grants could be signed with."""

    code = "no_grant_key"

    def __init__(self) -> None:
        super().__init__("The verifier publishes no key that grants could be signed with.")


class NothingToAllowAgain(OperatorError):
    """A verifier that may open nothing here is to be allowed again."""

    code = "nothing_to_allow_again"

    def __init__(self, issuer: str) -> None:
        super().__init__(
            f"{issuer} may open no release here, so there is nothing to allow again. Look at the address (`handstamp "
            f"tracks show RELEASE` names who may open one), or allow it one: handstamp tracks allow {issuer} "
            "--release RELEASE"
        )


def parse_verifier_keys(body: bytes) -> tuple[PublicKey, ...]:
    """Read a JWK Set (RFC 7517 §5); keys of other kinds than ours are passed over, as the standard says.

    Raises:
        Malformed: it is not a JWK Set, or has too many keys.
        NoGrantKey: no key in it can be used.
    """
    keys = strict_json.parse_object(body, what=_WHAT).get("keys")
    if not isinstance(keys, list):
        raise Malformed(_WHAT, "it has no list of keys")
    if len(keys) > MAX_KEYS:
        raise Malformed(_WHAT, f"it has more than {MAX_KEYS} keys")
    ours = [key for key in keys if isinstance(key, dict) and key.get("kty") == "EC" and key.get("crv") == "P-256"]
    usable = [key for key in ours if key.get("use", "sig") == "sig"]
    if not usable:
        raise NoGrantKey
    return tuple(PublicKey.parse_jwk(key, what=_WHAT) for key in usable)


def allow_verifier(
    catalogue: Catalogue, pins: Pins, *, issuer: str, release_id: str, keys: Sequence[PublicKey], now: datetime
) -> None:
    """Pin a verifier's keys for one release, in place of those pinned before.

    Raises:
        ReleaseNotFound: there is no such release.
    """
    if catalogue.load_release(release_id) is None:
        raise ReleaseNotFound
    pinned = [Pin(issuer=issuer, release_id=release_id, kid=key.thumbprint, key=key) for key in keys]
    pins.save_pins(pinned, now=now)


def allow_again(
    catalogue: Catalogue, pins: Pins, *, issuer: str, keys: Sequence[PublicKey], now: datetime
) -> tuple[str, ...]:
    """Pin a verifier's keys for every release that it may open, as when it exchanges them; return those releases.

    Raises:
        NothingToAllowAgain: it may open none.
    """
    releases = check_allowed(pins, issuer)
    for each in releases:
        allow_verifier(catalogue, pins, issuer=issuer, release_id=each, keys=keys, now=now)
    return releases


def check_allowed(pins: Pins, issuer: str) -> tuple[str, ...]:
    """Return the releases that a verifier may open.

    Raises:
        NothingToAllowAgain: there are none.
    """
    releases = tuple(dict.fromkeys(pin.release_id for pin in pins.load_pins_of_verifier(issuer)))
    if not releases:
        raise NothingToAllowAgain(issuer)
    return releases
