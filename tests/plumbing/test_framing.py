"""What is no request as we read it is refused, counted and logged, and nothing hides inside a request."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest
import structlog

from plumbing import logs
from tests.plumbing.bounded import BOUNDS, GET, POST, Served, read_all, refusal, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("pages"), BOUNDS) as running:
        yield running


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"GET /" + b"a" * 1000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (414, "target_too_long")),
        (b"GET /" + b"a" * 5000, (414, "target_too_long")),
        (GET + b"X: " + b"a" * 4000 + b"\r\n\r\n", (431, "header_too_long")),
        (GET + b"X: " + b"a" * 5000, (431, "header_too_long")),
        (GET + b"".join(b"X-%d: 1\r\n" % n for n in range(30)) + b"\r\n", (431, "header_too_long")),
        (GET + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", (400, "bad_request")),
        (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400, "bad_request")),
        (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", (400, "bad_request")),
        (POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", (400, "bad_request")),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", (400, "bad_request")),
        (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400, "bad_request")),
        (b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400, "bad_request")),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", (400, "bad_request")),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n", (400, "bad_request")),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n", (400, "bad_request")),
        (b"GET /quick HTTP/1.1\r\n\r\n", (400, "bad_request")),
        (GET + b"Host: evil.example\r\n\r\n", (400, "bad_request")),
        (b"GET http://evil.example/quick HTTP/1.1\r\n\r\n", (400, "bad_request")),
        (b"GET evil.example:80 HTTP/1.1\r\nHost: x\r\n\r\n", (400, "bad_request")),
        (b"GET file:///etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", (400, "bad_request")),
        (b"GET /quick\r\n\r\n", (400, "bad_request")),
        (b"GET /quick HTTP/1.1\nHost: x\n\n", (400, "bad_request")),
        (GET[:-1] + b"X: y\r\n\r\n", (400, "bad_request")),
        (GET + b": nameless\r\n\r\n", (400, "bad_request")),
        (POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", (400, "bad_request")),
        (POST + b"Content-Length: +3\r\n\r\nabc", (400, "bad_request")),
        (POST + b"Content-Length: 3, 3\r\n\r\nabc", (400, "bad_request")),
        (POST + b"Content-Length: 99999999999999999999999\r\n\r\n", (400, "bad_request")),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", (400, "bad_request")),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", (400, "bad_request")),
        (POST + b"X: a\n folded\r\n\r\n", (400, "bad_request")),
        (POST + b"X: a\x00b\r\n\r\n", (400, "bad_request")),
        (POST + b"X y: a\r\n\r\n", (400, "bad_request")),
        (b"GET /quick HTTP/9.9\r\nHost: x\r\n\r\n", (400, "bad_request")),
        (b"GET /qu\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", (400, "bad_request")),
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n", (400, "bad_request")),
        (b"FROBNICATE / HTTP/1.1\r\nHost: x\r\n\r\n", (400, "bad_request")),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, "bad_request")),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", (400, "bad_request")),
        (b"\x00\x00\x00\x00\x00", (400, "bad_request")),
    ],
)
def test_what_is_no_request_is_refused_with_its_reason(served: Served, sent: bytes, expected: tuple[int, str]) -> None:
    assert refusal(served.ask(sent)) == expected


def test_what_came_after_a_refused_request_is_not_looked_at(served: Served) -> None:
    answer = served.ask(b"GARBAGE\r\n\r\n" + GET + b"\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert refusal(answer) == (400, "bad_request")


def test_an_address_that_names_another_host_asks_for_what_is_here(served: Served) -> None:
    answer = served.ask(b"GET http://evil.example/quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"evil.example" not in answer


def test_an_upgrade_to_another_protocol_is_answered_as_if_nobody_had_asked_for_it(served: Served) -> None:
    for protocol in (b"websocket", b"h2c"):
        upgrade = b"Connection: Upgrade, close\r\nUpgrade: " + protocol + b"\r\n\r\n"
        assert served.ask(GET + upgrade).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("coding", [b"Content-Length: 42", b"Transfer-Encoding: chunked"])
def test_the_body_of_who_asks_for_another_protocol_is_never_taken_for_a_request(served: Served, coding: bytes) -> None:
    upgrade = POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n" + coding + b"\r\n\r\n"
    with served.connection() as made:
        made.sendall(upgrade)
        assert refusal(read_all(made)) == (400, "bad_request")


def test_who_asks_for_another_protocol_asks_for_nothing_more_on_this_connection(served: Served) -> None:
    with served.connection() as made:
        made.sendall(GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n")
        answer = read_all(made)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in answer.split(b"\r\n")


def test_what_is_refused_before_there_is_a_request_is_counted_by_its_code(served: Served) -> None:
    code = refusal(served.ask(b"nonsense\r\n\r\n"))[1]
    labels = {"service": "test", "code": code}
    assert served.meter.registry.get_sample_value("handstamp_refusals_total", labels)


def test_what_is_refused_before_there_is_a_request_is_logged_without_a_word_of_it(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("info")
    try:
        served.ask(b"canary nonsense\r\n\r\n")
    finally:
        structlog.reset_defaults()
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    said = json.loads(line)
    assert (said["event"], said["status"], said["code"]) == ("refused", 400, "bad_request")
    assert "canary" not in line
    assert "127.0.0.1" not in line


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (GET + b"Accept: text/html\r\nX-A: ", 408),
        (POST + b"Accept: text/html\r\nContent-Length: 9\r\n\r\n", 408),
        (GET + b"Accept: text/html\r\nCookie: " + b"a" * 5000 + b"\r\n\r\n", 431),
        (b"POST /echo HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nContent-Length: x\r\n\r\n", 400),
    ],
)
def test_a_person_is_told_so_on_a_page(served: Served, sent: bytes, status: int) -> None:
    answer = served.ask_and_stop(sent) if status == 408 else served.ask(sent)
    head, _, page = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert {b"content-type: text/html; charset=utf-8", b"x-frame-options: DENY"} <= set(head.split(b"\r\n"))
    assert b"content-length: %d" % len(page) in head
    assert b"<h1>This did not work</h1>" in page


def test_nothing_of_this_says_in_the_log_who_it_was(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="uvicorn.error"):
        served.ask(b"GARBAGE secret\r\n\r\n")
        served.ask_and_stop(GET + b"X: secret")
    assert "127.0.0.1" not in caplog.text
    assert "secret" not in caplog.text
