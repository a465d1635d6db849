"""What each kind of proof says and does not say: a page for people, documents for programs, at one address."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from credentials.encoding import strict_json
from credentials.months import months_after, start_of_month
from issuer.api import document_response
from issuer.parts import IssuerParts
from issuer.web.vocabulary import add_vocabulary
from plumbing.web.app import wants_page
from plumbing.web.pages import SOURCE_LANGUAGE
from schemas import ALL, CredentialType

_JSON: Final = "application/json"
_SVG: Final = "image/svg+xml"
_HOME: Final = "/collection"
# Shown in words: nobody reads 36 letters and digits.
_CATALOGUE_NUMBERS: Final = frozenset({"track", "inAlbum", "release", "persona"})


def add_types(router: APIRouter, parts: IssuerParts) -> None:
    """Add the addresses of every type; none of them asks who is there."""
    for kind in ALL:
        _add_type(router, parts, kind)
    add_vocabulary(router, parts)

    @router.get("/types")
    async def all_types(request: Request) -> Response:
        """Say which kinds there are."""
        language = parts.pages.language_of(request)
        shown = [{"kind": each, "display": display_of(each, language)} for each in ALL]
        return parts.pages.render(
            request, "types.html", {"types": shown, "co_op": parts.identity.name, "site_url": _HOME}
        )


def _add_type(router: APIRouter, parts: IssuerParts, kind: CredentialType) -> None:
    path = f"/types/{kind.configuration_id}"
    metadata = strict_json.dump(kind.type_metadata)

    @router.get(path)
    async def one_type(request: Request) -> Response:
        """Explain the type: to people as a page, to programs as type metadata (SD-JWT VC, "Type Metadata Format")."""
        if not wants_page(request):
            return document_response(request, metadata, _JSON, {"Vary": "Accept"})
        page = parts.pages.render(request, "type.html", _explain(kind, parts, parts.pages.language_of(request)))
        page.headers["Vary"] = f"Accept, {page.headers['Vary']}"
        return page

    for name, body, media_type in (
        ("metadata", metadata, _JSON),
        ("schema", strict_json.dump(kind.json_schema), _JSON),
        ("example", strict_json.dump(kind.example), _JSON),
        ("linked-schema", strict_json.dump(kind.linked_schema), _JSON),
        ("linked-example", strict_json.dump(kind.linked_example), _JSON),
        ("logo.svg", kind.logo, _SVG),
    ):
        router.get(f"{path}/{name}")(_serve(body, media_type))


def _serve(body: bytes, media_type: str) -> Callable[[Request], Response]:
    def document(request: Request) -> Response:
        """A public document."""
        return document_response(request, body, media_type, {})

    return document


def _explain(kind: CredentialType, parts: IssuerParts, language: str) -> Mapping[str, object]:
    now = parts.clock()
    claims = [entry for entry in kind.type_metadata["claims"] if entry["sd"] == "always"]
    return {
        "kind": kind,
        "site_url": _HOME,
        "co_op": parts.identity.name,
        "display": display_of(kind, language),
        "claims": [
            {
                "name": entry["path"][0],
                "label": _in(language, entry["display"])["label"],
                "example": kind.example[entry["path"][0]],
            }
            for entry in claims
        ],
        "catalogue_numbers": _CATALOGUE_NUMBERS,
        "month": f"{now:%Y-%m}",
        "last_month": _last_month(kind, now),
        "others": [{"kind": each, "display": display_of(each, language)} for each in ALL if each is not kind],
    }


def _last_month(kind: CredentialType, now: datetime) -> str | None:
    """The last month in which one that is stamped now is good; None for always."""
    if kind.lifetime_months is None:
        return None
    return f"{datetime.fromtimestamp(months_after(start_of_month(now), kind.lifetime_months - 1), UTC):%Y-%m}"


def display_of(kind: CredentialType, language: str) -> dict[str, Any]:
    """Return what a type is called in a language, and described as."""
    return _in(language, kind.type_metadata["display"])


def _in(language: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    by_language = {entry["locale"]: entry for entry in entries}
    return by_language.get(language, by_language[SOURCE_LANGUAGE])
