"""Work that takes too long counts as not come, and leaves a bounded number of threads behind."""

from __future__ import annotations

import threading
import time

import pytest

from apps.safety.detectors import timeouts


def test_work_in_time_returns_or_raises_what_it_says() -> None:
    assert timeouts.run_with_timeout(5, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        timeouts.run_with_timeout(5, lambda: 1 // 0)


def test_checks_that_hang_leave_a_bounded_number_of_threads() -> None:
    over = threading.Event()
    before = threading.active_count()
    try:
        for _ in range(3 * timeouts.MAX_HUNG_THREADS):
            with pytest.raises(TimeoutError):
                timeouts.run_with_timeout(0.01, lambda: over.wait(60))
        assert threading.active_count() - before <= timeouts.MAX_HUNG_THREADS
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            timeouts.run_with_timeout(30, lambda: over.wait(60))
        assert time.monotonic() - began < 10  # nobody waits for what is not started
    finally:
        over.set()
    for _ in range(200):
        if threading.active_count() <= before:
            break
        time.sleep(0.05)
    assert timeouts.run_with_timeout(5, lambda: 7) == 7  # checks go on once those have ended


def test_checks_inside_checks_leave_no_more_than_the_one_that_hangs() -> None:
    over = threading.Event()
    before = threading.active_count()
    try:
        with pytest.raises(TimeoutError):
            timeouts.run_with_timeout(5, lambda: timeouts.run_with_timeout(0.05, lambda: over.wait(60)))
        time.sleep(0.2)
        assert threading.active_count() - before == 1
    finally:
        over.set()
