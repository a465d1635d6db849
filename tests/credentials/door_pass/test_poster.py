"""The poster at the door: read where its own site signed it, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from credentials.door_pass import Limit, Poster, PosterUntrusted, check_poster, sign_poster
from credentials.errors import HandstampError, Malformed
from credentials.keys.errors import UnsupportedAlgorithm, WrongTyp
from credentials.keys.jws import sign_jws
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.refusals import Expired, NotYetValid
from schemas import COOP_MEMBERSHIP, TRACK_OWNERSHIP
from tests.support.doors import COOP, GATE, NOW, TRACK

if TYPE_CHECKING:
    from collections.abc import Collection

    from credentials.keys.jwk import PublicKey

VENUE, COOP_KEY = LocalSigner.generate(), LocalSigner.generate()
POSTER = Poster(
    gate=GATE,
    name="The back room",
    accepts=((TRACK_OWNERSHIP.vct, (TRACK,)), (COOP_MEMBERSHIP.vct, ())),
    limit=Limit.EVER,
    issued_at=NOW.replace(microsecond=0),
    expires_at=NOW.replace(microsecond=0) + timedelta(days=30),
)
TEXT = sign_poster(POSTER, VENUE)
CLAIMS: dict[str, Any] = {
    "gate": GATE,
    "name": "The back room",
    "accepts": [{"vct": TRACK_OWNERSHIP.vct}],
    "limit": "ever",
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 1_000,
}


def keys_of(origin: str) -> Collection[PublicKey]:
    keys = {"https://venue.example": [LocalSigner.generate(KeyKind.ED25519), VENUE], COOP: [COOP_KEY]}
    return [signer.public_key for signer in keys.get(origin, [])]


def test_a_poster_tells_the_gate_and_what_it_asks() -> None:
    assert check_poster(TEXT, keys_of=keys_of, at=NOW) == POSTER
    assert POSTER.origin == "https://venue.example"


def test_nobody_speaks_for_the_door_of_another_site() -> None:
    for signer in (COOP_KEY, LocalSigner.generate(), LocalSigner.generate(KeyKind.P384)):
        with pytest.raises(PosterUntrusted):
            check_poster(sign_poster(POSTER, signer), keys_of=keys_of, at=NOW)
    elsewhere = replace(POSTER, gate="https://unknown.example/gates/1")
    with pytest.raises(PosterUntrusted):
        check_poster(sign_poster(elsewhere, VENUE), keys_of=keys_of, at=NOW)


@pytest.mark.parametrize(("days", "error"), [(-1, NotYetValid), (31, Expired)])
def test_a_poster_has_its_time(days: int, error: type[HandstampError]) -> None:
    with pytest.raises(error):
        check_poster(TEXT, keys_of=keys_of, at=NOW + timedelta(days=days))


@pytest.mark.parametrize(
    "changes",
    [
        {"gate": "https://venue.example"},
        {"gate": GATE + "#2026-11"},
        {"gate": None},
        {"name": ""},
        {"name": "x" * 121},
        {"accepts": []},
        {"accepts": [{}]},
        {"accepts": [{"vct": TRACK_OWNERSHIP.vct, "ids": "all"}]},
        {"accepts": [{"vct": TRACK_OWNERSHIP.vct}] * 9},
        {"limit": "twice"},
        {"exp": None},
        {"iat": "now"},
    ],
)
def test_what_no_wallet_could_read_is_refused_on_both_sides(changes: dict[str, Any]) -> None:
    text = sign_jws({"typ": "handstamp-door-poster+jwt"}, CLAIMS | changes, VENUE)
    with pytest.raises(HandstampError):
        check_poster(text, keys_of=keys_of, at=NOW)


def test_what_is_no_poster_is_none() -> None:
    with pytest.raises(WrongTyp):
        check_poster(sign_jws({"typ": "JWT"}, CLAIMS, VENUE), keys_of=keys_of, at=NOW)
    with pytest.raises(Malformed):
        check_poster("https://venue.example/gates/7", keys_of=keys_of, at=NOW)
    with pytest.raises(Malformed):
        check_poster("A" * 2_049, keys_of=keys_of, at=NOW)
    with pytest.raises(UnsupportedAlgorithm):
        check_poster("eyJhbGciOiJub25lIn0.e30.", keys_of=keys_of, at=NOW)
    with pytest.raises(Malformed):
        sign_poster(replace(POSTER, name=""), VENUE)
