"""Documents of DIDs: read as they stand, and refused where they contradict themselves."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credentials.bbs import BbsSecretKey
from credentials.dids import (
    Relation,
    build_did_document,
    multikey_url,
    parse_did,
    parse_did_document,
    write_multikey,
)
from credentials.dids.did_key import build_did_key, read_did_key
from credentials.dids.document import key_url
from credentials.dids.errors import DidKeyEnded, DidKeyUnknown
from credentials.errors import HandstampError, Malformed
from credentials.keys.errors import PrivateKeyExposed
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from tests.credentials.dids.methods import COOP, KEY, KEYS, method, read

OTHER = LocalSigner.generate().public_key
BBS = BbsSecretKey.generate().public_key


def test_what_we_publish_reads_back() -> None:
    document = read()
    for key in (KEY, KEYS[KeyKind.ED25519]):
        for relation in Relation:
            assert document.find_key(key_url(COOP, key), relation=relation) == key
    assert len(document.keys_for(Relation.ASSERTION)) == 2


def test_relative_names_multikeys_and_keys_in_the_list_itself_are_read() -> None:
    multikey = {"type": "Multikey", "publicKeyMultibase": KEYS[KeyKind.P384].multikey, "publicKeyJwk": ...}
    inside = method(OTHER, "#inside")
    methods = [
        method(KEY),
        {name: value for name, value in method(KEY, "#2", **multikey).items() if value is not ...},
    ]
    document = read(verificationMethod=methods, assertionMethod=["#2", inside], authentication=[f"{COOP}#1"])
    assert document.find_key("#2", relation=Relation.ASSERTION) == KEYS[KeyKind.P384]
    assert document.find_key("#inside", relation=Relation.ASSERTION) == OTHER
    for url, relation in (("#1", Relation.ASSERTION), ("#inside", Relation.AUTHENTICATION), ("#3", None), ("1", None)):
        with pytest.raises(DidKeyUnknown):
            document.find_key(url, relation=relation)


def test_multikeys_that_we_publish_read_back_and_only_make_statements() -> None:
    written: Any = build_did_document(COOP, [KEY], multikeys=[BBS, KEYS[KeyKind.ED25519]])
    document = parse_did_document(json.dumps(written).encode(), did=COOP)
    assert document.published == written
    assert document.find_bbs_key(multikey_url(COOP, BBS)) == BBS
    assert document.bbs_keys_for(Relation.ASSERTION) == {multikey_url(COOP, BBS): BBS}
    assert not document.bbs_keys_for(Relation.AUTHENTICATION)
    assert document.find_key(f"#{KEYS[KeyKind.ED25519].multikey}", relation=Relation.ASSERTION)
    with pytest.raises(DidKeyUnknown):
        document.find_key(f"#{KEYS[KeyKind.ED25519].multikey}", relation=Relation.AUTHENTICATION)
    with pytest.raises(DidKeyUnknown):
        document.find_bbs_key("#other")


def test_a_bbs_key_never_proves_who_is_asking() -> None:
    document = read(verificationMethod=[write_multikey(COOP, BBS)], authentication=[multikey_url(COOP, BBS)])
    assert document.bbs_keys
    assert not document.bbs_keys_for(Relation.AUTHENTICATION)
    own = read_did_key(parse_did(build_did_key(BBS), what="did"))
    assert own.find_bbs_key(f"#{BBS.multikey}") == BBS
    assert not own.bbs_keys_for(Relation.AUTHENTICATION)


@pytest.mark.parametrize("name", ["expires", "revoked"])
def test_a_key_that_has_ended_is_no_longer_found(name: str) -> None:
    end = datetime(2026, 11, 1, tzinfo=UTC)
    methods = [
        method(KEY, **{name: "2026-11-01T00:00:00Z"}),
        write_multikey(COOP, BBS) | {name: "2026-11-01T00:00:00Z"},
    ]
    document = read(verificationMethod=methods, assertionMethod=["#1", multikey_url(COOP, BBS)])
    before, after = document.as_of(end - timedelta(seconds=1)), document.as_of(end)
    assert before.find_key("#1", relation=Relation.ASSERTION) == KEY
    assert not after.keys_for(Relation.ASSERTION)
    assert not after.bbs_keys_for(Relation.ASSERTION)
    with pytest.raises(DidKeyEnded):
        after.find_key("#1")
    with pytest.raises(DidKeyEnded):
        after.find_bbs_key(multikey_url(COOP, BBS))


PASSED_OVER: dict[str, dict[str, Any]] = {
    "a kind that is not known": {"publicKeyJwk": {"kty": "RSA", "n": "AQ", "e": "AQAB"}},
    "another way to write it": {"publicKeyJwk": ..., "publicKeyBase58": "abc"},
    "another base": {"publicKeyJwk": ..., "publicKeyMultibase": "uAAAA"},
    "no text": {"publicKeyJwk": ..., "publicKeyMultibase": 1},
    "somebody else's": {"controller": "did:web:evil.example"},
    "nobody's": {"controller": ...},
    "named as somebody else's": {"id": "did:web:evil.example#1"},
    "named as nobody's": {"id": "key-1"},
}


@pytest.mark.parametrize("change", PASSED_OVER.values(), ids=PASSED_OVER.keys())
def test_a_key_that_is_not_for_us_is_passed_over(change: dict[str, Any]) -> None:
    broken = {name: value for name, value in method(OTHER, **change).items() if value is not ...}
    document = read(verificationMethod=[method(KEY, "#ours"), broken], assertionMethod=["#ours", "#1", "key-1"])
    assert list(document.keys_for(Relation.ASSERTION)) == [f"{COOP}#ours"]


REFUSED: dict[str, dict[str, Any]] = {
    "another DID": {"id": "did:web:evil.example"},
    "no DID": {"id": ...},
    "keys in no list": {"verificationMethod": {}},
    "too many keys": {"verificationMethod": [method(KEY, f"#{n}") for n in range(65)]},
    "a key that is text": {"verificationMethod": ["#1"]},
    "a key without a name": {"verificationMethod": [method(KEY) | {"id": None}]},
    "two keys under one name": {"verificationMethod": [method(KEY), method(OTHER)]},
    "another key in the list itself": {"verificationMethod": [method(KEY)], "assertionMethod": [method(OTHER)]},
    "too many uses": {"authentication": ["#1"] * 65},
    "an end that is no moment": {"verificationMethod": [method(KEY, expires="soon")]},
    "too large": {"padding": "x" * 65_536},
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED.keys())
def test_a_document_that_contradicts_itself_is_malformed(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read(**change)


def test_a_document_with_a_private_key_is_refused_wholly() -> None:
    with pytest.raises(PrivateKeyExposed):
        read(verificationMethod=[method(KEY), method(OTHER, "#2", publicKeyJwk=OTHER.jwk | {"d": "AA"})])


@given(
    st.recursive(
        st.none() | st.booleans() | st.sampled_from([COOP, f"{COOP}#1", "#1", "JsonWebKey", KEY.multikey, ""]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["id", "type", "controller", "verificationMethod", "assertionMethod", "publicKeyJwk", "kty"]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_a_document_or_is_refused(value: Any) -> None:
    body = value if isinstance(value, dict) else {"verificationMethod": value}
    try:
        parse_did_document(json.dumps({"id": COOP} | body).encode(), did=COOP)
    except HandstampError:
        return
