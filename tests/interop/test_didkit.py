"""didkit 0.3.3 and our code on did:key, and on credentials of the older data model, VCDM 1.1.

It is older than Data Integrity, so that no suite of ours is known to it. But Ed25519Signature2020, which it has, signs
what eddsa-rdfc-2022 signs: a hash of the proof's canonical statements, then one of the document's. Its signatures say
whether both see the same statements.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import pytest

from credentials.bbs import BbsSecretKey
from credentials.data_integrity.hashing import HashName, hash_data
from credentials.dids.did import parse_did
from credentials.dids.did_jwk import build_did_jwk, read_did_jwk
from credentials.dids.did_key import build_did_key, read_did_key
from credentials.dids.document import parse_did_document
from credentials.encoding import base64url
from credentials.encoding.multibase import decode_base58btc, encode_base58btc
from credentials.keys.errors import BadSignature
from credentials.keys.jwk import PublicKey
from credentials.keys.jws import parse_jws, sign_jws
from credentials.keys.kinds import KeyKind
from credentials.keys.signer import LocalSigner
from credentials.vcdm.credential import Version, check_credential

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
NOT_BEFORE_S = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())
V1 = "https://www.w3.org/2018/credentials/v1"
PROOF_CONTEXT = "https://w3id.org/security/suites/ed25519-2020/v1"
ASSERTION = {"proofPurpose": "assertionMethod"}


@dataclass(frozen=True)
class Didkit:
    """Its functions; they take and return JSON as text."""

    peer: Any

    def __call__(self, action: str, *arguments: Any) -> Any:
        return self.peer(action, arguments=[each if isinstance(each, str) else json.dumps(each) for each in arguments])

    def verify(self, action: str, secured: Any, options: dict[str, str]) -> list[str]:
        """Let it verify something; return what it finds wrong."""
        found = json.loads(self(action, secured, options))
        assert found["errors"] or found["checks"] != []
        errors: list[str] = found["errors"]
        return errors

    @cached_property
    def key(self) -> str:
        """A private key of its own, as a JWK."""
        return str(self("generate_ed25519_key"))

    @property
    def public_key(self) -> PublicKey:
        jwk = json.loads(self.key)
        return PublicKey.parse_jwk({name: jwk[name] for name in ("kty", "crv", "x")}, what="key")

    @property
    def did(self) -> str:
        return build_did_key(self.public_key)


@pytest.fixture(scope="module")
def theirs(didkit: Any) -> Didkit:
    return Didkit(didkit)


def method_of(did: str) -> str:
    return f"{did}#{did.removeprefix('did:key:')}"


def build(did: str) -> dict[str, Any]:
    """Build a credential with blank nodes, two of which nothing tells apart."""
    return {
        "@context": [V1],
        "type": ["VerifiableCredential"],
        "issuer": {"id": did},
        "issuanceDate": "2026-11-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:listener"},
        "evidence": [{"type": ["urn:example:Receipt"]}, {"type": ["urn:example:Receipt"]}],
        "termsOfUse": [{"type": "urn:example:Terms"}],
    }


@pytest.mark.parametrize("kind", [KeyKind.ED25519, KeyKind.P256], ids=lambda kind: kind.value)
def test_did_key_and_did_jwk_mean_the_same_key_for_the_same_uses(theirs: Didkit, kind: KeyKind) -> None:
    key = LocalSigner.generate(kind).public_key
    for did, read in ((build_did_key(key), read_did_key), (build_did_jwk(key), read_did_jwk)):
        document = parse_did_document(theirs("resolve_did", did, "{}").encode(), did=did)
        ours = read(parse_did(did, what="DID"))
        assert (document.keys, document.relations) == (ours.keys, ours.relations)
        assert list(document.keys.values()) == [key]


def test_they_name_their_own_key_as_we_do(theirs: Didkit) -> None:
    assert theirs("key_to_did", "key", theirs.key) == theirs.did
    assert theirs("key_to_verification_method", "key", theirs.key) == method_of(theirs.did)


def test_did_key_holds_the_same_bytes_of_a_bbs_key(theirs: Didkit) -> None:
    key = BbsSecretKey.generate().public_key
    (method,) = json.loads(theirs("resolve_did", build_did_key(key), "{}"))["verificationMethod"]
    # They write it as a kind of JWK that was never registered, so the document as a whole cannot be compared.
    assert method["type"] == "Bls12381G2Key2020"
    assert base64url.decode(method["publicKeyJwk"]["x"], what="x") == key.data


def test_they_do_not_know_p_384(theirs: Didkit) -> None:
    did = build_did_key(LocalSigner.generate(KeyKind.P384).public_key)
    assert "P-384 not supported" in theirs.peer.refusal("resolve_did", arguments=[did, "{}"])


def hash_older(secured: dict[str, Any]) -> bytes:
    """Return what Ed25519Signature2020 signs, by our canonical form."""
    document = {name: value for name, value in secured.items() if name != "proof"}
    proof = {name: value for name, value in secured["proof"].items() if name != "proofValue"}
    return hash_data(document, proof, hash_name=HashName.SHA_256)


def verify_older(secured: dict[str, Any], key: PublicKey) -> None:
    value = decode_base58btc(secured["proof"]["proofValue"], what="value", max_characters=100)
    key.verify(value, hash_older(secured))


def test_both_see_the_same_statements_in_what_they_sign(theirs: Didkit) -> None:
    options = {**ASSERTION, "type": "Ed25519Signature2020", "verificationMethod": method_of(theirs.did)}
    secured = json.loads(theirs("issue_credential", build(theirs.did), options, theirs.key))
    assert check_credential(secured, at=NOW) is Version.V1_1
    verify_older(secured, theirs.public_key)
    secured["evidence"][1]["type"] = ["urn:example:Other"]
    with pytest.raises(BadSignature):
        verify_older(secured, theirs.public_key)


def test_both_see_the_same_statements_in_a_presentation(theirs: Didkit) -> None:
    options = {"type": "Ed25519Signature2020", "verificationMethod": method_of(theirs.did)}
    credential = json.loads(theirs("issue_credential", build(theirs.did), {**ASSERTION, **options}, theirs.key))
    presentation = {
        "@context": [V1],
        "type": ["VerifiablePresentation"],
        "holder": theirs.did,
        "verifiableCredential": [credential],
    }
    asked = {"proofPurpose": "authentication", "challenge": "XpQ0c4Kq8mVv1yJ7", "domain": "gate.example"}
    secured = json.loads(theirs("issue_presentation", presentation, {**options, **asked}, theirs.key))
    verify_older(secured, theirs.public_key)
    assert theirs.verify("verify_presentation", secured, asked) == []


def test_both_see_the_same_statements_in_what_we_sign(theirs: Didkit) -> None:
    signer = LocalSigner.generate(KeyKind.ED25519)
    did = build_did_key(signer.public_key)
    proof = {
        "@context": [PROOF_CONTEXT],
        "type": "Ed25519Signature2020",
        "created": "2026-11-21T08:00:00Z",
        "verificationMethod": method_of(did),
        **ASSERTION,
    }
    secured = {**build(did), "proof": proof}
    value = encode_base58btc(signer.sign(hash_older(secured)))
    secured["proof"] = {**proof, "proofValue": value}
    assert theirs.verify("verify_credential", secured, ASSERTION) == []
    changed = copy.deepcopy(secured)
    changed["credentialSubject"]["id"] = "did:example:other"
    assert "not satisfied" in theirs.verify("verify_credential", changed, ASSERTION)[0]


def test_a_credential_in_their_token_is_signed_and_formed_as_ours_are_read(theirs: Didkit) -> None:
    options = {"proofFormat": "jwt", "verificationMethod": method_of(theirs.did)}
    jws = parse_jws(theirs("issue_credential", build(theirs.did), options, theirs.key), what="token", typ=None)
    jws.check_signature(theirs.public_key)
    claims = jws.claims()
    assert (claims["iss"], claims["nbf"], claims["sub"]) == (theirs.did, NOT_BEFORE_S, "did:example:listener")
    credential = claims["vc"]
    assert isinstance(credential, dict)
    assert credential == build(theirs.did)
    assert check_credential(credential, at=NOW) is Version.V1_1


@pytest.mark.parametrize("kind", [KeyKind.ED25519, KeyKind.P256], ids=lambda kind: kind.value)
def test_a_credential_in_a_token_that_we_sign_is_good_for_them(theirs: Didkit, kind: KeyKind) -> None:
    signer = LocalSigner.generate(kind)
    did = build_did_key(signer.public_key)
    claims: dict[str, Any] = {"iss": did, "sub": "did:example:listener", "nbf": NOT_BEFORE_S, "vc": build(did)}
    token = sign_jws({"typ": "JWT", "kid": method_of(did)}, claims, signer)
    assert theirs.verify("verify_credential", token, {"proofFormat": "jwt"}) == []
    header, payload, signature = token.split(".")
    another = base64url.encode(json.dumps({**claims, "nbf": NOT_BEFORE_S - 1}).encode())
    assert payload != another
    assert theirs.verify("verify_credential", f"{header}.{another}.{signature}", {"proofFormat": "jwt"}) != []
