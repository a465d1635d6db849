"""What each OpenAPI says is true, and schemathesis finds nothing that contradicts it.

It asks every operation, documented methods and others, with what fits the schema and what does not. One of its checks
is left out: that whatever fits a schema is accepted. No schema says which signature, code or pass is a good one.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.specs.openapi.checks import positive_data_acceptance

from handstamp.conformance.openapi import OPERATIONS as CONFORMANCE
from issuer.openapi import OPERATIONS as COOP
from trackserver.openapi import OPERATIONS as TRACKSERVER
from verifier.openapi import OPERATIONS as SITE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI

    from tests.hostile.asking import Scene

SERVICES = {"coop": COOP, "site": SITE, "trackserver": TRACKSERVER, "conformance": CONFORMANCE}
EXAMPLES = 3


@pytest.mark.parametrize(("service", "operations"), SERVICES.items())
def test_every_operation_is_described_and_nothing_else(
    service: str, operations: Mapping[str, Any], request: pytest.FixtureRequest
) -> None:
    app: FastAPI = request.getfixturevalue(service).app
    said = {f"{method.upper()} {path}" for path, item in app.openapi()["paths"].items() for method in item}
    assert said - {"GET /health"} == set(operations)
    for item in app.openapi()["paths"].values():
        for operation in item.values():
            assert {"400", "413", "429", "503"} <= set(operation["responses"])


@pytest.mark.slow
@pytest.mark.parametrize("service", SERVICES)
def test_schemathesis_finds_nothing(service: str, request: pytest.FixtureRequest) -> None:
    scene: Scene = request.getfixturevalue(service)
    schema = schemathesis.openapi.from_asgi("/openapi.json", scene.app)
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.endswith("/events"):
            continue  # an answer that does not end
        ask_all(operation, schemathesis.GenerationMode.POSITIVE)
        with suppress(Unsatisfiable):  # where nothing is taken, nothing that is taken can be wrong
            ask_all(operation, schemathesis.GenerationMode.NEGATIVE)


def ask_all(operation: Any, mode: schemathesis.GenerationMode) -> None:
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any) -> None:
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    ask()
