"""The closed table of credential types.

Each type has a folder under `data/` with its JSON Schema (2020-12), its type metadata (SD-JWT VC §6) and an example.
They are read at first use, once. Every claim but the protocol's own is selectively disclosable and always present;
what is not known is the word "none": so that every credential of a type has the same shape, and its shape says nothing
of its holder.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any, Final

from schemas.context import VOCABULARY
from schemas.linked import (
    CREDENTIAL_TYPE,
    CREDENTIAL_TYPE_IRI,
    STATEMENTS_OF_THE_FRAME,
    build_example,
    build_public_schema,
    build_schema,
)

NOT_KNOWN: Final = "none"
"""Stands for a fact that is not known: a claim is never left out."""
CATALOGUE_STEP: Final = 592
"""The claim `catalogue` is filled up with spaces to a multiple of so many characters: 16 ids with a space each."""


@dataclass(frozen=True, kw_only=True)
class CredentialType:
    """One type of credential.

    Attributes:
        configuration_id: its key in the issuer's metadata (OpenID4VCI §12.2.4), also its name in documents.
        vct: its type identifier (SD-JWT VC §3.2.2.1).
        scope: what a wallet asks the authorization server for to get it (OpenID4VCI §5.1.2).
        subject_claim: the claim that says what, or whom, the credential is about.
        digest_count: how many digests every credential of the type carries, decoys included (RFC 9901 §4.2.5).
        countable_claim: the claim that is the same in every instance of one copy, or one membership, and no other's.
            A limited gate counts by it; whoever shows it becomes recognisable.
        lifetime_months: it ends with the first second of the month that many months after the one it was issued in;
            None if it never ends.
        padded_claims: claims that are filled up with spaces, so that their length tells nobody apart.
    """

    configuration_id: str
    vct: str
    scope: str
    subject_claim: str
    digest_count: int = 12
    countable_claim: str = "copy"
    lifetime_months: int | None = None
    padded_claims: frozenset[str] = frozenset()

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

    @property
    def ldp_types(self) -> tuple[str, str]:
        """`type` of its linked form (VCDM 2.0 §4.5), in this order."""
        return CREDENTIAL_TYPE, self.configuration_id

    @property
    def type_iris(self) -> tuple[str, str]:
        """The same as full IRIs, as DCQL's `type_values` name them (OpenID4VP 1.0 App. B.1.1)."""
        return CREDENTIAL_TYPE_IRI, f"{VOCABULARY}{self.configuration_id}"

    @cached_property
    def linked_claim_names(self) -> tuple[str, ...]:
        """The claims of its linked form, in order: all but the countable one, for which a pseudonym stands."""
        return tuple(name for name in self.claim_names if name != self.countable_claim)

    @property
    def message_count(self) -> int:
        """How many messages bbs-2023 signs in its linked form, beside what is mandatory; alike for every holder."""
        return len(self.linked_claim_names) + STATEMENTS_OF_THE_FRAME

    @cached_property
    def linked_schema(self) -> dict[str, Any]:
        """JSON Schema of its linked form, as its holder has it."""
        return self._linked_schema(complete=True)

    @cached_property
    def shown_schema(self) -> dict[str, Any]:
        """JSON Schema of its linked form, as a verifier sees it: any claims of it."""
        return self._linked_schema(complete=False)

    @cached_property
    def public_schema(self) -> dict[str, Any]:
        """JSON Schema of the form that is published and names its subject."""
        return build_public_schema(self.vct, self.configuration_id, self.linked_claim_names, self._claim_schemas)

    @cached_property
    def linked_example(self) -> dict[str, Any]:
        """An example of its linked form, without its proof; it satisfies `linked_schema`."""
        return build_example(self.configuration_id, self.linked_claim_names, self.example)

    @cached_property
    def logo(self) -> bytes:
        """The picture that stands for the type: SVG, for pages. Type metadata carries it as PNG."""
        return self._read("logo.svg")

    @property
    def _claim_schemas(self) -> dict[str, Any]:
        schemas: dict[str, Any] = self.json_schema["properties"]
        return schemas

    def _linked_schema(self, *, complete: bool) -> dict[str, Any]:
        return build_schema(
            self.vct, self.configuration_id, self.linked_claim_names, self._claim_schemas, complete=complete
        )

    def _load(self, name: str) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self._read(name))  # noqa: TID251  # our own packaged file, not input
        return loaded

    def _read(self, name: str) -> bytes:
        return (files("schemas") / "data" / self.configuration_id / name).read_bytes()


def pad_catalogue(ids: Iterable[str]) -> str:
    """Write the claim `catalogue` of a verified artist: ids joined by spaces, filled up to a multiple of the step."""
    text = "".join(f"{each} " for each in ids)
    steps = max(1, -(-len(text) // CATALOGUE_STEP))
    return text.ljust(steps * CATALOGUE_STEP)


TRACK_OWNERSHIP: Final = CredentialType(
    configuration_id="TrackOwnershipCredential",
    vct="urn:handstamp:credential:track-ownership:1",
    scope="track_ownership",
    subject_claim="track",
)
RELEASE_OWNERSHIP: Final = CredentialType(
    configuration_id="ReleaseOwnershipCredential",
    vct="urn:handstamp:credential:release-ownership:1",
    scope="release_ownership",
    subject_claim="release",
)
COOP_MEMBERSHIP: Final = CredentialType(
    configuration_id="CoopMembershipCredential",
    vct="urn:handstamp:credential:coop-membership:1",
    scope="coop_membership",
    subject_claim="coop",
    countable_claim="membership",
    lifetime_months=2,
)
VERIFIED_ARTIST: Final = CredentialType(
    configuration_id="VerifiedArtistCredential",
    vct="urn:handstamp:credential:verified-artist:1",
    scope="verified_artist",
    subject_claim="persona",
    lifetime_months=12,
    padded_claims=frozenset({"catalogue"}),
)
CONTRIBUTION: Final = CredentialType(
    configuration_id="ContributionCredential",
    vct="urn:handstamp:credential:contribution:1",
    scope="contribution",
    subject_claim="contribution",
)
ALL: Final = (TRACK_OWNERSHIP, RELEASE_OWNERSHIP, COOP_MEMBERSHIP, VERIFIED_ARTIST, CONTRIBUTION)
BY_LDP_TYPE: Final = {each.configuration_id: each for each in ALL}
"""Under the more specific of the two values of `type` in the linked form."""
BY_VCT: Final = {each.vct: each for each in ALL}
BY_CONFIGURATION: Final = {each.configuration_id: each for each in ALL}
