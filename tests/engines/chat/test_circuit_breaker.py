"""Tests of the circuit breaker with a scripted clock."""

from __future__ import annotations

from apps.engines.chat.circuit_breaker import CircuitBreaker


def test_the_breaker_lets_one_call_through_after_each_cooling_time() -> None:
    now = [0.0]
    breaker = CircuitBreaker(failures=2, cool_s=5, clock=lambda: now[0])
    breaker.failure()
    assert breaker.admits()
    breaker.failure()
    assert not breaker.admits()
    now[0] = 5.0
    assert [breaker.admits(), breaker.admits()] == [True, False]
    breaker.success()
    assert [breaker.admits(), breaker.admits()] == [True, True]
