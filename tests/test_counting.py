"""How often somebody asked, by the minute."""

from __future__ import annotations

import threading

from ledger.doors.counting import Counter


def test_the_limit_is_the_last_that_passes_and_the_next_minute_begins_anew() -> None:
    now = [120.0]
    counter = Counter(clock=lambda: now[0])
    assert [counter.hit(2, "token", "a") for _ in range(3)] == [0, 0, 60]
    now[0] = 179.5
    assert counter.hit(2, "token", "a") == 1
    now[0] = 180.0
    assert counter.hit(2, "token", "a") == 0


def test_names_are_counted_apart() -> None:
    counter = Counter(clock=lambda: 0.0)
    assert counter.hit(1, "token", "a") == 0
    assert counter.hit(1, "token", "b") == 0
    assert counter.hit(1, "address", "a") == 0
    assert counter.hit(1, "token", "a") > 0


def test_several_are_counted_at_once() -> None:
    counter = Counter(clock=lambda: 0.0)
    assert counter.hit(50, "address", "a", times=50) == 0
    assert counter.hit(50, "address", "a") == 60
    assert counter.hit(50, "address", "b", times=51) == 60


def test_who_only_waits_is_not_counted() -> None:
    now = [0.0]
    counter = Counter(clock=lambda: now[0])
    assert [counter.wait(1, "a") for _ in range(3)] == [0, 0, 0]
    assert counter.hit(1, "a") == 0
    assert (counter.wait(1, "a"), counter.wait(2, "a"), counter.wait(1, "b")) == (60, 0, 0)
    now[0] = 59.5
    assert counter.wait(1, "a") == 1
    now[0] = 60.0
    assert counter.wait(1, "a") == 0


def test_what_many_threads_ask_at_once_is_all_counted() -> None:
    counter = Counter(clock=lambda: 0.0)
    passed: list[int] = []

    def ask() -> None:
        passed.extend(counter.hit(1000, "x") for _ in range(500))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert passed.count(0) == 1000
