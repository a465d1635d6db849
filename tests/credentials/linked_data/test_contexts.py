"""Contexts come from the package, by hash; none is fetched."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from credentials.linked_data import CONTEXTS, UnknownContext, canonicalize, load_context, trial_contexts
from credentials.linked_data import contexts as module
from schemas.context import CONTEXT_URL, CREDENTIALS_V2_URL


@pytest.mark.parametrize("url", list(CONTEXTS))
def test_every_context_of_the_table_is_the_one_that_its_hash_names(url: str) -> None:
    assert set(load_context(url)) <= {"@context", "id"}


def test_a_context_that_is_not_in_the_table_is_unknown() -> None:
    with pytest.raises(UnknownContext) as refused:
        load_context("https://example.com/context")

    assert refused.value.code == "unknown_context"


def test_a_context_that_was_changed_on_disk_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    known = CONTEXTS[CONTEXT_URL]
    changed = module.FrozenContext(known.package, known.path, "0" * 64)
    monkeypatch.setattr(module, "CONTEXTS", MappingProxyType({"urn:changed": changed}))

    with pytest.raises(module.ContextChanged) as refused:
        load_context("urn:changed")

    assert refused.value.code == "context_changed"


@pytest.mark.parametrize("url", list(module.TRIAL_CONTEXTS))
def test_a_context_that_defines_every_word_is_known_in_trials_alone(url: str) -> None:
    document = {"@context": [CREDENTIALS_V2_URL, url], "id": "urn:x:1", "anything": "at all"}
    with trial_contexts():
        assert "anything" in canonicalize(document).text
        assert set(load_context(url)) == {"@context"}

    # What a trial has brought in is not known to whoever comes after it.
    with pytest.raises(UnknownContext):
        canonicalize(document)
    with pytest.raises(UnknownContext):
        load_context(url)


def test_no_context_of_the_table_defines_every_word() -> None:
    def vocabularies(value: object) -> list[object]:
        if isinstance(value, dict):
            own = [value["@vocab"]] if value.get("@vocab") else []
            return own + [found for member in value.values() for found in vocabularies(member)]
        return [found for each in value for found in vocabularies(each)] if isinstance(value, list) else []

    assert {url: found for url in CONTEXTS if (found := vocabularies(load_context(url)))} == {}
