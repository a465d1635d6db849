"""What the kills happen to: the parties of the other tests, on a database of each engine in turn."""

from __future__ import annotations

import secrets
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING, cast

import pytest
from rich.console import Console

from handstamp.commands.adding import add_folder
from plumbing.ids import new_public_id, new_secret
from plumbing.web.pages import Pages
from tests.faults.killing import Reopened
from tests.faults.redeeming import FREE, MONTHLY, ONCE, Doors
from tests.trackserver.conftest import BASE_URL, make_audio
from tests.verifier.conftest import (
    ARTIST,
    RELEASE,
    Site,
    authority,
    certified,
    clock,
    coop,
    make_gate,
    site,
    trackserver,
)
from tests.verifier.linked import LinkedCoop, NymHolder, trust
from trackserver.parts import TEMPLATES, TrackserverParts
from trackserver.service.allow_verifier import allow_verifier
from trackserver.store.catalogue import SqlCatalogue
from trackserver.store.passes import SqlPins
from verifier.gates import Counting
from verifier.limits import Monthly, OnceEver
from verifier.proofs import OwnsRelease

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from plumbing.database import Database
    from trackserver.catalogue import Release

__all__ = ["authority", "certified", "clock", "coop", "site", "trackserver"]
_HOLDERS = 8


@pytest.fixture
def database(new_database: Callable[[str], str]) -> Iterator[Database]:
    """The site's, on either engine."""
    database = Reopened(new_database("verifier"))
    yield cast("Database", database)
    database.close()


@pytest.fixture
def tracks(site: Site, new_database: Callable[[str], str], tmp_path: Path) -> Iterator[TrackserverParts]:
    """A trackserver."""
    database = Reopened(new_database("trackserver"))
    yield TrackserverParts(
        database=cast("Database", database),
        pages=Pages(TEMPLATES, site_name="Test tracks"),
        base_url=BASE_URL,
        covers=tmp_path / "covers",
        clock=site.clock,
        new_secret=new_secret,
        new_id=new_public_id,
        random=secrets.token_bytes,
    )
    database.close()


@pytest.fixture
def doors(site: Site, tracks: TrackserverParts, tmp_path: Path) -> Doors:
    """Three gates to one release that the trackserver has, and listeners who hold it."""
    release = _add_release(tracks, tmp_path / "album", site)
    opens = replace(make_gate(OwnsRelease(release_id=RELEASE), clock=site.clock).opens, release_id=release.id)
    once = Counting(limit=OnceEver(), key=secrets.token_bytes(32), takes_other_wallets=False)
    monthly = Counting(limit=Monthly(times=3), key=secrets.token_bytes(32), takes_other_wallets=True)
    wanted = OwnsRelease(release_id=RELEASE)
    gates = {
        name: site.save_gate(make_gate(wanted, clock=site.clock, counting=counting, opens=opens))
        for name, counting in ((ONCE, once), (MONTHLY, monthly), (FREE, None))
    }
    linked = trust(site, LinkedCoop())
    nyms = {f"listener {number}": NymHolder(linked).receive(site.clock()) for number in range(_HOLDERS)}
    copies = tuple(secrets.token_urlsafe(16) for _ in range(_HOLDERS))
    databases = (cast("Reopened", site.database), cast("Reopened", tracks.database))
    made = Doors(site=site, tracks=tracks, databases=databases, gates=gates, nyms=nyms, copies=copies)
    made.leave()
    return made


def _add_release(tracks: TrackserverParts, folder: Path, site: Site) -> Release:
    tags = {"title": "Undertow", "artist": "Marrow & Vale", "album": "Low Tide", "tracknumber": "1"}
    make_audio(folder / "01.flac", **tags)
    added, _ = add_folder(tracks, folder, title=None, artist=None, notes=Console(file=StringIO()))
    with tracks.database.write() as session:
        allow_verifier(
            SqlCatalogue(session),
            SqlPins(session),
            issuer=ARTIST,
            release_id=added.release.id,
            keys=[site.parts.grant_signer.public_key],
            now=site.clock(),
        )
    return added.release
