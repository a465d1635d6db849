"""What all unfinished requests hold together has a bound, and whoever has been sending longest gives way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.plumbing.bounded import CAP, GET, PATIENT, POST, Served, read_all, read_until, refusal, serving

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

LENGTH = b"Content-Length: %d\r\n\r\n" % CAP
HEAD = POST + LENGTH
UNREAD = b"POST /unread HTTP/1.1\r\nHost: x\r\n" + LENGTH
PART = 60_000
BOUNDS = replace(PATIENT, arriving_bytes=CAP + 5000)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("arriving"), BOUNDS) as running:
        yield running


def send_in_two(served: Served, connection: socket.socket) -> None:
    """Send a request whose body is as long as may be, so that almost all of it waits for the rest; it is answered."""
    served.say(connection, HEAD + bytes(CAP - 1))
    connection.sendall(b"x")
    assert read_until(connection, str(CAP).encode()).startswith(b"HTTP/1.1 200 ")


def test_whoever_began_first_gives_way_and_who_came_last_is_answered(served: Served) -> None:
    with served.connection() as first, served.connection() as last:
        served.say(first, HEAD + bytes(PART))
        served.say(last, HEAD + bytes(PART))
        answer = read_all(first)
        assert refusal(answer) == (503, "too_much_arriving")
        assert b"retry-after: 2" in answer.lower()
        last.sendall(bytes(CAP - PART))
        assert read_until(last, str(CAP).encode()).startswith(b"HTTP/1.1 200 ")
    assert served.load.waiting == 0


def test_what_was_whole_or_answered_counts_no_more(served: Served) -> None:
    with served.connection() as answered, served.connection() as connection:
        served.say(answered, UNREAD + bytes(PART))
        assert read_until(answered, b"quick").startswith(b"HTTP/1.1 200 ")
        for _ in range(3):
            send_in_two(served, connection)
        answered.sendall(bytes(CAP - PART) + GET + b"\r\n")
        assert read_until(answered, b"quick").startswith(b"HTTP/1.1 200 ")


def told_to_give_way(served: Served) -> float:
    labels = {"service": "test", "code": "too_much_arriving"}
    return served.meter.registry.get_sample_value("handstamp_refusals_total", labels) or 0


def test_what_is_worked_on_gives_way_to_nobody(served: Served) -> None:
    before = told_to_give_way(served)
    with served.connection() as worked_on, served.connection() as last:
        head = b"POST /endless HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % PART
        served.say(worked_on, head + bytes(PART))
        send_in_two(served, last)
    assert told_to_give_way(served) == before


def test_who_left_is_not_told_to_give_way(tmp_path: Path) -> None:
    with serving(tmp_path, BOUNDS) as served:
        with served.awaited("lost"), served.connection() as left:
            served.say(left, HEAD + bytes(PART))
        with served.connection() as connection:
            send_in_two(served, connection)
    assert told_to_give_way(served) == 0


def test_a_body_behind_an_answer_that_never_ends_is_counted_too(served: Served) -> None:
    before = told_to_give_way(served)
    with served.connection() as behind, served.connection() as last:
        behind.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        assert behind.recv(1000)
        served.say(behind, POST + b"Content-Length: 6000\r\n\r\n" + bytes(6000))
        send_in_two(served, last)
    assert told_to_give_way(served) == before + 1
