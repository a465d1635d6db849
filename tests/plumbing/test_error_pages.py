"""Every refusal of every service is a page in words: what happened, that nothing is lost, what to do now."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.requests import Request

import issuer.api
import issuer.status_api
import trackserver.api
import verifier.api
from credentials.errors import HandstampError
from plumbing.web.pages import Pages

ROOT = Path(issuer.api.__file__).parent.parent
ROLES = {
    "issuer": issuer.api.STATUSES | issuer.status_api.STATUSES,
    "verifier": verifier.api.STATUSES,
    "trackserver": trackserver.api.STATUSES,
}
JARGON = ("credential", "verifi", "presentation", "holder", "issuer", "json", "hex", "token", "did:", "request_uri")
EDGES = {"malformed": 400, "forged_form": 403, "not_found": 404, "too_large": 413, "internal_error": 500}


def refusals() -> list[tuple[str, str, int]]:
    """Every error that a service answers with a status of its own, and what any address may answer."""
    named = [(role, error.code, status) for role, table in ROLES.items() for error, status in table.items()]
    return sorted({*named, *((role, code, status) for role in ROLES for code, status in EDGES.items())})


@pytest.fixture(scope="module")
def pages() -> dict[str, Pages]:
    return {role: Pages(ROOT / role / "web" / "templates", site_name="A Site") for role in ROLES}


def said(pages: Pages, template: str, values: dict[str, object]) -> tuple[str, str]:
    """Return a page's heading and the sentences below it."""
    request = Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []})
    html = unescape(bytes(pages.render(request, template, values).body).decode())
    found = re.search(r"<h1>(.+?)</h1>\s*<p class=\"lead\">(.+?)</p>", html, re.DOTALL)
    assert found, html
    return found[1], found[2]


@pytest.mark.parametrize(("role", "code", "status"), refusals())
def test_a_refusal_says_what_happened_that_nothing_is_lost_and_what_to_do(
    pages: dict[str, Pages], role: str, code: str, status: int
) -> None:
    values = {"status": status, "code": code, "detail": "The value of query.token is no JSON."}
    heading, sentences = said(pages[role], "error.html", values)
    assert len(re.findall("[.:;]", sentences)) >= 2
    assert re.search(r"[Nn]othing|still|stays yours|own what you own", sentences)
    assert not [word for word in JARGON if word in f"{heading} {sentences}".lower()]


def all_below(parent: type[HandstampError]) -> set[type[HandstampError]]:
    return {parent}.union(*map(all_below, parent.__subclasses__()))


def test_why_an_answer_opened_nothing_is_said_in_words_whatever_was_wrong_with_it(pages: dict[str, Pages]) -> None:
    gate = SimpleNamespace(gate_id="g")
    for code in {error.code for error in all_below(HandstampError)}:
        values = {"gate": gate, "last_failure": code, "first_use": None}
        _, sentences = said(pages["verifier"], "visit_refused.html", values)
        assert len(re.findall("[.:;]", sentences)) >= 2, code
        assert not [word for word in JARGON if word in sentences.lower()], code


def test_the_tables_name_errors_of_the_services_and_no_others() -> None:
    assert all(issubclass(error, HandstampError) for table in ROLES.values() for error in table)
