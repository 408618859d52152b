"""How often somebody asked, by the minute."""

from __future__ import annotations

import threading

from api.counting import Counter


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
