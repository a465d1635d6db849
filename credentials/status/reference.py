"""Where a credential's status is kept: one entry of one Token Status List (draft-ietf-oauth-status-list §6)."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self
from urllib.parse import unquote, urlsplit

from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.protocols.members import Members
from credentials.protocols.urls import parse_service_url
from credentials.status.errors import StatusElsewhere, StatusNotSupported

_MECHANISM: Final = "status_list"
_WHAT: Final = "status of the credential"
_DID_WEB: Final = "did:web:"
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_MAX_INDEX: Final = 2**31
_MAX_KEPT: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReference:
    """One entry of a status list.

    Attributes:
        uri: where the list is; the list's own `sub` is the same text.
        index: which entry, counted from 0.
    """

    uri: str
    index: int

    @classmethod
    def parse(cls, claim: Json, *, issuer: str) -> Self:
        """Read a credential's `status` claim (§6.2).

        Other members of the claim are other mechanisms, which may stand beside this one (§6.1).

        Args:
            claim: the value of `status`.
            issuer: `iss` of the credential. The list must be at its very host: whoever hosts a list elsewhere would
                learn where its holders show it, and a credential could send us to anybody.

        Raises:
            Malformed: it cannot be read.
            StatusNotSupported: it names no status list.
            StatusElsewhere: the list is at another host than the issuer's.
        """
        members = Members(claim, what=_WHAT)
        if _MECHANISM not in members:
            raise StatusNotSupported
        entry = members.object(_MECHANISM)
        uri = entry.text("uri")
        _check_address(uri, issuer, entry.named("uri"))
        return cls(uri=uri, index=entry.integer("idx", maximum=_MAX_INDEX))

    def to_json(self) -> dict[str, Json]:
        """Write the value of a credential's `status` claim (§6.2), its members always in this order."""
        return {_MECHANISM: {"idx": self.index, "uri": self.uri}}


@lru_cache(maxsize=_MAX_KEPT)
def _check_address(uri: str, issuer: str, what: str) -> None:
    """Check where a list is; what was found good is remembered, for a month's crowd has a few lists between them."""
    check_own_host(parse_service_url(uri, what=what), issuer=issuer)


def check_own_host(uri: str, *, issuer: str) -> None:
    """Check that an issuer keeps its lists itself: same scheme, host and port as `issuer`, a URL or a did:web.

    Raises:
        StatusElsewhere: it does not, or is known by a DID that names no host.
    """
    own = issuer
    if issuer.startswith(_DID_WEB):
        # did:web §3.2: the host comes first, its port written as %3A8701; http only where `uri` may have it.
        host = unquote(issuer.removeprefix(_DID_WEB).split(":")[0])
        own = f"{urlsplit(uri).scheme}://{host}"
    if _origin(uri) != _origin(own):
        raise StatusElsewhere


def _origin(url: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(parse_service_url(url, what="address of the status list or its issuer"))
    except Malformed as error:
        raise StatusElsewhere from error
    return parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]
