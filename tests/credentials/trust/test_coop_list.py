"""A list of co-ops counts when its publisher signed it, for this address, and nothing newer was read before."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from credentials.bbs import BbsSecretKey
from credentials.errors import HandstampError, Malformed
from credentials.keys.errors import BadSignature, PrivateKeyExposed, UnsupportedAlgorithm, WrongTyp
from credentials.keys.jws import sign_jws
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.trust import CoopList, TrustedIssuer, build_coop_list, parse_coop_list, verify_coop_list
from credentials.trust.errors import AmbiguousPolicy, CoopListExpired, CoopListRefused, CoopListRolledBack

NOW = datetime(2026, 11, 21, tzinfo=UTC)
URL = "https://federation.example/coops"
PUBLISHER = LocalSigner.generate()
COOP_KEY = LocalSigner.generate().public_key
BBS_KEY = BbsSecretKey.generate().public_key
AUTHORITY = trustme.CA(key_type=trustme.KeyType.ECDSA).cert_pem.bytes()
ENDS = NOW + timedelta(days=30)
LIST = CoopList(
    url=URL,
    name="Federation of music co-ops",
    version=7,
    issued_at=NOW,
    expires_at=ENDS,
    members=(
        TrustedIssuer(
            issuer="https://coop.example",
            name="Demo co-op",
            did="did:web:coop.example",
            keys=frozenset({COOP_KEY.thumbprint}),
            public_keys={"1": COOP_KEY},
            bbs_keys={f"did:web:coop.example#{BBS_KEY.multikey}": BBS_KEY},
            types=frozenset({"urn:a", "urn:b"}),
            until=ENDS,
        ),
        TrustedIssuer(
            issuer="https://other.example", name="Other", anchors=(AUTHORITY,), types=frozenset({"urn:a"}), until=ENDS
        ),
    ),
    publisher=PUBLISHER.public_key,
)


def check(text: str, **change: Any) -> CoopList:
    usual: dict[str, Any] = {"url": URL, "publisher": PUBLISHER.public_key.thumbprint, "known": None, "at": NOW}
    return verify_coop_list(text, **(usual | change))


def signed(*, signer: LocalSigner = PUBLISHER, **change: Any) -> str:
    return build_coop_list(replace(LIST, **change), signer)


@pytest.mark.parametrize("kind", KeyKind)
def test_a_list_reads_back_as_it_was_signed(kind: KeyKind) -> None:
    signer = LocalSigner.generate(kind)
    assert check(signed(signer=signer), publisher=signer.public_key.thumbprint) == LIST


def test_a_list_is_shown_before_anybody_has_compared_its_key() -> None:
    found = check(signed(), publisher=None)
    assert found.publisher == PUBLISHER.public_key
    assert [member.name for member in found.members] == ["Demo co-op", "Other"]


REFUSED: dict[str, tuple[str, dict[str, Any], type[HandstampError]]] = {
    "another publisher": (signed(signer=LocalSigner.generate()), {}, CoopListRefused),
    "another address": (signed(url="https://evil.example/coops"), {}, CoopListRefused),
    "from the future": (signed(), {"at": NOW - timedelta(minutes=2)}, CoopListRefused),
    "for years": (signed(expires_at=NOW + timedelta(days=401)), {}, CoopListRefused),
    "over": (signed(), {"at": ENDS}, CoopListExpired),
    "an older version": (signed(version=6), {"known": LIST}, CoopListRolledBack),
    "another under the same version": (signed(members=LIST.members[:1]), {"known": LIST}, CoopListRolledBack),
    "longer under the same version": (signed(expires_at=ENDS + timedelta(1)), {"known": LIST}, CoopListRolledBack),
}


@pytest.mark.parametrize(("text", "change", "refusal"), REFUSED.values(), ids=REFUSED.keys())
def test_a_list_that_is_not_the_one_subscribed_to_is_refused(
    text: str, change: dict[str, Any], refusal: type[HandstampError]
) -> None:
    with pytest.raises(refusal) as raised:
        check(text, **change)
    assert type(raised.value) is refusal


def test_a_newer_list_and_the_same_again_are_taken() -> None:
    assert check(signed(), known=LIST) == LIST
    shorter = check(signed(version=8, members=LIST.members[1:]), known=LIST)
    assert [member.issuer for member in shorter.members] == ["https://other.example"]


def claims(**change: Any) -> dict[str, Any]:
    member = {"issuer": "https://coop.example", "name": "Co-op", "types": ["urn:a"], "jwks": {"keys": [COOP_KEY.jwk]}}
    usual = {"sub": URL, "name": "List", "version": 1, "iat": 1795219200, "exp": 1797811200, "members": [member]}
    return {name: value for name, value in (usual | change).items() if value is not ...}


def with_member(**change: Any) -> dict[str, Any]:
    (member,) = claims()["members"]
    return claims(members=[{name: value for name, value in (member | change).items() if value is not ...}])


MALFORMED: dict[str, dict[str, Any]] = {
    "no address": claims(sub=...),
    "a plain address": claims(sub="http://coop.example"),
    "no version": claims(version=...),
    "version zero": claims(version=0),
    "a version that is no number": claims(version="1"),
    "no end": claims(exp=...),
    "no members": claims(members=[]),
    "too many members": claims(members=claims()["members"] * 501),
    "a member that is text": claims(members=["https://coop.example"]),
    "a member without keys": with_member(jwks=...),
    "a member with no key": with_member(jwks={"keys": []}),
    "a member with another kind of key": with_member(jwks={"keys": [{"kty": "RSA"}]}),
    "a member without types": with_member(types=[]),
    "a member without a host": with_member(issuer="urn:coop"),
    "a member with a broken DID": with_member(did="did:web:"),
    "a multikey without a name": with_member(multikeys=[{"publicKeyMultibase": BBS_KEY.multikey}]),
    "a multikey of another kind": with_member(
        multikeys=[{"id": "did:web:coop.example#1", "publicKeyMultibase": COOP_KEY.multikey}]
    ),
    "an authority that is no certificate": with_member(authorities=["AAAA"]),
    "an authority that is no text": with_member(authorities=[1]),
    "an authority that is no base64": with_member(authorities=["?"]),
}


@pytest.mark.parametrize("changed", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_list_is_malformed(changed: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        parse_coop_list(
            sign_jws({"typ": "handstamp-coop-list+jwt", "jwk": PUBLISHER.public_key.jwk}, changed, PUBLISHER)
        )


def test_a_list_under_a_header_of_another_kind_is_refused() -> None:
    jwk = PUBLISHER.public_key.jwk
    typ = "handstamp-coop-list+jwt"
    headers: list[tuple[dict[str, Any], type[HandstampError]]] = [
        ({"typ": "JWT", "jwk": jwk}, WrongTyp),
        ({"typ": typ}, Malformed),
        ({"typ": typ, "jwk": {**jwk, "d": "AA"}}, PrivateKeyExposed),
        ({"typ": typ, "jwk": LocalSigner.generate().public_key.jwk}, BadSignature),
        ({"typ": typ, "jwk": jwk, "alg": "none"}, UnsupportedAlgorithm),
    ]
    for header, refusal in headers:
        with pytest.raises(refusal):
            parse_coop_list(sign_jws(header, claims(), PUBLISHER))
    with pytest.raises(Malformed):
        parse_coop_list("x" * 600_000)


def test_a_list_that_names_a_co_op_twice_is_neither_published_nor_read() -> None:
    twice = (LIST.members[0], replace(LIST.members[1], issuer="did:web:coop.example"))
    for members in ((LIST.members[0], LIST.members[0]), (LIST.members[0], replace(twice[1], did=LIST.members[0].did))):
        with pytest.raises((AmbiguousPolicy, Malformed)):
            signed(members=members)


def test_a_member_may_have_keys_of_linked_credentials_alone() -> None:
    member = TrustedIssuer(
        issuer="https://coop.example", name="x", bbs_keys=LIST.members[0].bbs_keys, types=frozenset({"a"}), until=ENDS
    )
    assert check(signed(members=(member,))).members == (member,)


def test_authorities_travel_as_certificates_in_base64() -> None:
    der = x509.load_pem_x509_certificate(AUTHORITY).public_bytes(Encoding.DER)
    text = sign_jws(
        {"typ": "handstamp-coop-list+jwt", "jwk": PUBLISHER.public_key.jwk},
        with_member(jwks=..., authorities=[base64.b64encode(der).decode()]),
        PUBLISHER,
    )
    (member,) = parse_coop_list(text).members
    assert member.anchors == (AUTHORITY,)


@given(
    st.dictionaries(
        st.sampled_from(["sub", "name", "version", "iat", "exp", "members"]),
        st.none() | st.integers() | st.text(max_size=9) | st.lists(st.dictionaries(st.text(max_size=6), st.none())),
    )
)
def test_any_claims_are_a_list_or_are_refused(changed: dict[str, Any]) -> None:
    header = {"typ": "handstamp-coop-list+jwt", "jwk": PUBLISHER.public_key.jwk}
    try:
        text = sign_jws(header, claims() | changed, PUBLISHER)
        check(text)
    except HandstampError:
        return
