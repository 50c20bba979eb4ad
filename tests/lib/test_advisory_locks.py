"""Tests that a deadlocked transaction is repeated, and no other."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, connections, transaction

from apps.lib.db import advisory_locks
from apps.users.models import User

LATEST_S = 300  # a defect and no slow machine, when something takes longer


class Broken(Exception):
    sqlstate = "40P01"


def broken(times: int, cause: Exception | None) -> list[int]:
    """Return the attempts of work that deadlocks that many times."""
    tries: list[int] = []

    @advisory_locks.retry_on_deadlock
    def work() -> None:
        tries.append(1)
        if len(tries) <= times:
            raise OperationalError("deadlock detected") from cause

    try:
        work()
    except OperationalError:
        tries.append(0)
    return tries


@pytest.mark.django_db(transaction=True)
def test_deadlocked_work_is_retried_a_limited_number_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advisory_locks, "_PAUSE_S", 0)
    assert broken(0, None) == [1]
    assert broken(2, Broken()) == [1, 1, 1]
    assert broken(advisory_locks.MAX_ATTEMPTS, Broken()) == [1] * advisory_locks.MAX_ATTEMPTS + [0]
    assert broken(1, None) == [1, 0], "a database that is away is not asked again"
    with transaction.atomic():
        assert broken(1, Broken()) == [1, 0], "what goes around it is broken as well"


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="writers of SQLite wait for each other")
def test_deadlocked_transactions_both_succeed_after_a_retry(alice: User, bob: User) -> None:
    both, tries = threading.Barrier(2), []

    @advisory_locks.retry_on_deadlock
    def work(first: int, second: int) -> None:
        tries.append(first)
        with transaction.atomic():
            User.objects.select_for_update().get(pk=first)
            if tries.count(first) == 1:
                both.wait(LATEST_S)
            User.objects.select_for_update().filter(pk=second).update(name=f"after {first}")

    def beside(first: int, second: int) -> None:
        try:
            work(first, second)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        for one in [pool.submit(beside, alice.pk, bob.pk), pool.submit(beside, bob.pk, alice.pk)]:
            one.result(LATEST_S)
    assert len(tries) >= 3, "one of them was broken"
    assert set(User.objects.values_list("name", flat=True)) == {f"after {bob.pk}", f"after {alice.pk}"}
    assert not connection.in_atomic_block
