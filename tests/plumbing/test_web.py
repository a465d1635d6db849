"""The edge that every service shares: limits, headers, errors, languages, forms."""

import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import structlog
from fastapi import FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response, StreamingResponse

from credentials.errors import HandstampError, HolderError, OperatorError
from credentials.protocols.oauth import InvalidGrant
from plumbing import logs
from plumbing.problems import status_of
from plumbing.web.app import WebPolicy, create_app
from plumbing.web.csrf import ForgedForm, FormGuard, check_same_site
from plumbing.web.pages import Pages

ACCEPT_PAGE = {"Accept": "text/html"}


class TooShy(HolderError):
    code = "too_shy"


def build_app(tmp_path: Path, **policy: object) -> FastAPI:
    (tmp_path / "hello.html").write_text("{% extends 'base.html' %}{% block main %}{{ _('Hello') }}{% endblock %}")
    pages = Pages(tmp_path, site_name="Test site")
    app = create_app(title="test", policy=WebPolicy(statuses={HolderError: 422}, **policy), pages=pages)

    @app.get("/page")
    async def page(request: Request) -> Response:
        return pages.render(request, "hello.html", {})

    @app.get("/shy")
    async def shy() -> None:
        raise TooShy("Say it louder.")

    @app.get("/oauth")
    async def oauth() -> None:
        raise InvalidGrant("The code was used.")

    @app.get("/surprise/{secret}")
    async def surprise(secret: str) -> None:
        raise ValueError(secret)

    @app.get("/half")
    async def half() -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"half"
            raise ValueError("gone")

        return StreamingResponse(pieces())

    @app.post("/echo")
    async def echo(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    return app


@pytest.fixture(autouse=True)
def fresh_logging() -> Iterator[None]:
    """Each test decides where log lines go: structlog is one for the process."""
    yield
    structlog.reset_defaults()


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=build_app(tmp_path, max_body_bytes=100, form_action=["https://tracks.example"]))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


@pytest.mark.parametrize("path", ["/page/", "/static"])
async def test_nobody_is_sent_to_the_host_that_a_request_names(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path, headers={"Host": "evil.example"})
    assert (response.status_code, response.headers.get("location")) == (404, None)


@pytest.mark.parametrize("length", [b"\xb2", b"-1", b"+5", b"0x10", b"5, 5", b"", b"9" * 400])
async def test_a_length_that_is_no_number_is_refused_in_our_words(client: httpx.AsyncClient, length: bytes) -> None:
    response = await client.post("/echo", content=b"", headers=[(b"Content-Length", length)])
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


async def test_every_answer_carries_the_strict_headers(client: httpx.AsyncClient) -> None:
    for path in ("/page", "/shy", "/oauth", "/surprise/x", "/nowhere"):
        headers = (await client.get(path)).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe-inline" not in headers["content-security-policy"]
        assert "form-action 'self' https://tracks.example" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


async def test_browsers_are_told_to_insist_on_https_only_where_it_is_used(tmp_path: Path) -> None:
    for https, expected in ((True, "max-age=31536000"), (False, None)):
        transport = httpx.ASGITransport(app=build_app(tmp_path, https=https))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            assert (await client.get("/page")).headers.get("strict-transport-security") == expected


async def test_an_error_is_a_problem_document_for_a_program(client: httpx.AsyncClient) -> None:
    answer = await client.get("/shy")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:handstamp:error:too_shy",
        "title": "Unprocessable Content" if "Content" in answer.json()["title"] else "Unprocessable Entity",
        "status": 422,
        "detail": "Say it louder.",
        "code": "too_shy",
        "instance": f"urn:handstamp:request:{answer.headers['x-request-id']}",
    }


async def test_an_error_is_a_page_in_words_for_a_person(client: httpx.AsyncClient) -> None:
    answer = await client.get("/shy", headers=ACCEPT_PAGE)
    assert answer.status_code == 422
    assert "Nothing was changed" in answer.text
    assert "Say it louder." not in answer.text  # the words for programs are English, and may name a parameter


async def test_an_oauth_error_has_the_exact_body_of_its_standard(client: httpx.AsyncClient) -> None:
    answer = await client.get("/oauth")
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_grant"
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"


