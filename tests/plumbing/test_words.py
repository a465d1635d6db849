"""Every word of every page is in the catalogues, and every catalogue is complete."""

from __future__ import annotations

import io
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po
from starlette.requests import Request

from plumbing.web.pages import LOCALES, Pages, available_languages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from babel.messages.catalog import Catalog, Message

ROOT = LOCALES.parent.parent.parent
PACKAGES = ("plumbing", "issuer", "verifier", "trackserver")
TRANSLATED = tuple(language for language in available_languages() if language != "en")
AGAIN = "run `make words`, and translate what is new"


def read(path: Path, language: str | None = None) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=language)


def extracted() -> Iterator[object]:
    mapping = tomllib.loads((LOCALES / "babel.toml").read_text("utf-8"))["mappings"][0]
    pattern, method = mapping.pop("pattern"), mapping.pop("method")
    for package in PACKAGES:
        found = extract_from_dir(ROOT / package, [(pattern, method)], {pattern: mapping})
        yield from (message for _, _, message, _, _ in found)


def ids(catalog: Catalog) -> set[object]:
    return {message.id for message in catalog if message.id}


def test_the_template_holds_exactly_the_words_of_the_pages() -> None:
    assert ids(read(LOCALES / "messages.pot")) == set(extracted()), AGAIN


def test_german_is_there() -> None:
    assert "de" in TRANSLATED


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_word_is_translated(language: str) -> None:
    catalog = read(LOCALES / language / "LC_MESSAGES" / "messages.po", language)
    assert ids(catalog) == ids(read(LOCALES / "messages.pot")), AGAIN
    missing = [message.id for message in catalog if message.id and not is_whole(message)]
    assert missing == []


def is_whole(message: Message) -> bool:
    texts = message.string if isinstance(message.string, tuple) else (message.string,)
    originals = message.id if isinstance(message.id, tuple) else (message.id,)
    known = placeholders(originals[-1])
    return not message.fuzzy and all(text and placeholders(text) == known for text in texts)


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", text))


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    folder = LOCALES / language / "LC_MESSAGES"
    compiled = io.BytesIO()
    write_mo(compiled, read(folder / "messages.po", language))
    compiled.seek(0)
    with (folder / "messages.mo").open("rb") as file:
        shipped = read_mo(file)
    assert texts(shipped) == texts(read_mo(compiled)), AGAIN


def texts(catalog: Catalog) -> dict[str, object]:
    return {str(message.id): message.string for message in catalog if message.id}


@pytest.mark.parametrize(
    ("accepts", "language", "heading"),
    [
        ("de", "de", "Unter dieser Adresse ist nichts"),
        ("de-AT,de;q=0.9,en;q=0.5", "de", "Unter dieser Adresse ist nichts"),
        ("fr,en;q=0.5", "en", "There is nothing at this address"),
        ("en;q=0.9,de;q=0.1", "en", "There is nothing at this address"),
        ("", "en", "There is nothing at this address"),
    ],
)
def test_a_page_speaks_the_language_that_the_browser_asks_for(accepts: str, language: str, heading: str) -> None:
    pages = Pages(Path(__file__).parent, site_name="The Co-op")
    headers = [(b"accept-language", accepts.encode())]
    request = Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers})
    response = pages.render(request, "error.html", {"status": 404, "code": "not_found", "detail": "x"}, status=404)
    html = bytes(response.body).decode()
    assert heading in html
    assert f'<html lang="{language}" dir="ltr">' in html
    assert response.headers["content-language"] == language
