from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from credentials.errors import HandstampError, Malformed
from credentials.sd_jwt import parse_sd_jwt, parse_sd_jwt_json

if TYPE_CHECKING:
    from tests.credentials.conftest import World


def split(compact: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Take a compact text apart into what RFC 7515 §7.2 and RFC 9901 §8 call for."""
    head, *disclosures, key_binding = compact.split("~")
    protected, payload, signature = head.split(".")
    unprotected = {"disclosures": disclosures} | ({"kb_jwt": key_binding} if key_binding else {})
    return {"payload": payload}, {"protected": protected, "signature": signature, "header": unprotected}


def test_the_flattened_form_is_read_like_the_compact_one(world: World) -> None:
    for compact in (world.issue(), world.present(world.issue(), ["name"])):
        common, signature = split(compact)
        assert parse_sd_jwt_json(json.dumps(common | signature)) == parse_sd_jwt(compact)


def test_the_general_form_is_read_by_its_first_signature(world: World) -> None:
    compact = world.present(world.issue(), ["name"])
    common, signature = split(compact)
    later = {"protected": "e30", "signature": "AAAA", "header": {"kid": "2"}}
    for signatures in ([signature], [signature, later], [signature, later | {"header": 1}]):
        assert parse_sd_jwt_json(json.dumps(common | {"signatures": signatures})) == parse_sd_jwt(compact)


def test_disclosures_beside_the_payload_are_read_as_an_older_library_writes_them(world: World) -> None:
    compact = world.present(world.issue(), ["name"])
    common, signature = split(compact)
    unprotected = signature.pop("header")
    assert parse_sd_jwt_json(json.dumps(common | signature | unprotected)) == parse_sd_jwt(compact)


def test_the_hash_of_a_key_binding_is_taken_over_the_compact_form(world: World) -> None:
    common, signature = split(world.present(world.issue(), ["name"]))
    read = parse_sd_jwt_json(json.dumps(common | signature))
    world.verify(f"{read.unbound}{read.key_binding}")


@pytest.mark.parametrize(
    "changes",
    [
        {"payload": ...},
        {"payload": 1},
        {"protected": ""},
        {"signature": None},
        {"signatures": [{"protected": "e30", "signature": "AA"}]},
        {"header": {"disclosures": "x"}},
        {"header": {"disclosures": [1]}},
        {"header": {"disclosures": [], "kb_jwt": 1}},
        {"header": {"disclosures": [], "kb_jwt": ""}},
    ],
    ids=str,
)
def test_a_message_that_lacks_a_part_is_malformed(world: World, changes: dict[str, Any]) -> None:
    common, signature = split(world.issue())
    message = {name: value for name, value in (common | signature | changes).items() if value is not ...}
    with pytest.raises(Malformed):
        parse_sd_jwt_json(json.dumps(message))


@pytest.mark.parametrize(
    "signatures",
    [None, [], {}, [1], ["x"], [{}], [{"protected": "e30", "signature": "AA"}, {"header": {"disclosures": []}}]],
    ids=str,
)
def test_signatures_of_another_shape_are_malformed(world: World, signatures: Any) -> None:
    common, _ = split(world.issue())
    with pytest.raises(Malformed):
        parse_sd_jwt_json(json.dumps(common | {"signatures": signatures}))


@pytest.mark.parametrize("text", ["", "[]", "null", '{"payload":"a","payload":"b"}', "x" * 70_000])
def test_what_is_no_json_object_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse_sd_jwt_json(text)


def test_a_part_that_smuggles_a_separator_changes_nothing(world: World) -> None:
    common, signature = split(world.issue())
    disclosures = signature["header"]["disclosures"]
    joined = {"disclosures": ["~".join(disclosures)]}
    assert parse_sd_jwt_json(json.dumps(common | signature | {"header": joined})).claims
    for smuggled in ({"payload": common["payload"] + "."}, {"signature": signature["signature"] + "~e30"}):
        with pytest.raises(HandstampError):
            parse_sd_jwt_json(json.dumps(common | signature | smuggled))
