"""Every MUST of the data models is a refusal in words; everything that the models allow is read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import schemas
from credentials.vcdm import Version, check_credential, check_presentation, check_valid_at, read_issuer, read_version
from tests.support.refusing import refused

if TYPE_CHECKING:
    from pathlib import Path

V2, V1 = Version.V2_0.value, Version.V1_1.value
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
# A credential of VCDM 2.0, typed in after its example "Use of the validFrom and validUntil properties".
MODERN: dict[str, Any] = {
    "@context": [V2, "https://www.w3.org/ns/credentials/examples/v2"],
    "id": "http://university.example/credentials/3732",
    "type": ["VerifiableCredential", "ExampleDegreeCredential"],
    "issuer": "https://university.example/issuers/14",
    "validFrom": "2010-01-01T19:23:24Z",
    "credentialSubject": {"id": "did:example:ebfeb1f712ebc6f1c276e12ec21", "degree": {"type": "ExampleBachelorDegree"}},
}
OLDER: dict[str, Any] = {
    "@context": [V1, "https://www.w3.org/2018/credentials/examples/v1"],
    "type": ["VerifiableCredential", "UniversityDegreeCredential"],
    "issuer": "did:example:123",
    "issuanceDate": "2010-01-01T00:00:00Z",
    "credentialSubject": {"id": "did:example:456", "degree": {"type": "BachelorDegree"}},
}


def modern(**members: Any) -> dict[str, Any]:
    return {**MODERN, **members}


def without(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != name}


@pytest.mark.parametrize("kind", schemas.ALL, ids=lambda each: each.configuration_id)
def test_our_own_credentials_conform(kind: schemas.CredentialType) -> None:
    assert check_credential(kind.linked_example, at=NOW) is Version.V2_0
    assert read_issuer(kind.linked_example) == "did:web:coop.example"


def test_the_older_model_is_read() -> None:
    assert check_credential(OLDER, at=NOW) is Version.V1_1
    assert check_credential({**OLDER, "@context": V1}) is Version.V1_1


def test_the_published_examples_that_claim_to_conform_do(vectors_dir: Path) -> None:
    folder = vectors_dir / "w3c-vc-data-model" / "schema"
    checks = {"verifiable-credential": check_credential, "verifiable-presentation": check_presentation}
    read = [
        check(json.loads(path.read_text(encoding="utf-8"))).name
        for name, check in checks.items()
        for path in sorted((folder / name).glob("example-*.json"))
    ]
    assert read == ["V2_0"] * 12


ALLOWED: dict[str, dict[str, Any]] = {
    "an issuer with words in two languages": modern(
        issuer={
            "id": "did:web:a.example",
            "name": [{"@value": "a", "@language": "en"}, {"@value": "ä", "@language": "de", "@direction": "ltr"}],
        }
    ),
    "a name and a description": modern(
        name="Degree", description={"@value": "دَرَجَة", "@language": "ar", "@direction": "rtl"}
    ),
    "several subjects": modern(credentialSubject=[{"id": "did:example:a", "spouse": "did:example:b"}, {"name": "b"}]),
    "a subject of which only the id is left": modern(credentialSubject={"id": "did:example:a"}),
    "no date": without(MODERN, "validFrom"),
    "one moment": modern(validUntil="2010-01-01T20:23:24+01:00"),
    "a moment with a fraction": modern(validFrom="2010-01-01T19:23:24.123456789Z"),
    "a moment without a zone": modern(validFrom="2010-01-01T19:23:24"),
    "a context written out": modern(**{"@context": [V2, {"term": "https://a.example/term"}]}),
    "two statuses": modern(credentialStatus=[{"type": "A"}, {"id": "https://a.example/1#2", "type": ["B", "C"]}]),
    "evidence": modern(evidence={"type": "Evidence"}),
    "terms": modern(termsOfUse=[{"type": "Policy", "id": "https://a.example/terms"}]),
    "a schema": modern(credentialSchema={"id": "https://a.example/schema.json", "type": "JsonSchema"}),
    "a refresh service": modern(refreshService={"type": "Refresh"}),
    "resources": modern(
        relatedResource=[
            {"id": "https://a.example/1", "digestSRI": "sha384-abc"},
            {"id": "https://a.example/2", "digestMultibase": ["uEi", "zQm"]},
        ]
    ),
    "one type as text": modern(type="VerifiableCredential"),
}


@pytest.mark.parametrize("document", ALLOWED.values(), ids=ALLOWED)
def test_what_the_model_allows_is_read(document: dict[str, Any]) -> None:
    check_credential(document)


REFUSED: dict[str, dict[str, Any]] = {
    "no context": without(MODERN, "@context"),
    "a context as text": modern(**{"@context": V2}),
    "no context in the array": modern(**{"@context": []}),
    "another context first": modern(**{"@context": ["https://www.w3.org/ns/credentials/examples/v2", V2]}),
    "a context that is a number": modern(**{"@context": [V2, 1]}),
    "a context that is no URL": modern(**{"@context": [V2, "examples"]}),
    "an id that is no URL": modern(id="3732"),
    "two ids": modern(id=["https://a.example/1", "https://a.example/2"]),
    "an id that is null": modern(id=None),
    "an id with a space": modern(id="https://a.example/a b"),
    "no type": without(MODERN, "type"),
    "another type": modern(type=["ExampleDegreeCredential"]),
    "a type that is a number": modern(type=["VerifiableCredential", 1]),
    "an empty type": modern(type=[]),
    "no issuer": without(MODERN, "issuer"),
    "an issuer that is no URL": modern(issuer="somebody"),
    "two issuers": modern(issuer=["did:web:a.example", "did:web:b.example"]),
    "an issuer without id": modern(issuer={"name": "a"}),
    "an issuer whose name is a number": modern(issuer={"id": "did:web:a.example", "name": 1}),
    "a name with another member": modern(name={"@value": "a", "@language": "en", "url": "https://a.example"}),
    "a name whose value is no text": modern(name={"@value": 1}),
    "a name in no language": modern(name={"@value": "a", "@language": "?"}),
    "a description that goes nowhere": modern(description={"@value": "a", "@direction": "up"}),
    "several names without a language": modern(name=["a", "b"]),
    "no subject": without(MODERN, "credentialSubject"),
    "an empty subject": modern(credentialSubject={}),
    "an empty set of subjects": modern(credentialSubject=[]),
    "a subject as text": modern(credentialSubject="did:example:a"),
    "a subject whose id is no URL": modern(credentialSubject={"id": "me", "name": "a"}),
    "one of two subjects empty": modern(credentialSubject=[{"name": "a"}, {}]),
    "too many subjects": modern(credentialSubject=[{"name": "a"}] * 65),
    "a date that is a day": modern(validFrom="2010-01-01"),
    "a date that is a number": modern(validFrom=1262304000),
    "a date that no calendar has": modern(validUntil="2010-02-30T00:00:00Z"),
    "an end before its beginning": modern(validUntil="2010-01-01T19:23:23Z"),
    "a status without type": modern(credentialStatus={"id": "https://a.example/1"}),
    "a status whose id is no URL": modern(credentialStatus={"id": "1", "type": "A"}),
    "a status as text": modern(credentialStatus="https://a.example/1"),
    "terms without type": modern(termsOfUse=[{}]),
    "evidence without type": modern(evidence=[{"id": "https://a.example/1"}]),
    "a schema without id": modern(credentialSchema={"type": "JsonSchema"}),
    "a schema without type": modern(credentialSchema={"id": "https://a.example/1"}),
    "a refresh service without type": modern(refreshService={"id": "https://a.example/1"}),
    "a resource without digest": modern(relatedResource={"id": "https://a.example/1"}),
    "a resource whose digest is no text": modern(relatedResource={"id": "https://a.example/1", "digestSRI": [1]}),
    "a resource without id": modern(relatedResource={"digestSRI": "sha384-abc"}),
    "a resource twice": modern(relatedResource=[{"id": "https://a.example/1", "digestSRI": "sha384-abc"}] * 2),
    "an older one without its date": without(OLDER, "issuanceDate"),
    "an older one whose status has no id": {**OLDER, "credentialStatus": {"type": "A"}},
    "an older one whose end is no moment": {**OLDER, "expirationDate": "never"},
}


@pytest.mark.parametrize("document", REFUSED.values(), ids=REFUSED)
def test_what_the_model_forbids_is_refused(document: dict[str, Any]) -> None:
    refused("malformed", check_credential, document)


def test_the_last_moment_counts_and_the_next_does_not() -> None:
    end = datetime(2026, 12, 11, tzinfo=UTC)
    document = schemas.TRACK_OWNERSHIP.linked_example
    check_valid_at(document, at=end)
    refused("expired", check_valid_at, document, at=end + timedelta(seconds=1))
    check_valid_at(document, at=end + timedelta(seconds=60), clock_skew_s=60)
    refused("not_yet_valid", check_credential, document, at=datetime(2026, 10, 31, 23, 59, tzinfo=UTC))
    refused("expired", check_credential, {**OLDER, "expirationDate": "2020-01-01T00:00:00Z"}, at=NOW)
    check_credential({**OLDER, "expirationDate": "2020-01-01T00:00:00Z"})


def test_the_context_says_which_model_it_is() -> None:
    assert [read_version(each) for each in (MODERN, OLDER)] == [Version.V2_0, Version.V1_1]
