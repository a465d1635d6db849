"""Templates are compiled once in a process, for every language and service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment
from starlette.requests import Request

from plumbing.web.pages import Pages

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def asked_in(language: str) -> Request:
    headers = [(b"accept-language", language.encode()), (b"host", b"site.localhost")]
    return Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers})


def shown(folder: Path, site_name: str, language: str) -> str:
    return bytes(Pages(folder, site_name=site_name).render(asked_in(language), "hello.html", {}).body).decode()


def test_what_was_compiled_for_one_site_and_language_serves_the_others_in_their_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hello.html").write_text("{{ _('Back to the gate') }} | {{ site_name }} | {{ language }}")
    english = shown(tmp_path, "One site", "en")
    monkeypatch.delattr(Environment, "compile")
    german = shown(tmp_path, "Another site", "de")
    assert english == "Back to the gate | One site | en"
    assert german.endswith(" | Another site | de")
    assert not german.startswith("Back")


def test_a_template_that_changed_is_compiled_anew(tmp_path: Path) -> None:
    (tmp_path / "hello.html").write_text("before")
    assert shown(tmp_path, "A site", "en") == "before"
    (tmp_path / "hello.html").write_text("after")
    assert shown(tmp_path, "A site", "en") == "after"
