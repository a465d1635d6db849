"""The closed table of credential types: every document agrees with every other."""

import jsonschema
import pytest

import schemas
from schemas.types import CredentialType

ALWAYS_VISIBLE = ["iss", "iat", "vct", "cnf"]


@pytest.fixture(params=schemas.ALL, ids=lambda each: each.configuration_id)
def credential_type(request: pytest.FixtureRequest) -> CredentialType:
    found: CredentialType = request.param
    return found


def test_the_schema_is_a_schema_and_the_example_satisfies_it(credential_type: CredentialType) -> None:
    jsonschema.Draft202012Validator.check_schema(credential_type.json_schema)
    jsonschema.validate(credential_type.example, credential_type.json_schema)


def test_no_claim_may_be_left_out_or_added(credential_type: CredentialType) -> None:
    validator = jsonschema.Draft202012Validator(credential_type.json_schema)
    for name in credential_type.example:
        assert not validator.is_valid({key: value for key, value in credential_type.example.items() if key != name})
    assert not validator.is_valid({**credential_type.example, "holder_name": "somebody"})


def test_metadata_schema_and_table_name_the_same_claims(credential_type: CredentialType) -> None:
    assert credential_type.type_metadata["vct"] == credential_type.vct
    assert credential_type.json_schema["properties"]["vct"] == {"const": credential_type.vct}
    assert [*ALWAYS_VISIBLE, *credential_type.claim_names] == credential_type.json_schema["required"]
    assert credential_type.subject_claim in credential_type.claim_names
    assert schemas.BY_VCT[credential_type.vct] is credential_type


def test_every_disclosable_claim_fits_below_the_fixed_number_of_digests(credential_type: CredentialType) -> None:
    assert len(credential_type.claim_names) < credential_type.digest_count


def test_every_claim_that_is_shown_has_a_label_in_both_languages(credential_type: CredentialType) -> None:
    shown = [entry for entry in credential_type.type_metadata["claims"] if entry["sd"] == "always"]
    for entry in shown:
        assert [label["locale"] for label in entry["display"]] == ["en", "de"]
    assert [name["locale"] for name in credential_type.type_metadata["display"]] == ["en", "de"]
