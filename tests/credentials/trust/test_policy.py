from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from credentials.errors import Malformed
from credentials.keys.certificates import load_chain_pem, parse_x5c
from credentials.keys.errors import CertificateExpired, CertificateUntrusted, CertificateWrongName
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.trust import TrustedIssuer, TrustPolicy
from credentials.trust.errors import AmbiguousPolicy, TrustExpired, TypeNotAllowed, UntrustedIssuer, WrongIssuerKey

if TYPE_CHECKING:
    from tests.credentials.conftest import World


def trusted(world: World, **changes: Any) -> TrustedIssuer:
    return replace(world.policy.issuers[0], **changes)


def test_an_issuer_is_found_by_its_exact_url(world: World) -> None:
    assert world.policy.issuer_for(world.issuer_url) == world.policy.issuers[0]
    for other in (world.issuer_url + "/", world.issuer_url.upper(), "http://coop.localhost", ""):
        with pytest.raises(UntrustedIssuer):
            world.policy.issuer_for(other)


def test_an_empty_policy_trusts_nobody(world: World) -> None:
    with pytest.raises(UntrustedIssuer):
        TrustPolicy().issuer_for(world.issuer_url)


def test_a_strangers_name_is_shown_short_and_harmless() -> None:
    with pytest.raises(UntrustedIssuer) as refusal:
        TrustPolicy().issuer_for("https://evil.example/\x1b[2J\n\u202e" + "x" * 500)
    assert refusal.value.detail.isprintable()
    assert len(refusal.value.detail) < 200


def test_an_issuer_cannot_be_listed_twice(world: World) -> None:
    with pytest.raises(AmbiguousPolicy):
        TrustPolicy((trusted(world), trusted(world, name="the same again")))


def test_an_issuer_may_issue_the_types_it_is_trusted_for(world: World) -> None:
    trusted(world).check_may_issue(world.vct)
    with pytest.raises(TypeNotAllowed, match="urn:other"):
        trusted(world).check_may_issue("urn:other")
    with pytest.raises(TypeNotAllowed):
        trusted(world, types=frozenset()).check_may_issue(world.vct)


def test_a_certified_key_is_the_issuers(world: World) -> None:
    header: dict[str, Any] = {"x5c": world.x5c}
    assert trusted(world).find_key(header, at=world.now) == world.issuer.public_key


def test_a_certificate_for_another_host_of_the_same_authority_is_not_the_issuers(world: World) -> None:
    with pytest.raises(CertificateWrongName, match=r"other\.localhost"):
        trusted(world, issuer="http://other.localhost:8701").find_key({"x5c": list(world.x5c)}, at=world.now)


def test_another_authority_does_not_make_a_key_the_issuers(world: World) -> None:
    other = trustme.CA(key_type=trustme.KeyType.ECDSA).cert_pem.bytes()
    with pytest.raises(CertificateUntrusted):
        trusted(world, anchors=(other,)).find_key({"x5c": list(world.x5c)}, at=world.now)


def test_a_certificate_ends(world: World) -> None:
    with pytest.raises(CertificateExpired):
        trusted(world).find_key({"x5c": list(world.x5c)}, at=world.now + timedelta(days=400_000))


def test_a_pinned_key_needs_no_authority_and_outlives_its_certificate(world: World) -> None:
    pinned = trusted(world, anchors=(), keys=frozenset({world.issuer.public_key.thumbprint}))
    late = world.now + timedelta(days=400_000)
    assert pinned.find_key({"x5c": list(world.x5c)}, at=late) == world.issuer.public_key


def test_a_key_that_is_not_pinned_is_wrong_where_there_is_no_authority(world: World) -> None:
    pinned = trusted(world, anchors=(), keys=frozenset({LocalSigner.generate().public_key.thumbprint}))
    with pytest.raises(WrongIssuerKey):
        pinned.find_key({"x5c": list(world.x5c)}, at=world.now)


def test_a_key_id_alone_names_a_key_only_if_the_key_is_known(world: World) -> None:
    key = world.issuer.public_key
    for header in ({}, {"kid": key.thumbprint}, {"kid": None}):
        with pytest.raises(WrongIssuerKey):
            trusted(world, keys=frozenset({key.thumbprint})).find_key(header, at=world.now)  # type: ignore[arg-type]
    known = trusted(world, public_keys={"1": key})
    assert known.find_key({"kid": "1"}, at=world.now) == key
    assert known.find_key({}, at=world.now) == key
    assert known.find_key({"x5c": list(world.x5c)}, at=world.now) == key
    for kid in ("2", 1, ["1"]):
        with pytest.raises(WrongIssuerKey):
            known.find_key({"kid": kid}, at=world.now)  # type: ignore[dict-item]
    several = trusted(world, public_keys={"1": key, "2": LocalSigner.generate().public_key})
    with pytest.raises(WrongIssuerKey):
        several.find_key({}, at=world.now)


@pytest.mark.parametrize("url", ["not a url", "http://[broken", "urn:coop"])
def test_an_issuer_whose_url_has_no_host_cannot_be_certified(world: World, url: str) -> None:
    with pytest.raises(Malformed, match="no host"):
        trusted(world, issuer=url).find_key({"x5c": list(world.x5c)}, at=world.now)


