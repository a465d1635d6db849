"""What stands in a log: ids of ours, and of what libraries say, warn of and raise no value at all."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from plumbing import foreign_logs, logs
from plumbing.database import Database, DatabaseUnavailable
from plumbing.repeating import repeating
from tests.support.waiting import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CANARY = "canary-4711"
Lines = "Callable[[], list[dict[str, Any]]]"


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def lines(stream: io.StringIO) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Configure logging as a service does; give what was written so far, each line as JSON."""
    root = logging.getLogger()
    level, before = root.level, list(root.handlers)
    logs.configure("info", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.setLevel(level)
    for handler in set(root.handlers) - set(before):
        root.removeHandler(handler)
    structlog.reset_defaults()


def raise_canary() -> None:
    raise ValueError(CANARY)


def logged_error(name: str, message: str) -> None:
    try:
        raise_canary()
    except ValueError:
        logging.getLogger(name).exception(message)


def test_of_a_librarys_sentence_with_values_only_its_template_is_repeated(lines: Lines) -> None:
    logging.getLogger("uvicorn.error").info('%s - "WebSocket %s" 403', "203.0.113.9:5", f"/gates/{CANARY}?x={CANARY}")
    (line,) = lines()
    assert (line["library"], line["event"]) == ("uvicorn.error", '%s - "WebSocket %s" 403')
    assert "canary" not in str(line)
    assert "203.0.113.9" not in str(line)


def test_the_number_of_our_own_process_is_told(lines: Lines) -> None:
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 4711)
    assert [line["event"] for line in lines()] == ["Started server process [4711]"]


@pytest.mark.parametrize(
    "known", ["Invalid HTTP request received.", "Unsupported upgrade request.", "Application startup complete."]
)
def test_a_sentence_that_is_known_to_hold_no_value_is_repeated(lines: Lines, known: str) -> None:
    logging.getLogger("uvicorn.error").warning(known)
    assert [line["event"] for line in lines()] == [known]


def test_a_sentence_that_nobody_knows_is_withheld(lines: Lines) -> None:
    logging.getLogger("some.library").warning(f"could not read {CANARY}")  # noqa: G004
    (line,) = lines()
    assert "not repeated" in line["event"]
    assert CANARY not in str(line)


def test_of_a_traceback_the_class_and_the_place_remain(lines: Lines) -> None:
    logged_error("uvicorn.error", f"Exception in ASGI application\n{CANARY}")
    (line,) = lines()
    assert (line["event"], line["error"]) == ("Exception in ASGI application", "ValueError")
    assert line["where"].endswith("raise_canary")
    assert CANARY not in str(line)


async def test_a_task_that_nobody_waited_for_tells_no_value(lines: Lines) -> None:
    async def fails() -> None:
        raise_canary()

    task = asyncio.get_running_loop().create_task(fails())
    await asyncio.wait([task])
    asyncio.get_running_loop().call_exception_handler(
        {"message": "Task exception was never retrieved", "exception": task.exception(), "future": task}
    )
    (line,) = [each for each in lines() if each.get("library") == "asyncio"]
    assert (line["event"], line["error"]) == ("Task exception was never retrieved", "ValueError")
    assert CANARY not in str(line)


def test_httpx_and_the_access_log_say_nothing(lines: Lines) -> None:
    for name in ("httpx", "httpcore", "uvicorn.access", "sse_starlette", "python_multipart"):
        logging.getLogger(name).info(CANARY)
    assert lines() == []


def test_a_record_that_cannot_be_read_is_told_of_and_ends_nothing(lines: Lines) -> None:
    class Unreadable:
        def __str__(self) -> str:
            raise ValueError(CANARY)

    record = logging.LogRecord("some.library", logging.WARNING, __file__, 1, Unreadable(), None, None)
    foreign_logs.ForeignLines(logs.get_logger("library")).emit(record)
    assert [line["event"] for line in lines()] == ["a line was lost"]


def test_configuring_twice_writes_each_line_once(lines: Lines, stream: io.StringIO) -> None:
    logs.configure("info", stream=stream)
    logging.getLogger("some.library").warning("Shutting down")
    assert len(lines()) == 1


def test_an_error_of_the_database_never_prints_its_parameters(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite'}")
    with pytest.raises(DatabaseUnavailable) as raised, database.write() as session:
        session.execute(text("INSERT INTO nothing VALUES (:value)"), {"value": CANARY})
    inner = raised.value.__cause__
    assert isinstance(inner, OperationalError)
    assert CANARY not in f"{raised.value} {inner}"
    database.close()


@pytest.fixture
def _hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    for place, name in (
        (sys, "excepthook"),
        (sys, "unraisablehook"),
        (threading, "excepthook"),
        (warnings, "showwarning"),
    ):
        monkeypatch.setattr(place, name, getattr(place, name))
    foreign_logs.take_over_hooks(logs.get_logger("process"))


@pytest.mark.usefixtures("_hooks")
def test_warnings_and_what_nobody_caught_tell_no_value(lines: Lines) -> None:
    thread = threading.Thread(target=raise_canary)
    thread.start()
    thread.join()
    try:
        raise_canary()
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)
    warnings.showwarning(UserWarning(CANARY), UserWarning, f"/home/{CANARY}/x.py", 3)
    uncaught, main, warned = lines()
    assert {uncaught["error"], main["error"]} == {"ValueError"}
    assert (warned["event"], warned["kind"], warned["where"]) == ("warning", "UserWarning", "x.py:3")
    assert CANARY not in str([uncaught, main, warned])


async def test_every_line_of_one_background_run_has_its_run_id_and_the_next_run_another(lines: Lines) -> None:
    done = asyncio.Event()
    ran = []

    async def work() -> dict[str, int]:
        logs.get_logger("inside").info("working")
        ran.append(None)
        if len(ran) == 2:
            done.set()
        return {"rows": 1}

    async with repeating(work, pause=lambda: 0.0 if len(ran) < 2 else 60.0, part="test"):
        await asyncio.wait_for(done.wait(), PATIENCE_S)
        await asyncio.sleep(0)
    ids = [line["run_id"] for line in lines()]
    assert len(ids) == 4
    assert ids[0] == ids[1] != ids[2] == ids[3]


def test_a_full_disk_loses_a_line_and_ends_nothing(lines: Lines, stream: io.StringIO) -> None:
    class FullDisk(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(28, "No space left on device")

    logs.configure("info", stream=FullDisk())
    logs.get_logger("x").info("one")
    logs.configure("info", stream=stream)
    logs.get_logger("x").info("two")
    assert [line["event"] for line in lines()] == ["two"]


def test_an_id_of_a_request_ends_with_it() -> None:
    request_id, token = logs.begin_request()
    assert logs.current_request_id() == request_id
    logs.end_request(token)
    with logs.run():
        assert logs.current_request_id() is None
