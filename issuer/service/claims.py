"""What a copy's credential says. Every claim of the type is always there, so that all of one type have one shape."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeVar

from credentials.protocols.catalogue import CatalogueEntry
from issuer.catalogue import Release, Track
from issuer.copies import Copy, CopyKind
from issuer.ports import Catalogue, Claimable
from issuer.registers import over_16
from schemas import NOT_KNOWN, pad_catalogue

_Found = TypeVar("_Found")
_IN_GOOD_STANDING: Final = "good"


def claims_for(store: Claimable, copy: Copy, *, coop: str, now: datetime) -> Mapping[str, str]:
    """Return the disclosable claims of a copy's credential, by name.

    Nothing that names a person is among them: of the register's birth date only whether it is 16 years ago.

    Args:
        store: catalogue and registers.
        copy: what is to be proved; it must not have ended.
        coop: the co-op's address, as `iss` has it.
        now: the moment of issuance; the claims say the same all through its month.
    """
    return _CLAIMS[copy.kind](store, copy, coop, now)


def catalogue_entry(catalogue: Catalogue, release_id: str) -> CatalogueEntry | None:
    """Return what all copies of a release and its tracks say alike; None if there is no such release."""
    release = catalogue.release(release_id)
    if release is None:
        return None
    tracks = [_common_of_track(each, release) for each in release.tracks]
    return CatalogueEntry(release=_common_of_release(release), tracks=tracks)


def _track(store: Claimable, copy: Copy, _coop: str, _now: datetime) -> dict[str, str]:
    track = _there(store.track(copy.subject))
    return {**_common_of_track(track, _there(store.release(track.release))), **_ownership(copy)}


def _release(store: Claimable, copy: Copy, _coop: str, _now: datetime) -> dict[str, str]:
    return {**_common_of_release(_there(store.release(copy.subject))), **_ownership(copy)}


def _common_of_track(track: Track, release: Release) -> dict[str, str]:
    return {
        "track": track.id,
        "name": track.title,
        "byArtist": track.artist,
        "isrcCode": track.isrc or NOT_KNOWN,
        "inAlbum": release.id,
        "albumName": release.title,
    }


def _common_of_release(release: Release) -> dict[str, str]:
    return {
        "release": release.id,
        "name": release.title,
        "byArtist": release.artist,
        "albumReleaseType": release.release_type,
        "gtin": release.gtin or NOT_KNOWN,
    }


def _ownership(copy: Copy) -> dict[str, str]:
    return {"acquisition": copy.acquisition.value, "acquired": copy.month, "copy": copy.id}


def _membership(store: Claimable, copy: Copy, coop: str, now: datetime) -> dict[str, str]:
    member = _there(store.membership(copy.subject))
    return {
        "coop": coop,
        "standing": _IN_GOOD_STANDING,
        "shareClass": member.share_class,
        "over16": over_16(store.birth_date(member.listener), at=now),
        "since": member.since,
        "membership": member.number,
    }


def _artist(store: Claimable, copy: Copy, _coop: str, _now: datetime) -> dict[str, str]:
    persona = _there(store.persona(copy.subject))
    return {
        "persona": persona.id,
        "name": persona.name,
        "kind": persona.kind.value,
        "vouchedBy": persona.vouched_by,
        "vouching": persona.vouching,
        "catalogue": pad_catalogue(persona.catalogue),
        "copy": copy.id,
    }


def _contribution(store: Claimable, copy: Copy, coop: str, _now: datetime) -> dict[str, str]:
    given = _there(store.contribution(copy.subject))
    return {
        "coop": coop,
        "contribution": given.what,
        "role": given.role,
        "period": given.period,
        "copy": copy.id,
    }


_CLAIMS: Final[Mapping[CopyKind, Callable[[Claimable, Copy, str, datetime], dict[str, str]]]] = {
    CopyKind.TRACK: _track,
    CopyKind.RELEASE: _release,
    CopyKind.MEMBERSHIP: _membership,
    CopyKind.ARTIST: _artist,
    CopyKind.CONTRIBUTION: _contribution,
}


def _there(found: _Found | None) -> _Found:
    if found is None:
        raise LookupError("A copy names something that is neither in the catalogue nor in a register.")
    return found