def test_trusted_issuers_are_values(world: World) -> None:
    assert trusted(world) == trusted(world)
    assert len({trusted(world), trusted(world)}) == 1


def known_by_did(world: World, **changes: Any) -> TrustedIssuer:
    return trusted(world, anchors=(), did=DID, public_keys={f"{DID}#1": world.issuer.public_key}, **changes)


DID = "did:web:coop.example"


def test_an_issuer_known_by_its_did_is_found_by_either_name(world: World) -> None:
    policy = TrustPolicy((known_by_did(world),))
    assert policy.issuer_for(DID) is policy.issuer_for(world.issuer_url)
    with pytest.raises(AmbiguousPolicy):
        TrustPolicy((trusted(world, issuer=DID), known_by_did(world)))
    with pytest.raises(UntrustedIssuer):
        policy.issuer_for("did:web:coop.example:other")


@pytest.mark.parametrize("kid", [f"{DID}#1", "#1", None])
def test_a_key_of_the_did_is_the_issuers(world: World, kid: str | None) -> None:
    header: dict[str, Any] = {} if kid is None else {"kid": kid}
    assert known_by_did(world).find_key(header, at=world.now) == world.issuer.public_key


@pytest.mark.parametrize("kid", [f"{DID}#2", "#2", "1", "did:web:evil.example#1", "did:web:coop.example:a#1", ""])
def test_a_key_of_another_did_or_name_is_not_the_issuers(world: World, kid: str) -> None:
    with pytest.raises(WrongIssuerKey):
        known_by_did(world).find_key({"kid": kid}, at=world.now)


def test_a_certificate_for_a_host_proves_no_key_of_a_did(world: World) -> None:
    alone = known_by_did(world, issuer=DID, keys=frozenset())
    assert alone.find_key({"x5c": list(world.x5c)}, at=world.now) == world.issuer.public_key
    other = replace(alone, public_keys={f"{DID}#1": LocalSigner.generate().public_key})
    with pytest.raises(WrongIssuerKey):
        other.find_key({"x5c": list(world.x5c)}, at=world.now)


def certify(world: World, signer: LocalSigner) -> list[str]:
    """Have the world's authority certify a key of any kind for the co-op's host."""
    parent = x509.load_pem_x509_certificate(world.authority.cert_pem.bytes())
    parent_key = load_pem_private_key(world.authority.private_key_pem.bytes(), None)
    assert isinstance(parent_key, ec.EllipticCurvePrivateKey)
    private = load_pem_private_key(signer.to_pem(None), None)
    builder = x509.CertificateBuilder(
        parent.subject,
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "co-op")]),
        private.public_key(),  # type: ignore[arg-type]  # of the three kinds
        x509.random_serial_number(),
    )
    builder = builder.not_valid_before(world.now - timedelta(days=1)).not_valid_after(world.now + timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.DNSName(urlsplit(world.issuer_url).hostname or "")])
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(parent_key.public_key())
    for extension in (names, above):
        builder = builder.add_extension(extension, critical=False)
    return load_chain_pem(builder.sign(parent_key, hashes.SHA256()).public_bytes(Encoding.PEM)).x5c()


@pytest.mark.parametrize("kind", KeyKind)
def test_an_issuer_may_sign_with_any_of_the_three_kinds_certified_or_pinned(world: World, kind: KeyKind) -> None:
    signer = LocalSigner.generate(kind)
    presentation = world.present(world.issue(signer=signer, x5c=certify(world, signer)))
    for known in (trusted(world), trusted(world, anchors=(), keys=frozenset({signer.public_key.thumbprint}))):
        verified = world.verify(presentation, policy=TrustPolicy((known,)))
        assert verified.issuer_key == signer.public_key.thumbprint


@pytest.mark.parametrize("kind", KeyKind)
def test_a_holder_may_sign_with_any_of_the_three_kinds(world: World, kind: KeyKind) -> None:
    holder = LocalSigner.generate(kind)
    issued = world.issue(holder_key=holder.public_key)
    assert world.verify(world.present(issued, signer=holder)).holder_key == holder.public_key.thumbprint


def test_what_a_list_says_ends_with_the_list(world: World) -> None:
    listed = known_by_did(world, until=world.now)
    assert listed.find_key({}, at=world.now - timedelta(seconds=1)) == world.issuer.public_key
    with pytest.raises(TrustExpired):
        listed.find_key({}, at=world.now)
    with pytest.raises(TrustExpired):
        trusted(world, until=world.now).find_key({"x5c": list(world.x5c)}, at=world.now)


def test_what_is_known_already_stands_whoever_says_otherwise_later(world: World) -> None:
    ours = known_by_did(world)
    others = [trusted(world, name="another"), trusted(world, issuer=DID), trusted(world, issuer="https://b.example")]
    extended = TrustPolicy((ours,)).extended_by([*others, replace(others[2], name="again")])
    assert extended.issuers == (ours, others[2])


def test_authorities_are_named_as_the_certificates_below_them_name_them(world: World) -> None:
    named = parse_x5c(list(world.x5c), what="chain").authority_key_ids
    assert trusted(world).authority_key_ids == named
    assert len(named) == 1
    assert trusted(world, anchors=()).authority_key_ids == frozenset()
