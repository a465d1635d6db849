"""Real connections to a real server with small bounds: who is slow, or sends too much, is dropped."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.plumbing.bounded import (
    BOUNDS,
    CAP,
    GET,
    IN_TIME_S,
    KERNEL_KEEPS,
    PATIENT,
    PIECE,
    POST,
    TOO_LONG_S,
    Served,
    read_all,
    read_until,
    refusal,
    serving,
)
from tests.support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENDLESS = b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("pages"), BOUNDS) as running:
        yield running


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Under the sizes of a service."""
    with serving(tmp_path_factory.mktemp("patient"), PATIENT) as running:
        yield running


def test_a_request_in_time_is_answered_and_the_connection_stays(patient: Served) -> None:
    with patient.connection() as connection:
        for _ in range(3):
            connection.sendall(GET + b"\r\n")
            assert read_until(connection, b"quick").startswith(b"HTTP/1.1 200 ")
    assert patient.load.waiting == 0


def test_a_header_that_never_ends_is_dropped(served: Served) -> None:
    assert refusal(served.ask_and_stop(GET + b"X-A: ")) == (408, "too_slow")


def test_a_header_that_comes_drop_by_drop_is_dropped(served: Served) -> None:
    with served.connection() as connection:
        for part in (GET, b"X-A: 1\r\n"):
            served.say(connection, part)
            served.let_pass(IN_TIME_S)
        assert refusal(read_all(connection)) == (408, "too_slow")


def test_a_second_request_on_a_connection_must_come_in_time_too(served: Served) -> None:
    with served.connection() as connection:
        connection.sendall(GET + b"\r\n")
        read_until(connection, b"quick")
        served.say(connection, GET)
        served.let_pass(TOO_LONG_S)
        assert refusal(read_all(connection)) == (408, "too_slow")


def test_empty_lines_keep_no_connection_open(served: Served) -> None:
    with served.connection() as connection:
        connection.sendall(GET + b"\r\n")
        read_until(connection, b"quick")
        served.say(connection, b"\r\n")
        served.let_pass(TOO_LONG_S)
        assert refusal(read_all(connection)) == (408, "too_slow")


def test_a_connection_that_says_nothing_is_closed_without_a_word(served: Served) -> None:
    with served.awaited("made"):
        connection = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE_S)
    with connection:
        served.let_pass(TOO_LONG_S)
        assert read_all(connection) == b""


def test_an_idle_connection_is_closed(served: Served) -> None:
    with served.connection() as connection:
        connection.sendall(GET + b"\r\n")
        read_until(connection, b"quick")
        served.let_pass(TOO_LONG_S)
        assert read_all(connection) == b""


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 1000\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"]
)
def test_a_body_that_stalls_is_dropped_and_gives_its_place_back(served: Served, framing: bytes) -> None:
    assert refusal(served.ask_and_stop(POST + framing)) == (408, "too_slow")
    assert served.ask(GET + b"Connection: close\r\n\r\n").endswith(b"quick")
    assert served.load.waiting == 0


def test_a_body_that_is_announced_too_long_is_refused_before_a_byte_of_it(served: Served) -> None:
    served.read = 0
    with served.connection() as connection:
        connection.sendall(POST + b"Content-Length: %d\r\n\r\n" % (CAP + 1))
        assert refusal(read_until(connection, b"}")) == (413, "too_large")
    assert served.read == 0


