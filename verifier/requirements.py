"""What a gate asks for, as a DCQL query: the one claim that decides, and nothing beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from credentials.protocols.dcql import ClaimQuery, CredentialQuery, CredentialSet, Query
from schemas import RELEASE_OWNERSHIP, TRACK_OWNERSHIP
from verifier.gates import OwnsRelease, OwnsTrack, Requirement

if TYPE_CHECKING:
    from schemas import CredentialType

TRACK: Final = "track"
RELEASE: Final = "release"


def build_query(requirement: Requirement) -> Query:
    """Write a requirement as a query (OpenID4VP 1.0 §6).

    A gate for a track opens to who owns the track, or the release that holds it (§6.2, `credential_sets`).
    """
    release = _owns(RELEASE, RELEASE_OWNERSHIP, requirement.release_id)
    match requirement:
        case OwnsRelease():
            return Query(credentials=(release,))
        case OwnsTrack():
            track = _owns(TRACK, TRACK_OWNERSHIP, requirement.track_id)
            return Query(credentials=(track, release), credential_sets=(CredentialSet(options=((TRACK,), (RELEASE,))),))
        case _:
            assert_never(requirement)


def _owns(query_id: str, kind: CredentialType, catalogue_id: str) -> CredentialQuery:
    claim = ClaimQuery(path=(kind.subject_claim,), values=(catalogue_id,))
    return CredentialQuery(id=query_id, vct_values=(kind.vct,), claims=(claim,))
