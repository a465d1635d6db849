"""The closed table of credential types: every document agrees with every other."""

import base64
import io
import uuid
from collections.abc import Callable

import jsonschema
import pytest
from PIL import Image

import schemas
from credentials.months import months_after
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
    ends = ["exp"] if credential_type.lifetime_months is not None else []
    assert [*ALWAYS_VISIBLE, *ends, "status", *credential_type.claim_names] == credential_type.json_schema["required"]
    named = [entry["path"][0] for entry in credential_type.type_metadata["claims"]]
    assert named == list(credential_type.json_schema["properties"])
    assert credential_type.countable_claim in credential_type.claim_names
    assert credential_type.padded_claims < set(credential_type.claim_names)
    assert schemas.BY_CONFIGURATION[credential_type.configuration_id] is credential_type
    assert credential_type.subject_claim in credential_type.claim_names
    assert schemas.BY_VCT[credential_type.vct] is credential_type


def test_every_disclosable_claim_fits_below_the_fixed_number_of_digests(credential_type: CredentialType) -> None:
    assert len(credential_type.claim_names) < credential_type.digest_count


def test_types_differ_in_all_that_names_them() -> None:
    for name in ("configuration_id", "vct", "scope"):
        assert len({getattr(each, name) for each in schemas.ALL}) == len(schemas.ALL)


def test_the_example_ends_when_the_type_says(credential_type: CredentialType) -> None:
    months = credential_type.lifetime_months
    end = None if months is None else months_after(credential_type.example["iat"], months)
    assert credential_type.example.get("exp") == end


def test_every_claim_about_the_subject_is_text(credential_type: CredentialType) -> None:
    assert all(isinstance(credential_type.example[name], str) for name in credential_type.claim_names)


def test_a_wallet_has_the_picture_of_a_type_without_asking_anybody(credential_type: CredentialType) -> None:
    for display in credential_type.type_metadata["display"]:
        kind, _, encoded = display["rendering"]["simple"]["logo"]["uri"].partition(";base64,")
        # PNG: `@openid4vc` takes no `data:image/svg+xml`, and many wallets draw no SVG.
        assert kind == "data:image/png"
        with Image.open(io.BytesIO(base64.b64decode(encoded))) as picture:
            assert (picture.format, picture.size) == ("PNG", (96, 96))
    assert b"script" not in credential_type.logo


@pytest.mark.parametrize(("count", "steps"), [(0, 1), (1, 1), (16, 1), (17, 2), (33, 3)])
def test_a_catalogue_is_as_long_as_others_of_about_its_size(count: int, steps: int) -> None:
    ids = [str(uuid.UUID(int=number)) for number in range(count)]
    padded = schemas.pad_catalogue(ids)
    assert len(padded) == steps * schemas.types.CATALOGUE_STEP
    assert padded.split() == ids
    jsonschema.validate(padded, schemas.VERIFIED_ARTIST.json_schema["properties"]["catalogue"])


@pytest.mark.parametrize(
    "change",
    [lambda text: text[:-1], lambda text: text.strip(), lambda text: " " + text[:-1]],
    ids=["short", "bare", "moved"],
)
def test_a_catalogue_padded_otherwise_is_not_of_the_type(change: Callable[[str], str]) -> None:
    hostile = change(schemas.VERIFIED_ARTIST.example["catalogue"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(hostile, schemas.VERIFIED_ARTIST.json_schema["properties"]["catalogue"])


def test_every_claim_that_is_shown_has_a_label_in_both_languages(credential_type: CredentialType) -> None:
    shown = [entry for entry in credential_type.type_metadata["claims"] if entry["sd"] == "always"]
    for entry in shown:
        assert [label["locale"] for label in entry["display"]] == ["en", "de"]
    assert [name["locale"] for name in credential_type.type_metadata["display"]] == ["en", "de"]
