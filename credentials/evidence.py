"""Evidence: what a check that succeeded leaves behind, and that nothing else can make.

Code that opens a gate takes a `Verified`, code that keeps a credential a `Received`. Both are made only where every
numbered step was passed: by the pipelines in `credentials.verify`, `credentials.verify_linked` and
`credentials.door_pass`, which hold the seal.
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, InitVar, dataclass, field
from datetime import datetime
from typing import Final

from credentials.encoding.strict_json import Json
from credentials.status import StatusCheck

SEAL: Final = object()
"""Only pipelines that took every step may name it; a test reads who imports it."""


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What a credential was found to be."""

    seal: InitVar[object]
    _: KW_ONLY
    issuer: str
    vct: str
    issued_at: float | None
    """`iat`, or `validFrom`, in seconds; None if the issuer did not say."""
    disclosed: Mapping[str, Json] = field(repr=False)
    """What was disclosed about the subject, without the claims of the protocol itself."""
    issuer_key: str
    """Thumbprint of the key that signed the credential; of a linked one, its verification method."""
    at: datetime
    """The time for which all this holds."""
    steps: tuple[str, ...]
    """The steps that were passed; there is no evidence with fewer."""
    status: StatusCheck
    """What was found out about the status; on receipt it is not looked up."""

    def __post_init__(self, seal: object) -> None:
        if seal is not SEAL:
            raise TypeError("Evidence comes from verify() and verify_issued() only.")


@dataclass(frozen=True, slots=True)
class Verified(_Evidence):
    """Evidence that a holder presented a valid credential, to this verifier, for this request, just now."""

    holder_key: str | None
    """Thumbprint of the key that it is bound to; None if it is bound to none, as a BBS proof is."""
    pseudonym: bytes | None = field(default=None, repr=False)
    """What the holder is called in the domain that was asked for (48 bytes); None if none was."""


@dataclass(frozen=True, slots=True)
class _Kept(_Evidence):
    holder_key: str
    """Thumbprint of the key that it is bound to."""


class Received(_Kept):
    """Evidence that a credential just issued is valid, bound to a key of ours, and like every other of its type."""

    __slots__ = ()


class Foreign(_Kept):
    """Evidence that a credential just issued is valid and bound to a key of ours; not that it is like any other."""

    __slots__ = ()
