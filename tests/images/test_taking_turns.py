"""The model goes from one picture to the next without a pause, and a drawing keeps its lease however slow it is."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from apps.engines.image.base import DrawRequest
from apps.engines.image.fake import FakePainter
from apps.images import device, generate, making, queue
from apps.images.models import Picture

WAIT_S = 20


def test_who_leaves_the_model_lets_the_next_one_in_first() -> None:
    room, order = device._Room(), list[str]()
    room.enter(lambda: None)

    def come() -> None:
        room.enter(lambda: None)
        until = time.perf_counter() + 0.002  # less than the interpreter leaves to one thread
        while time.perf_counter() < until:
            pass
        order.append("drawn")
        room.leave()

    others = [threading.Thread(target=come) for _ in range(2)]
    for other in others:
        other.start()
    until = time.monotonic() + WAIT_S
    while len(room._waiting) < 2:
        assert time.monotonic() < until
        time.sleep(0.001)
    room.leave()
    order.append("stored")
    for other in others:
        other.join()
    assert order.index("drawn") < order.index("stored") and len(order) == 3


@pytest.mark.django_db(transaction=True)
def test_a_step_may_take_longer_than_a_lease(
    waiting: Picture, painter: FakePainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (making, generate):
        monkeypatch.setattr(module, "LEASE_S", 0.3)
    seen: list[bool] = []
    draw = painter.draw

    def slow(request: DrawRequest, tell: Any) -> Any:
        time.sleep(0.9)
        seen.append(queue.waiting(1) == [])
        return draw(request, tell)

    monkeypatch.setattr(painter, "draw", slow)
    generate.draw(waiting.pk)
    waiting.refresh_from_db()
    assert (seen, waiting.status, waiting.attempts) == ([True], "ready", 1)
    assert not [thread for thread in threading.enumerate() if thread.name == "lease"]
