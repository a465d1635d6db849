"""The closed table of credential types.

Each type has a folder under `data/` with its JSON Schema (2020-12), its type metadata (SD-JWT VC §6) and an example.
They are read at first use, once. Every claim but the protocol's own is selectively disclosable and always present;
what is not known is the word "none": so that every credential of a type has the same shape, and its shape says nothing
of its holder.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any, Final

NOT_KNOWN: Final = "none"
"""Stands for a fact that is not known: a claim is never left out."""


@dataclass(frozen=True, kw_only=True)
class CredentialType:
    """One type of credential.

    Attributes:
        configuration_id: its key in the issuer's metadata (OpenID4VCI §12.2.4), also its name in documents.
        vct: its type identifier (SD-JWT VC §3.2.2.1).
        subject_claim: the claim that holds the catalogue id of what is owned.
        digest_count: how many digests every credential of the type carries, decoys included (RFC 9901 §4.2.5).
    """

    configuration_id: str
    vct: str
    subject_claim: str
    digest_count: int

    @cached_property
    def type_metadata(self) -> dict[str, Any]:
        """SD-JWT VC type metadata: names, colours and claim labels for a wallet to show."""
        return self._load("type-metadata.json")

    @cached_property
    def json_schema(self) -> dict[str, Any]:
        """JSON Schema of the processed claims (every disclosure put back in its place)."""
        return self._load("schema.json")

    @cached_property
    def example(self) -> dict[str, Any]:
        """Processed claims of an example credential; it satisfies `json_schema`."""
        return self._load("example.json")

    @cached_property
    def claim_names(self) -> tuple[str, ...]:
        """The selectively disclosable claims, in the order in which type metadata lists them."""
        return tuple(entry["path"][0] for entry in self.type_metadata["claims"] if entry["sd"] == "always")

    def _load(self, name: str) -> dict[str, Any]:
        text = (files("schemas") / "data" / self.configuration_id / name).read_text("utf-8")
        loaded: dict[str, Any] = json.loads(text)  # noqa: TID251  # our own packaged file, not input
        return loaded


TRACK_OWNERSHIP: Final = CredentialType(
    configuration_id="TrackOwnershipCredential",
    vct="urn:handstamp:credential:track-ownership:1",
    subject_claim="track",
    digest_count=12,
)
RELEASE_OWNERSHIP: Final = CredentialType(
    configuration_id="ReleaseOwnershipCredential",
    vct="urn:handstamp:credential:release-ownership:1",
    subject_claim="release",
    digest_count=12,
)
ALL: Final = (TRACK_OWNERSHIP, RELEASE_OWNERSHIP)
BY_VCT: Final = {each.vct: each for each in ALL}
