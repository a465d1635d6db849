"""The terms of linked credentials: the context for programs, and a page that says what each term means."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from issuer.api import document_response
from issuer.parts import IssuerParts
from schemas import ALL
from schemas.context import CONTEXT_BYTES, CONTEXT_SHA256, CONTEXT_URL, load_context

_LD_JSON: Final = "application/ld+json"


def add_vocabulary(router: APIRouter, parts: IssuerParts) -> None:
    """Add the context and the vocabulary; neither asks who is there."""

    @router.get("/contexts/1")
    def context(request: Request) -> Response:
        """Give the JSON-LD context, whose name in credentials is `urn:handstamp:context:1`; it never changes."""
        return document_response(request, CONTEXT_BYTES, _LD_JSON, {})

    @router.get("/vocabulary")
    async def vocabulary(request: Request) -> Response:
        """Say what each term means, where it comes from, and which credentials have it."""
        language = parts.pages.language_of(request)
        return parts.pages.render(
            request,
            "vocabulary.html",
            {
                "terms": _describe_terms(language),
                "context": CONTEXT_URL,
                "fingerprint": CONTEXT_SHA256,
                "co_op": parts.identity.name,
                "site_url": "/collection",
            },
        )


def _describe_terms(language: str) -> list[dict[str, object]]:
    """Return the terms of all types that are claims: what a wallet calls each, its identifier, and who has it."""
    iris = {**load_context()["@context"], "name": "https://schema.org/name"}
    labels: dict[str, list[str]] = {}
    for kind in ALL:
        for entry in kind.type_metadata["claims"]:
            if (name := entry["path"][0]) in kind.linked_claim_names:
                found = {label["locale"]: label["label"] for label in entry["display"]}
                labels.setdefault(name, []).append(found.get(language, found["en"]))
    return [
        {
            "name": name,
            "iri": iris[name],
            "labels": list(dict.fromkeys(found)),
            "kinds": [kind.configuration_id for kind in ALL if name in kind.linked_claim_names],
        }
        for name, found in sorted(labels.items(), key=lambda item: item[0].lower())
    ]
