"""Contexts come from the package, by hash; none is fetched."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from credentials.linked_data import CONTEXTS, UnknownContext, load_context
from credentials.linked_data import contexts as module


@pytest.mark.parametrize("url", list(CONTEXTS))
def test_every_context_of_the_table_is_the_one_that_its_hash_names(url: str) -> None:
    assert set(load_context(url)) <= {"@context", "id"}


def test_a_context_that_is_not_in_the_table_is_unknown() -> None:
    with pytest.raises(UnknownContext) as refused:
        load_context("https://example.com/context")

    assert refused.value.code == "unknown_context"


def test_a_context_that_was_changed_on_disk_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    known = CONTEXTS[module.HANDSTAMP_V1]
    changed = module.FrozenContext(known.package, known.path, "0" * 64)
    monkeypatch.setattr(module, "CONTEXTS", MappingProxyType({"urn:changed": changed}))

    with pytest.raises(module.ContextChanged) as refused:
        load_context("urn:changed")

    assert refused.value.code == "context_changed"
