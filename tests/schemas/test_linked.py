"""The linked form of each type: the context explains every term, and schema, example and table agree."""

import jsonschema
import pytest

import schemas
from schemas.context import CONTEXT_BYTES, CONTEXT_SHA256, CONTEXT_URL, CREDENTIALS_V2_URL, VOCABULARY, load_context
from schemas.types import CredentialType

# Explained by the credentials context of the W3C.
ALREADY_EXPLAINED = {"name"}


@pytest.fixture(params=schemas.ALL, ids=lambda each: each.configuration_id)
def credential_type(request: pytest.FixtureRequest) -> CredentialType:
    found: CredentialType = request.param
    return found


def test_the_context_is_frozen() -> None:
    # Whoever signed with it signed these meanings. Another meaning is another context.
    assert CONTEXT_SHA256 == "0eb572eac2c6ddbfe1fffa1633bf6d9858b63b131e2efba3c9b88410f58fda75"
    assert b"\r" not in CONTEXT_BYTES


def test_the_context_explains_every_term_and_none_anew(credential_type: CredentialType) -> None:
    terms = load_context()["@context"]
    assert terms["@protected"] is True
    assert set(credential_type.linked_claim_names) - ALREADY_EXPLAINED <= terms.keys()
    assert ALREADY_EXPLAINED.isdisjoint(terms)
    assert terms[credential_type.configuration_id] == credential_type.type_iris[1]
    assert credential_type.countable_claim not in terms


def test_every_term_is_of_schema_org_or_of_our_vocabulary() -> None:
    terms = {name: iri for name, iri in load_context()["@context"].items() if not name.startswith("@")}
    assert all(iri in (f"https://schema.org/{name}", f"{VOCABULARY}{name}") for name, iri in terms.items())
    assert terms["byArtist"] == "https://schema.org/byArtist"
    assert len(set(terms.values())) == len(terms)


def test_the_linked_example_satisfies_both_schemas(credential_type: CredentialType) -> None:
    for schema in (credential_type.linked_schema, credential_type.shown_schema):
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(credential_type.linked_example, schema)
    assert credential_type.linked_example["@context"] == [CREDENTIALS_V2_URL, CONTEXT_URL]
    assert credential_type.linked_example["type"] == list(credential_type.ldp_types)


def test_a_holder_has_all_claims_and_a_verifier_any(credential_type: CredentialType) -> None:
    first = credential_type.linked_claim_names[0]
    fewer = {**credential_type.linked_example, "credentialSubject": {first: credential_type.example[first]}}
    assert not jsonschema.Draft202012Validator(credential_type.linked_schema).is_valid(fewer)
    assert jsonschema.Draft202012Validator(credential_type.shown_schema).is_valid(fewer)
    for subject in ({}, {credential_type.countable_claim: "x"}, {"id": "did:web:a.example"}):
        unusual = {**fewer, "credentialSubject": subject}
        assert not jsonschema.Draft202012Validator(credential_type.shown_schema).is_valid(unusual)


def test_what_counts_a_copy_is_in_no_linked_credential(credential_type: CredentialType) -> None:
    assert set(credential_type.claim_names) - set(credential_type.linked_claim_names) == {
        credential_type.countable_claim
    }
    assert credential_type.message_count == len(credential_type.linked_claim_names) + 1


def test_the_published_form_names_its_subject() -> None:
    kind = schemas.VERIFIED_ARTIST
    jsonschema.Draft202012Validator.check_schema(kind.public_schema)
    published = {**kind.linked_example, "validUntil": "2027-11-01T00:00:00Z"}
    published["credentialSubject"] = {"id": "did:key:z6Mk", **published["credentialSubject"]}
    jsonschema.validate(published, kind.public_schema)
    jsonschema.validate({**published, "credentialStatus": {"type": "BitstringStatusListEntry"}}, kind.public_schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(
            {**published, "credentialSubject": kind.linked_example["credentialSubject"]}, kind.public_schema
        )
    assert len({kind.public_schema["$id"], kind.linked_schema["$id"], kind.json_schema["$id"]}) == 3


def test_a_type_is_found_by_its_name_in_a_linked_credential(credential_type: CredentialType) -> None:
    assert schemas.BY_LDP_TYPE[credential_type.ldp_types[1]] is credential_type
