"""Presentations hold credentials that are secured, by their own proof, by an envelope, or as the holder's own word."""

from __future__ import annotations

from typing import Any

import pytest

import schemas
from credentials.vcdm import MAX_CREDENTIALS, Version, check_presentation, read_credentials, read_holder
from tests.support.refusing import refused

V2 = Version.V2_0.value
SECURED = {**schemas.TRACK_OWNERSHIP.linked_example, "proof": {"type": "DataIntegrityProof"}}
OWN_WORD = {**schemas.TRACK_OWNERSHIP.linked_example, "issuer": "did:key:zMe"}
ENVELOPED: dict[str, Any] = {
    "@context": [V2],
    "id": "data:application/vc+sd-jwt,QzVjV",
    "type": "EnvelopedVerifiableCredential",
}
WHOLE_ENVELOPE: dict[str, Any] = {
    "@context": V2,
    "id": "data:application/vp+jwt,eyJr",
    "type": "EnvelopedVerifiablePresentation",
}


def presenting(*credentials: Any, **members: Any) -> dict[str, Any]:
    return {
        "@context": [V2],
        "type": ["VerifiablePresentation"],
        "verifiableCredential": list(credentials),
        **members,
    }


ALLOWED: dict[str, dict[str, Any]] = {
    "none": {"@context": [V2], "type": "VerifiablePresentation"},
    "one alone": presenting(verifiableCredential=SECURED),
    "several": presenting(SECURED, SECURED, ENVELOPED),
    "with a type as an array": presenting({**ENVELOPED, "type": ["EnvelopedVerifiableCredential"]}),
    "who shows it": presenting(SECURED, holder="did:key:zMe", id="urn:uuid:3978344f-8596-4c3a-a978-8fcaba3903c5"),
    "who shows it, with more": presenting(SECURED, holder={"id": "did:key:zMe", "name": "me"}),
    "the holder's own word": presenting(OWN_WORD, holder="did:key:zMe"),
    "an envelope around it": WHOLE_ENVELOPE,
}


@pytest.mark.parametrize("document", ALLOWED.values(), ids=ALLOWED)
def test_what_the_model_allows_is_read(document: dict[str, Any]) -> None:
    assert check_presentation(document) is Version.V2_0


REFUSED: dict[str, dict[str, Any]] = {
    "no context": {"type": "VerifiablePresentation"},
    "no type": {"@context": [V2]},
    "another type": presenting(type="VerifiableCredential"),
    "an id that is no URL": presenting(id="1"),
    "a holder that is no URL": presenting(holder="me"),
    "a holder without id": presenting(holder={"name": "me"}),
    "a credential as text": presenting("https://a.example/1"),
    "a credential that does not conform": presenting({**SECURED, "issuer": "me"}),
    "an unsecured credential": presenting(schemas.TRACK_OWNERSHIP.linked_example),
    "the word of somebody else than the holder": presenting(OWN_WORD, holder="did:key:zYou"),
    "an envelope without context": presenting({**ENVELOPED, "@context": []}),
    "an envelope without its letter": presenting({**ENVELOPED, "id": "https://a.example/1"}),
    "an envelope of another kind too": presenting({**ENVELOPED, "type": ["EnvelopedVerifiableCredential", "A"]}),
    "an envelope without id": {name: value for name, value in WHOLE_ENVELOPE.items() if name != "id"},
    "too many": presenting(*[SECURED] * (MAX_CREDENTIALS + 1)),
}


@pytest.mark.parametrize("document", REFUSED.values(), ids=REFUSED)
def test_what_the_model_forbids_is_refused(document: dict[str, Any]) -> None:
    refused("malformed", check_presentation, document)


def test_its_parts_are_read() -> None:
    shown = presenting(SECURED, ENVELOPED, holder={"id": "did:key:zMe"})
    assert read_credentials(shown) == [SECURED, ENVELOPED]
    assert read_holder(shown) == "did:key:zMe"
    assert read_holder(presenting()) is None
