"""The small schema checker agrees with the library, and fails on what it does not know."""

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import schemas
from wallet.shapes import DoesNotFit, check_shape

ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=30), st.sampled_from(["none", "none\n", "2026-11", ""])
)


def fits(value: object, schema: dict[str, object]) -> bool:
    try:
        check_shape(value, schema)
    except DoesNotFit:
        return False
    return True


@pytest.mark.parametrize("kind", schemas.ALL, ids=lambda kind: kind.configuration_id)
def test_the_examples_fit(kind: schemas.CredentialType) -> None:
    check_shape(kind.example, kind.json_schema)


@settings(deadline=None)
@given(st.data())
def test_it_agrees_with_the_library_on_whatever_is_changed(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(schemas.ALL))
    changed = dict(kind.example)
    name = data.draw(st.sampled_from([*changed, "something"]))
    if data.draw(st.booleans()):
        changed.pop(name, None)
    else:
        changed[name] = data.draw(ANYTHING)
    expected = jsonschema.Draft202012Validator(kind.json_schema).is_valid(changed)
    if str(changed.get(name, "")).endswith("\n") and "pattern" in kind.json_schema["properties"].get(name, {}):
        # The library's $ lets a line break through, which ECMA-262, and so JSON Schema, does not.
        expected = False
    assert fits(changed, kind.json_schema) == expected


@pytest.mark.parametrize("value", [None, [], "text", 7])
def test_what_is_no_object_does_not_fit(value: object) -> None:
    assert not fits(value, schemas.TRACK_OWNERSHIP.json_schema)


def test_what_is_inside_is_looked_at() -> None:
    changed = dict(schemas.TRACK_OWNERSHIP.example)
    changed["cnf"] = {"jwk": {**changed["cnf"]["jwk"], "kid": "listener-7"}}
    assert not fits(changed, schemas.TRACK_OWNERSHIP.json_schema)


def test_a_keyword_that_is_not_known_is_never_skipped() -> None:
    with pytest.raises(KeyError):
        check_shape("x", {"not": {}})
