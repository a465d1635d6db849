"""DIDs that are their key, and those that lead to a document on the web."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.bbs import BbsPublicKey
from credentials.dids import (
    Relation,
    parse_did,
    parse_did_url,
)
from credentials.dids.did_jwk import build_did_jwk, read_did_jwk
from credentials.dids.did_key import build_did_key, read_did_key
from credentials.dids.did_web import build_did_web, build_did_web_address
from credentials.encoding import base64url
from credentials.encoding.multibase import decode_base58btc, encode_base58btc
from credentials.errors import HandstampError, Malformed
from credentials.keys.errors import PrivateKeyExposed
from credentials.keys.jwk import PublicKey
from credentials.keys.kinds import KeyKind
from tests.credentials.dids.methods import KEY, KEYS

if TYPE_CHECKING:
    from pathlib import Path


def published_key(document: dict[str, Any]) -> PublicKey | BbsPublicKey | None:
    """What the vector says the key is, in the older shapes that it is written in."""
    method = document["verificationMethod"][0]
    if "publicKeyJwk" in method:
        try:
            return PublicKey.parse_jwk(method["publicKeyJwk"], what="vector")
        except Malformed:
            return None
    if method["type"] not in ("Ed25519VerificationKey2018", "Bls12381G2Key2020"):
        return None
    raw = decode_base58btc("z" + method["publicKeyBase58"], what="vector", max_characters=160)
    if method["type"] == "Bls12381G2Key2020":
        return BbsPublicKey.parse(raw, what="vector")
    return PublicKey.from_multikey(encode_base58btc(b"\xed\x01" + raw), what="vector")


def test_the_published_did_keys_hold_the_keys_that_they_should(vectors_dir: Path) -> None:
    read = 0
    for path in sorted((vectors_dir / "did-key" / "test-vectors").glob("*.json")):
        for text, entry in json.loads(path.read_text()).items():
            if not text.startswith("did:"):
                continue
            did = parse_did(text, what="vector")
            if not did.identifier.startswith(("zDn", "z82", "z6Mk", "zUC7")):  # P-256, P-384, Ed25519, BLS12-381 in G2
                with pytest.raises(Malformed):
                    read_did_key(did)
                continue
            document = read_did_key(did)
            (key,) = (document.keys | document.bbs_keys).values()
            assert build_did_key(key) == text
            published = entry["didDocument"]
            assert published_key(published) in (None, key)
            find = document.find_bbs_key if isinstance(key, BbsPublicKey) else document.find_key
            assert find(published["verificationMethod"][0]["id"]) == key
            read += 1
    assert read == 15


@pytest.mark.parametrize("kind", KeyKind)
def test_a_did_that_is_its_key_gives_it_back(kind: KeyKind) -> None:
    key = KEYS[kind]
    by_key = read_did_key(parse_did(build_did_key(key), what="did"))
    assert by_key.find_key(f"#{key.multikey}", relation=Relation.ASSERTION) == key
    by_jwk = read_did_jwk(parse_did(build_did_jwk(key), what="did"))
    assert by_jwk.find_key(f"{by_jwk.did}#0", relation=Relation.AUTHENTICATION) == key


def test_the_example_of_did_jwk_is_read() -> None:
    did = (
        "did:jwk:eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImFjYklRaXVNczNpOF91c3pFakoydHBUdFJNNEVVM3l6OTFQSDZDZEgyVjAiL"
        "CJ5IjoiX0tjeUxqOXZXTXB0bm1LdG00NkdxRHo4d2Y3NEk1TEtncmwyR3pIM25TRSJ9"
    )
    document = read_did_jwk(parse_did(did, what="did"))
    assert document.find_key("#0").jwk["x"] == "acbIQiuMs3i8_uszEjJ2tpTtRM4EU3yz91PH6CdH2V0"


@pytest.mark.parametrize(
    ("jwk", "refusal"),
    [
        (KEY.jwk | {"use": "enc"}, Malformed),
        (KEY.jwk | {"d": "AA"}, PrivateKeyExposed),
        ([], Malformed),
        ({"x": "A" * 2000}, Malformed),
    ],
    ids=["for encryption", "private", "no object", "too large"],
)
def test_a_did_jwk_that_is_no_public_signature_key_is_refused(jwk: Any, refusal: type[HandstampError]) -> None:
    did = f"did:jwk:{base64url.encode(json.dumps(jwk).encode())}"
    with pytest.raises(refusal):
        read_did_jwk(parse_did(did, what="did"))


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "did",
        "did:",
        "did:web",
        "did:web:",
        "did:web:a:",
        "did:Web:a",
        "DID:web:a",
        "did:web:a b",
        "did:web:a/b",
        "did:web:a?b",
        "did:web:a#b",
        "did:web:a%2",
        "did:web:é",
        "did:web:a\n",
        "did:web:" + "a" * 2048,
    ],
)
def test_what_is_no_did_is_malformed(text: Any) -> None:
    with pytest.raises(Malformed):
        parse_did(text, what="did")


@pytest.mark.parametrize("text", [None, "did:web:a", "#0", "did:web:a#", "did:web:a/b#0", "did:web:a?b#0", "a#0"])
def test_what_names_no_key_of_a_did_is_malformed(text: Any) -> None:
    with pytest.raises(Malformed):
        parse_did_url(text, what="kid")


WEB = {
    "did:web:coop.example": "https://coop.example/.well-known/did.json",
    "did:web:coop.example:music:ours": "https://coop.example/music/ours/did.json",
    "did:web:coop.example%3A8443": "https://coop.example:8443/.well-known/did.json",
    "did:web:coop.example%3a8443:a": "https://coop.example:8443/a/did.json",
    "did:web:coop.localhost%3A8701": "http://coop.localhost:8701/.well-known/did.json",
    "did:web:coop.example:a%20b": "https://coop.example/a%20b/did.json",
}


@pytest.mark.parametrize(("did", "address"), WEB.items())
def test_a_did_web_leads_to_its_document(did: str, address: str) -> None:
    assert build_did_web_address(parse_did(did, what="did")) == address


@pytest.mark.parametrize(
    "did",
    [
        "did:web:coop.example::a",
        "did:web:coop.example:..:a",
        "did:web:coop.example:.",
        "did:web:coop.example:%2e%2e",
        "did:web:coop.example:a%2Fb",
        "did:web:coop.example:a%5Cb",
        "did:web:coop.example:a%3Fb",
        "did:web:coop.example:a%23b",
        "did:web:coop.example:a%00",
        "did:web:coop.example%2Fa",
        "did:web:user%40coop.example",
        "did:web:coop.example%3A0",
        "did:web:coop.example%3A99999",
        "did:web:%63oop.example",
        "did:web:0x7f.1",
        "did:web:-coop.example",
    ],
)
def test_a_did_web_that_leads_elsewhere_than_it_reads_is_malformed(did: str) -> None:
    with pytest.raises(Malformed):
        build_did_web_address(parse_did(did, what="did"))


@pytest.mark.parametrize(
    ("url", "did"),
    [
        ("https://coop.example", "did:web:coop.example"),
        ("https://coop.example:8443/music/", "did:web:coop.example%3A8443:music"),
        ("http://coop.localhost:8701", "did:web:coop.localhost%3A8701"),
    ],
)
def test_a_service_has_a_did_web_that_leads_back_to_it(url: str, did: str) -> None:
    assert build_did_web(url) == did
    assert build_did_web_address(parse_did(did, what="did")).startswith(url.rstrip("/"))


@pytest.mark.parametrize(
    "url", ["https://coop.example/a?b=c", "https://[::1]:8701", "https://coop.example/a%20b", "coop"]
)
def test_an_address_that_no_did_web_can_say_is_refused(url: str) -> None:
    with pytest.raises(Malformed):
        build_did_web(url)


@given(st.text(alphabet="did:webkyj%3A./#aZ0", max_size=40) | st.text(max_size=20))
def test_any_text_is_a_did_or_is_refused(text: str) -> None:
    for read_text in (
        lambda: build_did_web_address(parse_did(text, what="did")),
        lambda: read_did_key(parse_did(text, what="did")),
        lambda: read_did_jwk(parse_did(text, what="did")),
        lambda: parse_did_url(text, what="kid"),
    ):
        try:
            read_text()
        except HandstampError:
            continue