async def test_a_surprise_says_nothing_of_what_was_inside_and_neither_does_the_log(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    logs.configure("debug")
    with caplog.at_level(logging.DEBUG):
        answer = await client.get("/surprise/canary-value")
    written = capsys.readouterr()
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert "canary-value" not in answer.text + written.err + written.out + caplog.text
    assert "ValueError" in written.err


async def test_half_an_answer_is_cut_off_and_does_not_look_whole(client: httpx.AsyncClient) -> None:
    with pytest.raises((ConnectionAbortedError, httpx.HTTPError)):
        await client.get("/half")


async def test_a_log_line_has_the_route_and_never_the_path_or_query(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("info")
    await client.get("/surprise/canary-path?token=canary-query")
    written = capsys.readouterr().err
    assert '"route": "/surprise/{secret}"' in written
    assert "canary" not in written


@pytest.mark.parametrize(("size", "status"), [(100, 200), (101, 413)])
async def test_a_body_above_the_cap_is_refused(client: httpx.AsyncClient, size: int, status: int) -> None:
    answer = await client.post("/echo", content=b"x" * size)
    assert answer.status_code == status


async def test_a_body_of_unannounced_length_is_cut_off_too(client: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 10

    answer = await client.post("/echo", content=pieces())
    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"


def test_the_frameworks_own_telemetry_is_off(tmp_path: Path) -> None:
    assert not build_app(tmp_path)._native_telemetry.enabled()  # noqa: SLF001  # no public way to ask


async def test_an_unknown_address_is_a_page_for_a_person(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nowhere", headers=ACCEPT_PAGE)
    assert answer.status_code == 404
    assert "<html" in answer.text


@pytest.mark.parametrize(
    ("method", "path", "told"), [("GET", "/nowhere", "Look whether it was copied whole."), ("DELETE", "/page", "Allow")]
)
async def test_what_is_not_there_or_not_asked_in_this_way_is_told_to_a_program_in_a_sentence(
    client: httpx.AsyncClient, method: str, path: str, told: str
) -> None:
    assert told in (await client.request(method, path)).json()["detail"]


async def test_a_page_names_its_language_and_is_not_cached(client: httpx.AsyncClient) -> None:
    answer = await client.get("/page", headers={"Accept-Language": "en-GB,en;q=0.9"})
    assert answer.headers["content-language"] == "en"
    assert answer.headers["cache-control"] == "no-store"
    assert 'lang="en"' in answer.text


@given(st.text())
def test_any_language_header_is_read_without_an_error(header: str) -> None:
    request = Request({"type": "http", "headers": [(b"accept-language", header.encode("utf-8"))]})
    assert Pages(Path(), site_name="x").language_of(request)


def test_a_parents_status_serves_for_its_children_and_the_operator_is_500() -> None:
    assert status_of(TooShy("x"), {HolderError: 422}) == 422
    assert status_of(TooShy("x"), {HolderError: 422, TooShy: 409}) == 409
    assert status_of(OperatorError("x"), {}) == 500
    assert status_of(HandstampError("x"), {}) == 400


def test_a_form_field_belongs_to_one_session() -> None:
    guard = FormGuard(b"k" * 32)
    guard.check("session", guard.field_value("session"))
    for session, field in (("other", guard.field_value("session")), ("session", None), ("session", "ü")):
        with pytest.raises(ForgedForm):
            guard.check(session, field)


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"origin": "http://test"}, True),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "null"}, False),
    ],
)
def test_a_form_that_the_browser_says_came_from_elsewhere_is_refused(headers: dict[str, str], passes: bool) -> None:
    request = Request({"type": "http", "headers": [(name.encode(), value.encode()) for name, value in headers.items()]})
    if passes:
        check_same_site(request, own_origin="http://test")
    else:
        with pytest.raises(ForgedForm):
            check_same_site(request, own_origin="http://test")


async def test_a_callers_request_id_is_neither_taken_nor_echoed(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("info")
    asked = {"X-Request-ID": "canary-id", "traceparent": "canary", "X-Correlation-ID": "canary"}
    answers = [await client.get("/shy", headers=asked) for _ in range(2)]
    written = capsys.readouterr().err
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert all(re.fullmatch("[0-9a-f]{16}", each) and each in written for each in ids)
    assert ids[0] != ids[1]
    assert "canary" not in written + str(answers[0].headers) + answers[0].text


async def test_an_error_page_shows_the_id_to_tell_to_whoever_runs_the_service(client: httpx.AsyncClient) -> None:
    for path in ("/shy", "/nowhere", "/surprise/x"):
        answer = await client.get(path, headers=ACCEPT_PAGE)
        assert f"{answer.headers['x-request-id']}</code>" in answer.text


async def test_a_refusal_is_logged_with_its_code_whatever_it_looks_like(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("info")
    await client.get("/shy")
    await client.get("/shy", headers=ACCEPT_PAGE)
    await client.get("/oauth")
    await client.get("/page")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line.get("code") for line in lines] == ["too_shy", "too_shy", "invalid_grant", None]


async def test_a_made_up_method_is_not_written_down(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("info")
    await client.request("CANARY", "/page")
    line = json.loads(capsys.readouterr().err)
    assert (line["method"], line["route"], line["status"]) == ("other", "/page", 405)


@pytest.mark.parametrize("both", [True, False])
async def test_a_body_that_announces_itself_shorter_than_it_is_is_cut_off_by_whoever_counts(
    client: httpx.AsyncClient, both: bool
) -> None:
    headers = {"Transfer-Encoding": "chunked", **({"Content-Length": "5"} if both else {})}

    async def pieces() -> AsyncIterator[bytes]:
        yield b"x" * 101

    answer = await client.post("/echo", content=pieces(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_line_names_the_template_of_health_and_of_what_pages_are_made_of(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("info")
    for path in ("/health/live", "/static/handstamp.css", "/static/nothing", "/nowhere"):
        await client.get(path)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["route"] for line in lines] == ["/health/live", "/static", "/static", "none"]


async def test_who_leaves_in_the_middle_of_a_request_is_no_error_of_ours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app, sent = build_app(tmp_path), []
    logs.configure("info")

    async def leave() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/echo", "query_string": b"", "headers": [], "root_path": ""}
    await app({**scope, "http_version": "1.1", "scheme": "http", "server": ("test", 80)}, leave, send)
    line = json.loads(capsys.readouterr().err)
    assert (line["level"], line["code"], line["status"]) == ("info", "client_gone", 499)
    assert sent == []


async def test_a_request_passes_our_own_layers_and_no_other_that_has_nothing_to_do(tmp_path: Path) -> None:
    app = build_app(tmp_path)
    layer: object = app.build_middleware_stack()
    passed = []
    while layer is not app.router:
        passed.append(type(layer).__name__)
        layer = getattr(layer, "app", None) or vars(layer)["_app"]
    assert passed == ["Overload", "Edge", "RateLimit", "ExceptionMiddleware", "AsyncExitStackMiddleware"]
