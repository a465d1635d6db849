"""JSON Schemas and examples of the linked form of each type (VCDM 2.0), made from those of its SD-JWT form.

A linked credential says the same of its subject in the same words, so its schema is not written a second time. What
holds it together differs: `issuer` and dates stand outside the subject, and the countable claim is left out, because a
pseudonym takes its place.
"""

from collections.abc import Sequence
from typing import Any, Final

from schemas.context import CONTEXT_URL, CREDENTIALS_V2_URL

CONTEXTS: Final = (CREDENTIALS_V2_URL, CONTEXT_URL)
"""`@context` of every linked credential of ours, in this order."""
CREDENTIAL_TYPE: Final = "VerifiableCredential"
CREDENTIAL_TYPE_IRI: Final = "https://www.w3.org/2018/credentials#VerifiableCredential"
MEMBERS: Final = ("@context", "type", "issuer", "validFrom", "validUntil", "credentialSubject")
"""The members of every linked credential of ours before it is signed, in this order."""
STATEMENTS_OF_THE_FRAME: Final = 1
"""Statements that are neither mandatory nor a claim: the one that leads from the credential to its subject."""

_EXAMPLE_ISSUER: Final = "did:web:coop.example"
_EXAMPLE_FROM: Final = "2026-11-01T00:00:00Z"
_EXAMPLE_UNTIL: Final = "2026-12-11T00:00:00Z"
_MONTH_BEGINS: Final = "^[0-9]{4}-(0[1-9]|1[0-2])-01T00:00:00Z$"
_COHORT_ENDS: Final = "^[0-9]{4}-(0[1-9]|1[0-2])-11T00:00:00Z$"
_DID: Final = {"type": "string", "format": "uri", "pattern": "^did:[a-z0-9]+:[^\\s#?]+$", "maxLength": 300}


def build_schema(
    vct: str, name: str, claims: Sequence[str], properties: dict[str, Any], *, complete: bool
) -> dict[str, Any]:
    """Build the JSON Schema (2020-12) of the unlinkable form of a type.

    Args:
        vct: the type's identifier.
        name: the type's name.
        claims: what the subject has, in order.
        properties: the schema of each claim.
        complete: whether all claims must be there, as its holder has them; else any of them, as a verifier sees them.
    """
    subject = {
        "type": "object",
        **({"required": list(claims)} if complete else {"minProperties": 1}),
        "additionalProperties": False,
        "properties": {claim: properties[claim] for claim in claims},
    }
    whole = "as its holder has it" if complete else "as a verifier sees it"
    return _build(vct, name, f"{name} as a Verifiable Credential with bbs-2023, {whole}.", subject, _COHORT_ENDS)


def build_public_schema(vct: str, name: str, claims: Sequence[str], properties: dict[str, Any]) -> dict[str, Any]:
    """Build the JSON Schema (2020-12) of the form that is published, whole, and names its subject."""
    subject = {
        "type": "object",
        "required": ["id", *claims],
        "additionalProperties": False,
        "properties": {"id": _DID, **{claim: properties[claim] for claim in claims}},
    }
    schema = _build(vct, name, f"{name} as a Verifiable Credential to publish.", subject, _MONTH_BEGINS)
    schema["$id"] = f"{vct}:public-schema"
    schema["properties"]["credentialStatus"] = {"type": "object"}
    return schema


def build_example(name: str, claims: Sequence[str], example: dict[str, Any]) -> dict[str, Any]:
    """Build an example of the unlinkable form, without its proof."""
    return {
        "@context": list(CONTEXTS),
        "type": [CREDENTIAL_TYPE, name],
        "issuer": _EXAMPLE_ISSUER,
        "validFrom": _EXAMPLE_FROM,
        "validUntil": _EXAMPLE_UNTIL,
        "credentialSubject": {claim: example[claim] for claim in claims},
    }


def _build(vct: str, name: str, description: str, subject: dict[str, Any], until: str) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{vct}:linked-schema",
        "title": name,
        "description": description,
        "type": "object",
        "required": list(MEMBERS),
        "additionalProperties": False,
        "properties": {
            "@context": {"const": list(CONTEXTS)},
            "type": {"const": [CREDENTIAL_TYPE, name]},
            "issuer": _DID,
            "validFrom": {"type": "string", "pattern": _MONTH_BEGINS},
            "validUntil": {"type": "string", "pattern": until},
            "credentialSubject": subject,
            "proof": {"type": ["object", "array"]},
        },
    }
