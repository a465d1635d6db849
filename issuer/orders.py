"""Orders: all that is needed to sign what was admitted. No row, no session, no listener is in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from credentials.keys.jwk import PublicKey
from issuer.status import DrawnEntry
from schemas import CredentialType


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What is to be said.

    Attributes:
        kind: the type of credential.
        claims: every claim of the type, by name.
        month_start: the first second of its cohort.
        notification_id: under which the wallet says what became of it.
    """

    kind: CredentialType
    claims: Mapping[str, str]
    month_start: datetime
    notification_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceOrder:
    """SD-JWT VCs, one for each key, each with an entry of its own in a status list."""

    contents: Contents
    keys: tuple[PublicKey, ...]
    entries: tuple[DrawnEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineOrder:
    """A linked credential that is bound to nothing, and cannot be counted."""

    contents: Contents


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedOrder:
    """A linked credential with pseudonyms, of the wallet's commitment and the entropy kept for it."""

    contents: Contents
    commitment: bytes
    entropy: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorPassOrder:
    """A door pass, of the same two."""

    contents: Contents
    commitment: bytes
    entropy: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicOrder:
    """A linked credential to publish, that names its subject's key and has an entry of its own in a status list."""

    contents: Contents
    subject_key: PublicKey
    entry: DrawnEntry


Admitted: TypeAlias = InstanceOrder | BaselineOrder | CountedOrder | DoorPassOrder | PublicOrder
