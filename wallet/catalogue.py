"""What a co-op's public catalogue says, asked where nothing names the listener, to hold what it hands over against.

A mark inside a title or a number that looks right could be found nowhere else: the same words must stand there for
everybody to see. The co-op hears which release is looked at, over a connection of its own, and handed out just that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from credentials.encoding.strict_json import Json
from credentials.errors import Malformed
from credentials.protocols.catalogue import LISTED, MAX_BYTES, CatalogueEntry, catalogue_claims, catalogue_url
from plumbing.fetch import FetchFailed
from schemas import CredentialType
from wallet.inspection import Marked
from wallet.ports import Tools
from wallet.wire import JSON, succeeded


@dataclass(slots=True)
class CatalogueReader:
    """Reads a co-op's catalogue; each release once in an errand."""

    issuer: str
    tools: Tools
    _read: dict[str, CatalogueEntry | None] = field(default_factory=dict)

    async def check(self, claims: Mapping[str, Json], kind: CredentialType, *, required: bool) -> None:
        """Check that a credential says of a track or release what the catalogue says of it, byte for byte.

        Args:
            claims: what it says.
            kind: its type; what is in no catalogue is not looked up.
            required: whether the co-op must have one: ours have, and whoever hands out linked credentials of our types.

        Raises:
            Marked: it says something else, or there is no catalogue although there must be.
        """
        if kind not in LISTED:
            return
        entry = await self._entry(str(claims[LISTED[kind]]))
        if entry is None:
            if required:
                raise Marked("the co-op's public catalogue does not have it, so its title could be for you alone")
            return
        listed = entry.find(kind, claims[kind.subject_claim])
        for name in catalogue_claims(kind):
            if listed is None or claims[name] != listed[name]:
                raise Marked(f"its {name} is not what the co-op's public catalogue says")

    async def _entry(self, release_id: str) -> CatalogueEntry | None:
        if release_id not in self._read:
            self._read[release_id] = await self._fetch(release_id)
        return self._read[release_id]

    async def _fetch(self, release_id: str) -> CatalogueEntry | None:
        try:
            async with self.tools.web(self.issuer) as web:
                url = catalogue_url(self.issuer, release_id)
                reply = await web.request("GET", url, headers=JSON, max_bytes=MAX_BYTES)
                return CatalogueEntry.parse(reply.body) if succeeded(reply) else None
        except (FetchFailed, Malformed):
            return None
