"""A catalogue entry says what all copies say alike, and nothing of any listener."""

from typing import Any

import pytest

import schemas
from credentials.encoding import strict_json
from credentials.errors import Malformed
from credentials.protocols.catalogue import CatalogueEntry, catalogue_claims, catalogue_url

RELEASE = {name: str(schemas.RELEASE_OWNERSHIP.example[name]) for name in catalogue_claims(schemas.RELEASE_OWNERSHIP)}
TRACK = {name: str(schemas.TRACK_OWNERSHIP.example[name]) for name in catalogue_claims(schemas.TRACK_OWNERSHIP)}
ENTRY = CatalogueEntry(release=RELEASE, tracks=(TRACK,))


def test_an_entry_is_written_and_read_again() -> None:
    assert CatalogueEntry.parse(strict_json.dump(ENTRY.to_json())) == ENTRY
    assert catalogue_url("https://coop.example/music", "r1") == "https://coop.example/music/catalogue/r1"


def test_what_only_one_listener_has_is_not_in_it() -> None:
    assert not {"acquisition", "acquired", "copy"} & (RELEASE.keys() | TRACK.keys())


def test_an_entry_finds_the_release_and_its_tracks_by_their_numbers() -> None:
    assert ENTRY.find(schemas.RELEASE_OWNERSHIP, RELEASE["release"]) == RELEASE
    assert ENTRY.find(schemas.TRACK_OWNERSHIP, TRACK["track"]) == TRACK
    assert ENTRY.find(schemas.TRACK_OWNERSHIP, RELEASE["release"]) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"release": None},
        {"tracks": "none"},
        {"release": {**RELEASE, "copy": "q83vEjRWeJCrze8SNFZ4kA"}},
        {"release": {name: value for name, value in RELEASE.items() if name != "gtin"}},
        {"tracks": [{**TRACK, "name": 7}]},
    ],
)
def test_what_is_no_entry_is_malformed(changed: dict[str, Any]) -> None:
    body: dict[str, Any] = {**ENTRY.to_json(), **changed}
    with pytest.raises(Malformed):
        CatalogueEntry.parse(strict_json.dump(body))
