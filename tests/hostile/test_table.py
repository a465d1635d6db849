"""Each row of the tables: an exact refusal, under strict headers, that repeats nothing and leaves nothing in a log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import pytest

from tests.hostile import (
    conformance_cases,
    coop_body_cases,
    coop_cases,
    coop_form_cases,
    coop_trick_cases,
    site_body_cases,
    site_cases,
    site_trick_cases,
    tracks_cases,
)
from tests.hostile.asking import EVIL, STRICT, Answer, Case, Scene

if TYPE_CHECKING:
    import asyncio
    import io

TABLES = {
    "coop": (*coop_cases.CASES, *coop_body_cases.CASES, *coop_form_cases.CASES, *coop_trick_cases.CASES),
    "site": (*site_cases.CASES, *site_body_cases.CASES, *site_trick_cases.SITE),
    "trackserver": (*tracks_cases.CASES, *site_trick_cases.TRACKS),
    "conformance": conformance_cases.CASES,
}
ROWS = [pytest.param(service, row, id=f"{service}: {row.name}") for service, rows in TABLES.items() for row in rows]


def test_the_tables_hold_what_was_promised() -> None:
    assert len(ROWS) >= 390
    assert len({each.id for each in ROWS}) == len(ROWS)


@pytest.mark.database
@pytest.mark.parametrize(("service", "row"), ROWS)
def test_a_hostile_request_gets_its_exact_answer(
    service: str, row: Case, request: pytest.FixtureRequest, runner: asyncio.Runner, said: io.StringIO
) -> None:
    scene: Scene = request.getfixturevalue(service)
    answer = scene.ask(runner, row)
    assert answer.described() == row.expect
    assert answer.status < 500
    check_headers(answer)
    check_nothing_leads_elsewhere(answer, scene)
    check_nothing_is_repeated(answer)
    check_lines(said.getvalue())


def check_headers(answer: Answer) -> None:
    for name, begins in STRICT.items():
        assert answer.header(name).startswith(begins), name
    assert "frame-ancestors 'none'" in answer.header("content-security-policy")
    assert "unsafe" not in answer.header("content-security-policy")
    assert answer.status not in {429, 503} or int(answer.header("retry-after")) >= 1
    assert len(answer.all("content-type")) == (1 if answer.body else len(answer.all("content-type")[:1]))
    assert not any(letter in value for _, value in answer.headers for letter in "\r\n\x00")


def check_nothing_leads_elsewhere(answer: Answer, scene: Scene) -> None:
    for location in answer.all("location"):
        assert urljoin(f"{scene.origin}/", location).startswith(f"{scene.origin}/")
    for cookie in answer.all("set-cookie"):
        assert {"httponly", "samesite=lax"} <= {part.strip().lower() for part in cookie.split(";")}
    assert answer.all("access-control-allow-origin") in ([], ["*"])
    assert not answer.all("access-control-allow-credentials")


def check_nothing_is_repeated(answer: Answer) -> None:
    if not answer.header("content-type").startswith("text/html"):
        return
    text = answer.body.decode()
    assert "<script>" not in text
    assert "<img src=x" not in text
    assert "evil.example" not in text


def check_lines(text: str) -> None:
    for line in text.splitlines():
        found = json.loads(line)
        # What runs by itself, here or in a service of another module, says its lines when it likes.
        assert found["event"] in {"request", "refused"} or "run_id" in found, line
        assert not any(each in line or each in json.dumps(found, ensure_ascii=False) for each in EVIL)
        assert "198.51.100.7" not in line
