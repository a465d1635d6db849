"""What each OpenAPI says is true, and schemathesis finds nothing that contradicts it.

It asks every operation, documented methods and others, with what fits the schema and what does not; what fits is also
asked of what there is, by whoever may. That whatever fits is accepted is checked here and not by schemathesis, which
knows statuses only: no schema says which code or pass is a good one, but what fits must never be called unreadable.
Where no schema can say even that, what was drawn gets the one value that counts, and must then be taken.
"""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from credentials.encoding import strict_json
from credentials.errors import Malformed
from handstamp.conformance.openapi import OPERATIONS as CONFORMANCE
from issuer.forms import SCOPES
from issuer.openapi import OPERATIONS as COOP
from tests.hostile.asking import FORM, JSON, case, form
from tests.hostile.test_routes import value_of
from trackserver.openapi import OPERATIONS as TRACKSERVER
from verifier.openapi import OPERATIONS as SITE

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from fastapi import FastAPI

    from tests.hostile.asking import Scene

LINKED_DATA = (
    ("credentials", "issue"),
    ("credentials", "derive"),
    ("credentials", "verify"),
    ("credentials", "status"),
    ("presentations", "create"),
    ("presentations", "verify"),
)
SERVICES = {"coop": COOP, "site": SITE, "trackserver": TRACKSERVER, "conformance": CONFORMANCE}
EFFORT = settings(
    max_examples=4,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
JUDGED = {
    "POST /par": "where a browser may be sent is told by no pattern",
    "POST /responses/{request_id}": "what a wallet shows is signed, and often sealed",
    "POST /grants": "a grant is signed",
    "GET /1.0/identifiers/{did}": "each method of DIDs has a form of its own",
    **dict.fromkeys(
        (f"POST /{where}{what}/{act}" for where in ("", "{name}/") for what, act in LINKED_DATA),
        "what is linked data depends on its contexts",
    ),
}
"""Operations whose body no schema can tell, and why."""


def good_request(drawn: dict[str, Any], _scene: Scene, _runner: asyncio.Runner) -> tuple[str, dict[str, Any]]:
    return "/par", drawn | {"redirect_uri": "org.wallet.example:/back?a=b", "scope": " ".join(SCOPES)}


def good_grant(drawn: dict[str, Any], scene: Scene, _runner: asyncio.Runner) -> tuple[str, dict[str, Any]]:
    return "/grants", drawn | {"grant": scene.names["grant"]}


def good_refusal(drawn: dict[str, Any], scene: Scene, runner: asyncio.Runner) -> tuple[str, dict[str, Any]]:
    """A no to the question of a new visit; a yes would have to be proved."""
    visit = scene.ask(runner, form("", "/gates/<<gate>>/visits", "", "terms=on", accept=JSON))
    request = re.findall(r"requests%2F([\w-]+)", visit.body.decode())[0]
    _, payload, _ = scene.ask(runner, case("", f"GET /requests/{request}", "")).body.split(b".")
    state = json.loads(base64.urlsafe_b64decode(payload + b"=="))["state"]
    said = {name: value for name, value in drawn.items() if name not in {"vp_token", "response"}}
    return f"/responses/{request}", {"error": "access_denied"} | said | {"state": state}


GOOD: Mapping[str, tuple[Callable[..., tuple[str, dict[str, Any]]], set[int]]] = {
    "POST /par": (good_request, {201}),
    "POST /grants": (good_grant, {201, 409}),  # once
    "POST /responses/{request_id}": (good_refusal, {200}),
}
"""What makes a body good that fits, and how that is answered."""


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
def test_schemathesis_finds_nothing(service: str, request: pytest.FixtureRequest, runner: asyncio.Runner) -> None:
    scene: Scene = request.getfixturevalue(service)
    schema = schemathesis.openapi.from_asgi("/openapi.json", scene.app)
    statuses: Counter[int] = Counter()
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.endswith("/events"):
            continue  # an answer that does not end
        ask_all(operation, schemathesis.GenerationMode.POSITIVE, scene, statuses)
        if operation.label in GOOD:
            ask_good(operation, scene, runner)
        if operation.body or operation.query:  # where nothing is taken, nothing that is taken can be wrong
            ask_all(operation, schemathesis.GenerationMode.NEGATIVE, scene, statuses)
    assert {200, 400} <= set(statuses)


def ask_all(operation: Any, mode: schemathesis.GenerationMode, scene: Scene, statuses: Counter[int]) -> None:
    @given(case=operation.as_strategy(generation_mode=mode))
    @EFFORT
    def ask(case: Any) -> None:
        put(case)
        if mode.is_positive and case.path_parameters:
            case.path_parameters = {name: value_of(name, scene) for name in case.path_parameters}
            put(case, **allowed(case, scene))

    def put(case: Any, **headers: str) -> None:
        answer = case.call(headers=headers)
        case.validate_response(answer, excluded_checks=[positive_data_acceptance], headers=headers)
        statuses[answer.status_code] += 1
        if mode.is_positive and operation.label not in JUDGED and is_read_alike(case.body):
            assert not calls_it_unreadable(answer), (operation.label, case.path_parameters, case.body, answer.text)

    ask()


def ask_good(operation: Any, scene: Scene, runner: asyncio.Runner) -> None:
    """Ask with bodies that fit and are good; each must be taken, whatever else stands in it."""
    good, taken = GOOD[operation.label]

    @given(drawn=operation.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE))
    @EFFORT
    def ask(drawn: Any) -> None:
        if not is_read_alike(drawn.body):
            return
        path, body = good(drawn.body, scene, runner)
        sent = urlencode(body) if drawn.media_type == FORM else json.dumps(body)
        answer = scene.ask(runner, case("", f"POST {path}", "", sent, content_type=drawn.media_type))
        assert answer.status in taken, (body, answer.body)

    ask()


def is_read_alike(body: Any) -> bool:
    """Tell whether every reader of JSON takes this for the same, which no schema can say of members without a name.

    Integers beyond 53 bits and halves of characters are refused wherever they stand (RFC 7493 §2).
    """
    try:
        strict_json.parse(json.dumps(body, default=str), what="body")
    except Malformed:
        return False
    return True


def allowed(case: Any, scene: Scene) -> dict[str, str]:
    """What somebody sends who may do this: a cookie, or the key of a door."""
    if case.operation.path.endswith("/passes"):
        return {"Authorization": f"Bearer {scene.names['key']}"}
    return {"Cookie": scene.names["cookie"]} if "cookie" in scene.names else {}


def calls_it_unreadable(answer: Any) -> bool:
    if answer.status_code in {405, 406, 413, 415}:
        return True
    if answer.status_code not in {400, 422}:
        return False
    return re.search(r'"(malformed|unknown_option|invalid_request)"|<code>\d+ malformed', answer.text) is not None
