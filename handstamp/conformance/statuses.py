"""The status lists of the service (Bitstring Status List 1.0), kept in memory as long as it runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from credentials.encoding import base64url
from credentials.encoding.strict_json import Json
from credentials.status.bitstring import (
    MIN_ENTRIES,
    Bitstring,
    BitstringEntry,
    build_bitstring_credential,
)
from handstamp.conformance.instances import Instance, WholeDocument
from handstamp.conformance.problems import CredentialUnknown, NotOffered

_LIFETIME: Final = timedelta(days=1)
_TTL: Final = timedelta(minutes=5)
_ID_BYTES: Final = 16
_INDEX_BYTES: Final = 8
_MAX_LISTS: Final = 64
_MAX_CREDENTIALS: Final = 100_000


@dataclass(slots=True)
class _List:
    """One list, its owner, and which indices are taken."""

    owner: Instance
    purpose: str
    statuses: Bitstring
    taken: set[int] = field(default_factory=set)


class StatusLists:
    """All lists of the service, and which entries belong to which credential."""

    def __init__(self, *, base_url: str, random: Callable[[int], bytes]) -> None:
        """Start with none; `base_url` is where the service is reached."""
        self._base_url = base_url
        self._random = random
        self._lists: dict[str, _List] = {}
        self._entries: dict[tuple[str, str], list[BitstringEntry]] = {}

    def create(self, owner: Instance, *, purpose: str) -> str:
        """Make a list and return its address.

        Raises:
            NotOffered: there are too many already, or the instance signs what is shown in parts: a list is not.
        """
        if not isinstance(owner.suite, WholeDocument):
            raise NotOffered("sign status lists")
        if len(self._lists) >= _MAX_LISTS:
            raise NotOffered(f"keep more than {_MAX_LISTS} status lists")
        uri = f"{self._base_url}/{owner.name}/status-lists/{base64url.encode(self._random(_ID_BYTES))}"
        self._lists[uri] = _List(owner, purpose, Bitstring.all_valid())
        return uri

    def assign(self, owner: Instance, credential_id: str | None) -> list[Json]:
        """Take an entry for each purpose of an instance, for a credential that is about to be issued.

        Raises:
            NotOffered: there are too many credentials already.
        """
        if len(self._entries) >= _MAX_CREDENTIALS:
            raise NotOffered("keep the statuses of more credentials")
        entries = [self._assign_one(owner, purpose) for purpose in owner.status_purposes]
        if credential_id is not None and entries:
            self._entries[owner.name, credential_id] = entries
        return [entry.to_json() for entry in entries]

    def _assign_one(self, owner: Instance, purpose: str) -> BitstringEntry:
        found = (uri for uri, each in self._lists.items() if each.owner is owner and each.purpose == purpose)
        uri = next(found, None) or self.create(owner, purpose=purpose)
        chosen = self._lists[uri]
        # At random, as §6.2 of the standard advises, so that an index does not say when a credential was issued. The
        # cap on credentials leaves enough of them free.
        while (index := int.from_bytes(self._random(_INDEX_BYTES)) % MIN_ENTRIES) in chosen.taken:
            pass
        chosen.taken.add(index)
        return BitstringEntry(uri=uri, index=index, purpose=purpose)

    def update(self, owner: Instance, credential_id: str, *, purpose: str, status: bool) -> None:
        """Set one status of a credential.

        Raises:
            CredentialUnknown: it was not issued here, or has no status of this kind.
        """
        entries = self._entries.get((owner.name, credential_id), [])
        entry = next((each for each in entries if each.purpose == purpose), None)
        if entry is None:
            raise CredentialUnknown
        changed = self._lists[entry.uri]
        changed.statuses = changed.statuses.replaced({entry.index: int(status)})

    def publish(self, uri: str, *, at: datetime) -> dict[str, Json]:
        """Sign a list as it is now.

        Raises:
            CredentialUnknown: there is no such list.
        """
        published = self._lists.get(uri)
        if published is None:
            raise CredentialUnknown
        unsigned = build_bitstring_credential(
            published.statuses,
            uri=uri,
            issuer_did=published.owner.did,
            purpose=published.purpose,
            valid_from=at,
            valid_until=at + _LIFETIME,
            ttl=_TTL,
        )
        return published.owner.issue(unsigned, mandatory=None, at=at)

    def __contains__(self, uri: str) -> bool:
        return uri in self._lists


def with_status(credential: Mapping[str, Json], entries: list[Json]) -> dict[str, Json]:
    """Return a credential with entries in status lists beside those that it has already."""
    if not entries:
        return dict(credential)
    existing = credential.get("credentialStatus", [])
    others = existing if isinstance(existing, list) else [existing]
    return {**credential, "credentialStatus": [*others, *entries]}
