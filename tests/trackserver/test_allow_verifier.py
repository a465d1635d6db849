import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.errors import HandstampError, Malformed
from credentials.keys.errors import PrivateKeyExposed
from credentials.keys.signer import LocalSigner
from trackserver.errors import ReleaseNotFound
from trackserver.parts import TrackserverParts
from trackserver.service.allow_verifier import (
    NoGrantKey,
    NothingToAllowAgain,
    allow_again,
    allow_verifier,
    parse_verifier_keys,
)
from trackserver.store.catalogue import SqlCatalogue
from trackserver.store.passes import SqlPins

KEY = LocalSigner.generate().public_key


def keys(*entries: Any) -> bytes:
    return json.dumps({"keys": list(entries)}).encode()


def test_the_keys_that_we_can_use_are_read_and_others_passed_over() -> None:
    other = {"kty": "RSA", "n": "AQAB", "e": "AQAB"}
    encryption = {**LocalSigner.generate().public_key.jwk, "use": "enc"}
    found = parse_verifier_keys(keys(other, {**KEY.jwk, "kid": "x", "use": "sig"}, encryption, "odd"))
    assert [key.thumbprint for key in found] == [KEY.thumbprint]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", Malformed),
        (b"{}", Malformed),
        (b'{"keys": {}}', Malformed),
        (keys(), NoGrantKey),
        (keys({"kty": "OKP", "crv": "Ed25519", "x": "AA"}), NoGrantKey),
        (keys(*[KEY.jwk] * 9), Malformed),
        (keys({**KEY.jwk, "d": "AA"}), PrivateKeyExposed),
        (keys({**KEY.jwk, "x": "AA"}), Malformed),
    ],
)
def test_a_key_set_that_cannot_be_used_is_refused(body: bytes, error: type[HandstampError]) -> None:
    with pytest.raises(error):
        parse_verifier_keys(body)


@given(st.binary(max_size=200) | st.recursive(st.text(), st.lists).map(lambda x: json.dumps(x).encode()))
def test_no_answer_breaks_the_reading(body: bytes) -> None:
    with pytest.raises(HandstampError):
        parse_verifier_keys(body)


def test_new_keys_take_the_place_of_the_old(parts: TrackserverParts, gate: Any) -> None:
    issuer = "http://artist.localhost:8703"
    gate.signer = LocalSigner.generate()
    gate.allow(gate.release.id)
    with parts.database.read() as session:
        pins = SqlPins(session).load_pins_of_verifier(issuer)
    assert [(pin.kid, pin.key) for pin in pins] == [(gate.signer.public_key.thumbprint, gate.signer.public_key)]


def test_nobody_can_be_allowed_to_open_what_is_not_here(parts: TrackserverParts) -> None:
    with parts.database.write() as session, pytest.raises(ReleaseNotFound):
        allow_verifier(
            SqlCatalogue(session),
            SqlPins(session),
            issuer="http://x.localhost",
            release_id="nowhere",
            keys=[KEY],
            now=parts.clock(),
        )


def test_a_site_that_exchanges_its_key_is_allowed_again_for_all_that_it_opened(
    parts: TrackserverParts, gate: Any
) -> None:
    gate.allow(gate.release.id)
    issuer, new = "http://artist.localhost:8703", LocalSigner.generate().public_key
    with parts.database.write() as session:
        catalogue, pins = SqlCatalogue(session), SqlPins(session)
        opened = allow_again(catalogue, pins, issuer=issuer, keys=(KEY, new), now=parts.clock())
        assert opened == (gate.release.id,)
        assert {pin.kid for pin in pins.load_pins_of_verifier(issuer)} == {KEY.thumbprint, new.thumbprint}
        with pytest.raises(NothingToAllowAgain):
            allow_again(catalogue, pins, issuer="http://stranger.localhost:1", keys=(new,), now=parts.clock())
