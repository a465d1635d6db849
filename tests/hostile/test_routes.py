"""What must hold for every route there is, read off the routers: who adds a route is held to it without a word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from starlette.routing import BaseRoute, Mount, Route

from issuer.app import KINDS as COOP_KINDS
from issuer.wallet_api import WALLET_ENDPOINTS
from tests.hostile.asking import FORM, Answer, Scene, case
from tests.hostile.conftest import build_coop, build_site, build_trackserver
from tests.hostile.test_table import check_headers, check_nothing_leads_elsewhere
from trackserver.api import KINDS as TRACKS_KINDS
from verifier.app import KINDS as SITE_KINDS

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from fastapi import FastAPI

SERVICES = ("coop", "site", "trackserver", "conformance")
PROGRAMS = {
    *WALLET_ENDPOINTS,
    "/requests/{request_id}",
    "/responses/{request_id}",
    "/gates/{gate_id}/passes",
    "/grants",
}
"""Endpoints that look at no cookie: what another site makes a browser send there, it could send itself."""
COOKIES = {
    "coop": [case("", "POST /login", "", "token=<<login>>", content_type=FORM)],
    "site": [case("", "POST /gates/<<gate>>/visits", "", "terms=on", content_type=FORM)],
    "trackserver": [case("", "POST /grants", "", '{"grant": "<<grant>>"}')],
}
"""What makes a service set a cookie, beside what every route is asked."""


def routes_of(routes: list[BaseRoute]) -> Iterator[tuple[str, str]]:
    """Give method and template of every route, whatever it is included or mounted by."""
    for route in routes:
        inner: Any = getattr(route, "original_router", None)
        if isinstance(route, Route):
            yield from ((method, route.path) for method in sorted(route.methods or ()))
        elif isinstance(route, Mount) and not route.routes:
            yield "GET", f"{route.path}/page.js"
        else:
            yield from routes_of(list(inner.routes if inner is not None else getattr(route, "routes", ())))


def every_route(scene: Scene) -> list[tuple[str, str]]:
    app: FastAPI = scene.app  # type: ignore[assignment]
    return list(routes_of(app.routes))


def fill(template: str, scene: Scene) -> str:
    """Name what there is, and for the rest something that there is not."""
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: value_of(found[1], scene), template)


def value_of(variable: str, scene: Scene) -> str:
    """Return what stands for a variable of a path."""
    known = {"gate_id": "gate", "visit_id": "visit", "offer_id": "offer", "release_id": "release", "name": "name"}
    known |= {"download_id": "download", "file_id": "file", "request_id": "request"}
    return scene.names.get(known.get(variable, ""), "none")


def ask_all(scene: Scene, runner: asyncio.Runner, **headers: str) -> Iterator[tuple[str, str, Answer]]:
    for method, template in every_route(scene):
        if not template.endswith("/events"):  # an answer that does not end
            yield method, template, scene.ask(runner, case("", f"{method} {fill(template, scene)}", "", **headers))


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, runner: asyncio.Runner) -> Iterator[dict[str, Scene]]:
    """The services as they stand on the web, under https."""
    with (
        build_coop(tmp_path_factory.mktemp("coop"), runner, "https://coop.localhost") as coop,
        build_site(tmp_path_factory.mktemp("site"), runner, "https://artist.localhost") as site,
        build_trackserver(tmp_path_factory.mktemp("tracks"), runner, "https://tracks.localhost") as trackserver,
    ):
        yield {"coop": coop, "site": site, "trackserver": trackserver}


@pytest.mark.parametrize("service", SERVICES)
def test_the_routes_are_found(service: str, request: pytest.FixtureRequest) -> None:
    found = every_route(request.getfixturevalue(service))
    assert len(found) > 10
    assert ("GET", "/static/page.js") in found


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
@pytest.mark.parametrize("service", SERVICES)
def test_every_route_answers_under_strict_headers(
    service: str, accept: str, request: pytest.FixtureRequest, runner: asyncio.Runner
) -> None:
    scene: Scene = request.getfixturevalue(service)
    for method, template, answer in ask_all(scene, runner, accept=accept, cookie=scene.names.get("cookie", "a=b")):
        assert answer.status < 500, (method, template)
        check_headers(answer)
        check_nothing_leads_elsewhere(answer, scene)
        assert not answer.all("strict-transport-security")


@pytest.mark.parametrize("service", ["coop", "site", "trackserver"])
def test_every_page_does_without_anything_inline(
    service: str, request: pytest.FixtureRequest, runner: asyncio.Runner
) -> None:
    scene: Scene = request.getfixturevalue(service)
    pages = 0
    for method, template, answer in ask_all(scene, runner, accept="text/html", cookie=scene.names["cookie"]):
        if answer.header("content-type").startswith("text/html"):
            pages += 1
            text = answer.body.decode()
            assert not re.search(r"<script(?![^>]*\ssrc=)|\sstyle=|\son\w+=\"|<style|javascript:", unescaped(text)), (
                method,
                template,
            )
    assert pages > 3


def unescaped(text: str) -> str:
    """Leave out the title of markup that every scene has: there it stands as text."""
    return re.sub(r"&#34;&gt;.*?&#39;|&quot;&gt;.*?&#x27;", "", text)


@pytest.mark.parametrize("service", ["coop", "site", "trackserver"])
def test_on_the_web_every_answer_insists_on_https(
    service: str, secure: dict[str, Scene], runner: asyncio.Runner
) -> None:
    for method, template, answer in ask_all(secure[service], runner, cookie=secure[service].names["cookie"]):
        assert answer.header("strict-transport-security") == "max-age=31536000", (method, template)


@pytest.mark.parametrize("service", ["coop", "site", "trackserver"])
def test_on_the_web_every_cookie_is_for_one_host_over_https_and_for_no_script(
    service: str, secure: dict[str, Scene], runner: asyncio.Runner
) -> None:
    scene = secure[service]
    asked = [answer for _, _, answer in ask_all(scene, runner, cookie=scene.names["cookie"])]
    asked += [scene.ask(runner, each) for each in COOKIES[service]]
    cookies = [cookie for answer in asked for cookie in answer.all("set-cookie")]
    if service == "trackserver":
        ticket = asked[-1].body.decode().partition("ticket=")[2].partition('"')[0]
        cookies += scene.ask(runner, case("", f"GET /open?ticket={ticket}", "")).all("set-cookie")
    assert cookies
    for cookie in cookies:
        assert {"HttpOnly", "Secure", "SameSite=lax"} <= set(cookie.split("; ")), cookie
        # One that is for a part of the paths only cannot say that it is for this host only; no domain says it then.
        assert cookie.startswith("__Host-" if "Path=/;" in f"{cookie};" else "__Secure-")
        assert "Domain" not in cookie


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS", "CONNECT", "PROPFIND", "FROB"])
@pytest.mark.parametrize("service", ["coop", "site", "trackserver"])
def test_no_route_takes_a_method_that_it_does_not_name_or_says_back_what_it_was_sent(
    service: str, method: str, request: pytest.FixtureRequest, runner: asyncio.Runner
) -> None:
    scene: Scene = request.getfixturevalue(service)
    for template in sorted({template for _, template in every_route(scene)}):
        row = case("", f"{method} {fill(template, scene)}", "", "canary", cookie="canary=canary", x_api="canary")
        answer = scene.ask(runner, row)
        assert answer.status in {404, 405}, template
        assert b"canary" not in answer.body
        assert not answer.all("access-control-allow-methods")


@pytest.mark.parametrize("service", ["coop", "site", "trackserver"])
@pytest.mark.parametrize(
    "sign",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "https://evil.example", "content_type": "text/plain"},
    ],
)
def test_no_form_of_another_site_is_taken_for_a_visitors(
    service: str, sign: dict[str, str], request: pytest.FixtureRequest, runner: asyncio.Runner
) -> None:
    scene: Scene = request.getfixturevalue(service)
    for method, template in every_route(scene):
        if method in {"GET", "HEAD"} or template in PROGRAMS:
            continue
        body = "csrf=<<csrf>>&token=<<login>>&terms=on&sure=yes" if "login" in scene.names else "csrf=<<csrf>>&terms=on"
        headers = {"cookie": "<<cookie>>", "content_type": FORM, **sign}
        forged = case("", f"{method} {fill(template, scene)}", "", body, **headers)
        assert scene.ask(runner, forged).described() == "403 problem forged_form", template


@pytest.mark.parametrize(
    ("service", "kinds"), [("coop", COOP_KINDS), ("site", SITE_KINDS), ("trackserver", TRACKS_KINDS)]
)
def test_what_is_counted_apart_is_a_route(service: str, kinds: dict[str, Any], request: pytest.FixtureRequest) -> None:
    known = {f"{method} {template}" for method, template in every_route(request.getfixturevalue(service))}
    assert set(kinds) <= known
