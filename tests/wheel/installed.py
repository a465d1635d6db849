"""What an installed wheel must hold; `tests/wheel_check.py` runs it from a folder without any source."""

import importlib
import os
import sys
from importlib.metadata import metadata
from pathlib import Path

import pytest

PACKAGES = ("schemas", "credentials", "plumbing", "issuer", "verifier", "wallet", "trackserver", "handstamp")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_comes_from_the_wheel(package: str) -> None:
    found = importlib.import_module(package).__file__
    assert found is not None
    assert Path(found).is_relative_to(sys.prefix)
    assert (Path(found).parent / "py.typed").exists() or package == "schemas"


def test_nothing_of_the_source_tree_is_in_reach() -> None:
    for place in (Path(each or os.curdir) for each in sys.path):
        assert not (place / "handstamp" / "cli.py").exists() or place.is_relative_to(sys.prefix)


@pytest.mark.parametrize(
    "path",
    [
        *(f"{role}/web/templates/error.html" for role in ("plumbing", "issuer", "verifier", "trackserver")),
        "plumbing/web/locales/de/LC_MESSAGES/messages.mo",
        "plumbing/web/static/handstamp.css",
        *(f"{role}/migrations/env.py" for role in ("issuer", "verifier", "trackserver")),
        "schemas/data/context/v1.jsonld",
    ],
)
def test_what_lies_beside_the_code_is_there(path: str) -> None:
    package, _, rest = path.partition("/")
    found = importlib.import_module(package).__file__
    assert found is not None
    assert (Path(found).parent / rest).stat().st_size > 0


@pytest.mark.parametrize(
    "path", ["systemd/handstamp-issuer@.service", "nginx/handstamp.conf", "settings/issuer.toml", "operations.md"]
)
def test_what_an_operator_copies_comes_along(path: str) -> None:
    assert (Path(sys.prefix) / "share" / "handstamp" / path).is_file()


def test_the_extras_are_named() -> None:
    assert {"audio", "tracing"} <= set(metadata("handstamp").get_all("Provides-Extra") or [])
