"""Model slot: no pause between two pictures, and a drawing keeps its lease however slow it is."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from apps.engines.image.fake import FakePainter
from apps.engines.image.protocol import DrawRequest
from apps.images.generation import gpu_slot, progress, scheduler, worker
from apps.images.models import Picture

WAIT_S = 60


def test_who_leaves_the_model_lets_the_next_one_in_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_slot, "_HANDOVER_S", WAIT_S)  # also on a machine that has no time for it at once
    room, order = gpu_slot._ModelSlot(), list[str]()
    room.enter(lambda: None)

    def come() -> None:
        room.enter(lambda: None)
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
    assert room._lock.locked() or order, "the next one is inside, or has been there"
    for other in others:
        other.join()
    assert order == ["drawn"] * 2


@pytest.mark.django_db(transaction=True)
def test_a_step_may_take_longer_than_a_lease(
    queued_picture: Picture, painter: FakePainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (progress, worker):
        monkeypatch.setattr(module, "LEASE_S", 3.0)
    seen: list[bool] = []
    draw = painter.draw

    def slow(request: DrawRequest, tell: Any) -> Any:
        rows = Picture.objects.filter(pk=queued_picture.pk).values_list("lease_until", flat=True)
        first, until = rows.get(), time.monotonic() + WAIT_S
        while rows.get() == first and time.monotonic() < until:
            time.sleep(0.05)
        seen.append(rows.get() > first and scheduler.next_pictures(1) == [])
        return draw(request, tell)

    monkeypatch.setattr(painter, "draw", slow)
    worker.draw_picture(queued_picture.pk)
    queued_picture.refresh_from_db()
    assert (seen, queued_picture.status, queued_picture.attempts) == ([True], "ready", 1)
    assert not [thread for thread in threading.enumerate() if thread.name == "lease"]
