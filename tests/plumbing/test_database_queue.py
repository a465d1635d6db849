"""Writers of one process stand in a queue: nobody is forgotten in it, and no place in it is lost."""

from __future__ import annotations

import contextlib
import threading
import time
from functools import partial

import pytest

from plumbing import database_queue
from plumbing.database import DatabaseUnavailable
from plumbing.database_queue import Queue, WouldWait
from tests.support.waiting import PATIENCE_S


def is_free(queue: Queue, places: int = 1) -> bool:
    """Tell whether all of its places can be had."""
    with contextlib.suppress(WouldWait), contextlib.ExitStack() as entered:
        for _ in range(places):
            entered.enter_context(queue.entered(at_once=True))
        return True
    return False


def test_who_came_first_goes_first() -> None:
    queue, order = Queue(1), list[int]()
    threads = []

    def work(number: int) -> None:
        with queue.entered(at_once=False):
            order.append(number)

    with queue.entered(at_once=False):
        for number in range(8):
            thread = threading.Thread(target=work, args=(number,))
            thread.start()
            threads.append(thread)
            wait_for(queue, number + 1)
    for thread in threads:
        thread.join()
    assert order == list(range(8))
    assert is_free(queue)


def wait_for(queue: Queue, count: int) -> None:
    """Wait until so many stand in it."""
    patience = threading.Event()
    for _ in range(int(PATIENCE_S * 1000)):
        if len(queue) == count:
            return
        patience.wait(0.001)
    raise AssertionError


def test_as_many_as_there_are_places_write_beside_each_other() -> None:
    queue = Queue(2)
    with queue.entered(at_once=True), queue.entered(at_once=True), pytest.raises(WouldWait):
        queue.enter(at_once=True)
    assert is_free(queue, 2)


def test_who_gives_up_leaves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_queue, "BUSY_TIMEOUT_MS", 1)
    queue = Queue(1)
    with queue.entered(at_once=True), pytest.raises(DatabaseUnavailable, match="others were writing for too long"):
        queue.enter(at_once=False)
    assert is_free(queue)


def test_who_waited_long_may_hope_only_if_somebody_could_write_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_queue, "BUSY_TIMEOUT_MS", -60_000)  # whoever asked has waited long enough
    queue, asked_at = Queue(1), time.monotonic()
    queue.moved()
    queue.check_moving(asked_at)
    with pytest.raises(DatabaseUnavailable, match="others were writing for too long"):
        queue.check_moving(time.monotonic() + 1)


class Interrupted(BaseException):
    """What a signal's handler raises."""


class Cut:
    """A lock for which somebody waits in vain, or is interrupted; it may be handed over at that very moment."""

    made = threading.Lock

    def __init__(self, queue: Queue, *, handed_over: bool, interrupted: bool) -> None:
        self._lock = Cut.made()
        self._queue = queue
        self._handed_over = handed_over
        self._interrupted = interrupted

    def acquire(self, timeout: float = -1) -> bool:
        """Take it; with an end of waiting, that is over at once."""
        if timeout < 0:
            return self._lock.acquire()
        if self._handed_over:
            self._queue.leave()
        if self._interrupted:
            raise Interrupted
        return False

    def release(self) -> None:
        """Hand it over."""
        self._lock.release()


def wait_in_vain(queue: Queue, monkeypatch: pytest.MonkeyPatch, *, handed_over: bool, interrupted: bool) -> None:
    with monkeypatch.context() as cut:
        lock = partial(Cut, queue, handed_over=handed_over, interrupted=interrupted)
        cut.setattr(database_queue.threading, "Lock", lock)
        queue.enter(at_once=False)


def test_a_place_that_is_handed_over_to_who_just_gave_up_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue(1)
    queue.enter(at_once=True)
    wait_in_vain(queue, monkeypatch, handed_over=True, interrupted=False)
    assert not is_free(queue)
    queue.leave()
    assert is_free(queue)


@pytest.mark.parametrize("handed_over", [False, True])
def test_who_is_interrupted_keeps_nobody_from_writing(monkeypatch: pytest.MonkeyPatch, *, handed_over: bool) -> None:
    queue = Queue(1)
    queue.enter(at_once=True)
    with pytest.raises(Interrupted):
        wait_in_vain(queue, monkeypatch, handed_over=handed_over, interrupted=True)
    if not handed_over:
        queue.leave()
    assert is_free(queue)


def test_under_many_threads_that_wait_do_not_wait_and_fail_nobody_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_queue, "BUSY_TIMEOUT_MS", 1)  # so that many give up just when they are next
    queue, at_work, most = Queue(2), [0], [0]

    def work(number: int) -> None:
        for turn in range(50):
            with contextlib.suppress(WouldWait, DatabaseUnavailable, ValueError), queue.entered(at_once=turn % 5 == 0):
                at_work[0] += 1
                most[0] = max(most[0], at_work[0])
                threading.Event().wait(0.0005)
                at_work[0] -= 1
                if number % 3 == 0:
                    raise ValueError

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] <= 2
    assert is_free(queue, 2)
    assert len(queue) == 0
