"""A Bitstring Status List that was fetched: whose it is, and what it says of one credential (§3.2)."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import KW_ONLY, InitVar, dataclass, field
from datetime import datetime
from typing import Final, Protocol

from credentials.data_integrity.chains import ProofPolicy, verify_proofs
from credentials.data_integrity.keys import FindKey, check_controller
from credentials.encoding.date_time import parse_date_time
from credentials.encoding.strict_json import Json
from credentials.errors import HandstampError
from credentials.protocols.members import Members, check_text
from credentials.refusals import Expired
from credentials.status.bitstring import (
    CREDENTIAL_TYPE,
    LIST_TYPE,
    REFRESH,
    REVOCATION,
    SUSPENSION,
    Bitstring,
    BitstringEntry,
)
from credentials.status.errors import (
    CredentialRevoked,
    CredentialSuspended,
    StatusListNeeded,
    UnknownStatus,
    WrongStatusList,
)
from credentials.status.lookup import StatusCheck
from credentials.status.reference import check_own_host
from credentials.status.token import StatusList
from credentials.vcdm import check_credential, read_issuer

_WHAT: Final = "status list"
_SEAL: Final = object()
_MAX_PURPOSES: Final = 8
_REFUSALS: Final[Mapping[str, Callable[[], HandstampError]]] = {
    REVOCATION: CredentialRevoked,
    SUSPENSION: CredentialSuspended,
}


class RevocationList(Protocol):
    """A list in either form: a co-op gives the same entries as a Bitstring Status List and as a Status List Token."""

    @property
    def issuer(self) -> str:
        """Whose it is."""

    def check_not_expired(self, at: datetime) -> None:
        """Check that it may still be relied on; raises `Expired`."""

    def look_up(self, entry: BitstringEntry) -> int:
        """Return the status of an entry; zero is good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevocations:
    """A Status List Token at the very address that a `BitstringStatusListEntry` names: the same, told otherwise."""

    listed: StatusList

    @property
    def issuer(self) -> str:
        """Whose it is."""
        return self.listed.issuer

    def check_not_expired(self, at: datetime) -> None:
        """As `StatusList.check_not_expired`."""
        self.listed.check_not_expired(at)

    def look_up(self, entry: BitstringEntry) -> int:
        """Return the status of an entry.

        Raises:
            WrongStatusList: such a list says of one bit whether something was taken back, and nothing else.
            StatusOutOfRange: it ends before the entry.
        """
        if (entry.purpose, entry.size, self.listed.statuses.bits) != (REVOCATION, 1, 1):
            raise WrongStatusList("it is for another purpose than the credential says")
        return self.listed.statuses[entry.index]


@dataclass(frozen=True, slots=True)
class BitstringList:
    """Evidence that an issuer said this of its credentials. Only `verify_bitstring_list` makes one."""

    seal: InitVar[object]
    _: KW_ONLY
    uri: str
    issuer: str
    purposes: frozenset[str]
    encoded: Json = field(repr=False)
    """`encodedList`; an entry says in how many bits it is to be read."""
    valid_until: datetime | None

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("A status list comes from verify_bitstring_list() only.")

    def check_not_expired(self, at: datetime) -> None:
        """Check that it may still be relied on.

        Raises:
            Expired: it may not.
        """
        if self.valid_until is not None and at > self.valid_until:
            raise Expired(_WHAT)

    def look_up(self, entry: BitstringEntry) -> int:
        """Return the status of an entry; zero is good.

        Raises:
            WrongStatusList: the list is for another purpose.
            StatusOutOfRange: it ends before the entry.
            Malformed, StatusListTooShort: it cannot be read in entries of this size.
        """
        if entry.purpose not in self.purposes:
            raise WrongStatusList("it is for another purpose than the credential says")
        return Bitstring.parse(self.encoded, size=entry.size)[entry.index]