@pytest.mark.parametrize("framing", [b"Content-Length: %d\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n%X\r\n"])
def test_whoever_sends_too_much_hears_it_although_all_of_it_was_on_its_way(patient: Served, framing: bytes) -> None:
    size = CAP + 600_000  # more than fits into the buffers of a reader that has stopped
    with patient.connection() as connection:
        connection.sendall(POST + b"Accept: text/html\r\n" + framing % size + bytes(size) + b"\r\n0\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))  # a connection that is reset would raise here
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"That was too much at once" in answer
    assert answer.endswith(b"</html>")


def test_a_body_that_nobody_announced_is_cut_off_at_the_cap(patient: Served) -> None:
    taken, chunk = pour(patient, POST + b"Transfer-Encoding: chunked\r\n\r\n", piece=PIECE)
    assert patient.read <= CAP
    assert taken < CAP + 8_000_000  # what lies in both sockets' buffers, and no more
    assert refusal(chunk) == (413, "too_large")


def test_a_body_that_nobody_reads_is_not_swallowed_for_ever(patient: Served) -> None:
    head = b"POST /unread HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    taken, answer = pour(patient, head, piece=PIECE)
    assert taken < 8_000_000
    assert b"quick" in answer


def test_what_surrounds_a_body_is_no_way_to_send_without_end(patient: Served) -> None:
    head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    taken, answer = pour(patient, head, piece=b"1;" + b"a" * 50_000 + b"\r\n.\r\n")
    assert taken < 16_000_000
    assert refusal(answer) == (413, "too_large")


def pour(served: Served, head: bytes, *, piece: bytes) -> tuple[int, bytes]:
    """Send without end until the server has enough; return how much went out, and the answer."""
    sent = 0
    with served.connection() as connection:
        connection.sendall(head)
        try:
            while sent < 50_000_000:
                connection.sendall(piece)
                sent += len(piece)
        except OSError:
            pass
        return sent, read_all(connection)


@contextmanager
def taking_nothing(served: Served, request: bytes) -> Iterator[socket.socket]:
    """Ask for more than is kept on the way, and read nothing of it until the server can send no more."""
    with served.connection() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with served.awaited("full"):
            connection.sendall(request)
        yield connection


def test_a_reader_that_takes_nothing_is_dropped_with_what_it_did_not_take(served: Served) -> None:
    served.readers_dropped.clear()
    with taking_nothing(served, ENDLESS):
        served.let_pass(TOO_LONG_S)
        assert served.readers_dropped.wait(PATIENCE_S)


def test_a_reader_that_takes_nothing_of_the_last_answer_is_dropped_too(tmp_path: Path) -> None:
    long = b"GET /long HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with serving(tmp_path, BOUNDS) as served, taking_nothing(served, long), served.awaited("lost"):
        served.let_pass(TOO_LONG_S)


def test_whoever_reads_nothing_and_is_refused_is_dropped_at_once(served: Served) -> None:
    served.readers_dropped.clear()
    with taking_nothing(served, ENDLESS) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        assert served.readers_dropped.wait(PATIENCE_S)


def test_a_reader_that_goes_on_reading_is_served_on(served: Served) -> None:
    served.readers_dropped.clear()
    with served.connection() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_KEEPS)
        connection.sendall(ENDLESS)
        for _ in range(5):  # three times as long as a reader may stand still
            with served.awaited("went on"):
                got = 0
                while got < 4_000_000:  # pieces, of which there are a few in the kernel at most
                    piece = connection.recv(1 << 20)
                    assert piece
                    got += len(piece)
            served.let_pass(IN_TIME_S)
        assert not served.readers_dropped.is_set()


def test_an_answer_ends_with_its_connection_although_another_request_waits_behind_it(patient: Served) -> None:
    patient.readers_dropped.clear()
    with patient.connection() as connection:
        connection.sendall(ENDLESS + GET + b"\r\n")
        assert connection.recv(1000)
    assert patient.readers_dropped.wait(PATIENCE_S)


def test_what_cannot_be_read_is_refused_and_never_in_the_middle_of_another_answer(patient: Served) -> None:
    with patient.connection() as connection:
        connection.sendall(ENDLESS)
        begun = connection.recv(1000)
        connection.sendall(GET + b"\r\nnonsense\r\n\r\n")
        answer = begun + read_all(connection)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"bad_request" not in answer


def test_hundreds_of_requests_behind_one_another_are_refused(patient: Served) -> None:
    assert refusal(patient.ask((GET + b"\r\n") * 200)) == (400, "too_many_at_once")
    assert patient.load.waiting == 0


def test_one_connection_too_many_is_told_so(tmp_path: Path) -> None:
    with serving(tmp_path, BOUNDS) as served:
        kept = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(BOUNDS.connections)]
        try:
            answer = served.ask()
            assert refusal(answer) == (503, "too_many_connections")
            assert b"retry-after: 2" in answer.lower()
        finally:
            for each in kept:
                each.close()


def test_requests_that_arrive_together_are_shed_before_any_is_worked_on(patient: Served) -> None:
    patient.load.waiting += 5
    try:
        answer = patient.ask(GET + b"Connection: close\r\n\r\n")
    finally:
        patient.load.waiting -= 5
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b'"code":"overloaded"' in answer
