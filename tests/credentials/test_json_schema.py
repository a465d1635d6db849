"""The form of a credential is checked against its type's schema, and the words name the place, never the value."""

import pytest

import schemas
from credentials.json_schema import check_claims_form, check_linked_form, check_public_form
from schemas.types import CredentialType
from tests.support.refusing import refused

KIND = schemas.TRACK_OWNERSHIP


@pytest.mark.parametrize("kind", schemas.ALL, ids=lambda each: each.configuration_id)
def test_the_examples_have_the_form_of_their_type(kind: CredentialType) -> None:
    check_claims_form(kind, kind.example)
    check_linked_form(kind, kind.linked_example, complete=True)
    check_linked_form(kind, kind.linked_example, complete=False)


def test_a_claim_of_the_wrong_form_is_named_without_its_value() -> None:
    error = refused("schema_mismatch", check_claims_form, KIND, {**KIND.example, "isrcCode": "secret"})
    assert "isrcCode" in error.detail
    assert "secret" not in error.detail


def test_what_the_holder_has_must_be_whole() -> None:
    shown = {**KIND.linked_example, "credentialSubject": {"track": KIND.example["track"]}}
    check_linked_form(KIND, shown, complete=False)
    error = refused("schema_mismatch", check_linked_form, KIND, shown, complete=True)
    assert "credentialSubject" in error.detail


def test_a_member_that_no_type_has_is_refused() -> None:
    hostile = {**KIND.linked_example, "description": "for you alone"}
    error = refused("schema_mismatch", check_linked_form, KIND, hostile, complete=False)
    assert "outermost" in error.detail


def test_a_published_credential_must_name_its_subject() -> None:
    kind = schemas.VERIFIED_ARTIST
    refused("schema_mismatch", check_public_form, kind, kind.linked_example)


def test_a_line_break_behind_the_end_is_a_mark_and_no_match() -> None:
    for name, value in (("isrcCode", "none\n"), ("acquired", "2026-11\n"), ("acquired", 11)):
        refused("schema_mismatch", check_claims_form, KIND, {**KIND.example, name: value})
    linked = {**KIND.linked_example, "validFrom": "2026-11-01T00:00:00Z\n"}
    refused("schema_mismatch", check_linked_form, KIND, linked, complete=False)


def test_what_is_inside_is_looked_at() -> None:
    marked = {"jwk": {**KIND.example["cnf"]["jwk"], "kid": "listener-7"}}
    error = refused("schema_mismatch", check_claims_form, KIND, {**KIND.example, "cnf": marked})
    assert "cnf.jwk" in error.detail