def verify_bitstring_list(
    document: Mapping[str, Json], *, uri: str, issuer: str, find_key: FindKey, at: datetime, clock_skew_s: int = 60
) -> BitstringList:
    """Verify a list that was fetched from `uri`, as an issuer's credentials name it.

    1. It is a credential by every rule of VCDM 2.0, of the type of status lists, and valid now.
    2. The issuer of the credentials issued it: lists by others are not taken.
    3. Its proofs hold, by keys of the issuer.
    4. An `id`, where there is one, is the very address that the credential names.

    Raises:
        HandstampError: the first step that fails says why.
    """
    check_credential(document, at=at, clock_skew_s=clock_skew_s, what=_WHAT)  # (1)
    types = document["type"]
    if CREDENTIAL_TYPE not in (types if isinstance(types, list) else [types]):
        raise WrongStatusList("it is a credential of another type")
    if read_issuer(document) != issuer:  # (2)
        raise WrongStatusList("it is another issuer's")
    proven = verify_proofs(document, ProofPolicy(find_key=find_key, at=at, clock_skew_s=clock_skew_s))  # (3)
    for proof in proven.proofs:
        check_controller(document, proof.verification_method, role="issuer")
    if document.get("id", uri) != uri:  # (4)
        raise WrongStatusList("it names another address as its own")
    subject = Members(document["credentialSubject"], what=_WHAT)
    if subject.get("type") != LIST_TYPE:
        raise WrongStatusList("what it is about is no list")
    until = document.get("validUntil")
    return BitstringList(
        _SEAL,
        uri=uri,
        issuer=issuer,
        purposes=_read_purposes(subject),
        encoded=subject.required("encodedList"),
        valid_until=None if until is None else parse_date_time(until, what="`validUntil` of the status list"),
    )


def check_bitstring_status(
    entries: Iterable[BitstringEntry],
    *,
    issuer: str,
    lists: Mapping[str, RevocationList],
    at: datetime,
    known_as: str | None = None,
    lenient: Collection[str] = (),
) -> StatusCheck:
    """Look a credential's entries up; every one of them must be good.

    Args:
        entries: as the credential names them.
        issuer: of the credential; its lists must be at its own host, so that nobody else learns who is looked up.
        lists: the lists at hand, under their addresses.
        at: the time of the check.
        known_as: another name of the issuer, under which a list may be known.
        lenient: addresses of lists that could not be had, and without which the credential is taken.

    Raises:
        StatusElsewhere: a list is at another host than the issuer's.
        StatusListNeeded: a list is not at hand.
        Expired: a list is past its end.
        CredentialRevoked, CredentialSuspended, UnknownStatus: the credential is not good.
        HandstampError: as `BitstringList.look_up`.
    """
    checked = StatusCheck.NONE
    for entry in entries:
        check_own_host(entry.uri, issuer=issuer)
        found = lists.get(entry.uri)
        if found is None and entry.uri in lenient:
            return StatusCheck.UNKNOWN
        if found is None or found.issuer not in (issuer, known_as):
            raise StatusListNeeded(entry.uri, issuer)
        found.check_not_expired(at)
        check_entry(entry, found)
        checked = StatusCheck.CURRENT
    return checked


def check_entry(entry: BitstringEntry, found: RevocationList) -> None:
    """Check what a list says of one entry; whose list it is, and how old, was checked before.

    Raises:
        CredentialRevoked, CredentialSuspended, UnknownStatus: the credential is not good.
        HandstampError: as `BitstringList.look_up`.
    """
    # A credential of which a newer one can be had is still good.
    if found.look_up(entry) and entry.purpose != REFRESH:
        refusal = _REFUSALS.get(entry.purpose, UnknownStatus)
        raise refusal()


def _read_purposes(subject: Members) -> frozenset[str]:
    value = subject.required("statusPurpose")
    named = value if isinstance(value, list) else [value]
    if not 0 < len(named) <= _MAX_PURPOSES:
        raise WrongStatusList("it names no purpose, or too many")
    return frozenset(check_text(each, what=subject.named("statusPurpose"), max_chars=100) for each in named)
