"""Scheduler: a picture is stored while the next is drawn, one at a time in the model, in queue order."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import LazySettings
from PIL import Image

from apps.engines.image.fake import FakePainter
from apps.engines.image.protocol import DrawRequest, DrawStep
from apps.engines.types import EngineRefused
from apps.images.generation import gpu_slot, progress, scheduler, worker
from apps.images.generation.gpu_slot import QueueTicket
from apps.images.models import Picture
from apps.images.requests import submission, upscaling
from apps.images.requests.submission import PictureRequest
from apps.users.models import User
from tests.images.draw_helper import draw_ready

pytestmark = pytest.mark.django_db(transaction=True)
WAIT_S = 60


class Course:
    """Recorder of events in order: ("in" | "out" | "store" | "stored", seed)."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []
        self.hook: dict[tuple[str, int], Any] = {}  # called when that happens

    def note(self, what: str, seed: int) -> None:
        self.seen.append((what, seed))
        if found := self.hook.get((what, seed)):
            found()

    def before(self, one: tuple[str, int], other: tuple[str, int]) -> bool:
        return self.seen.index(one) < self.seen.index(other)

    def until(self, what: str, seed: int) -> None:
        deadline = time.monotonic() + WAIT_S
        while (what, seed) not in self.seen:
            assert time.monotonic() < deadline, f"{what} {seed} did not come: {self.seen}"
            time.sleep(0.005)


@pytest.fixture
def course(painter: FakePainter, monkeypatch: pytest.MonkeyPatch) -> Course:
    found, draw, store = Course(), painter.draw, worker._store

    def drawing(request: DrawRequest, tell: Any) -> Any:
        found.note("in", request.seed)
        try:
            return draw(request, tell)
        finally:
            found.note("out", request.seed)

    def storing(row: Picture, *also: Any) -> None:
        found.note("store", row.seed)
        store(row, *also)
        found.note("stored", row.seed)

    monkeypatch.setattr(painter, "draw", drawing)
    monkeypatch.setattr(worker, "_store", storing)
    return found


@pytest.fixture
def four(alice: User, painter: FakePainter) -> list[Picture]:
    return submission.request_pictures(alice, PictureRequest("A red cat", seed=1, count=4))


def statuses() -> list[str]:
    return list(Picture.objects.order_by("seed").values_list("status", flat=True))


def test_the_model_draws_on_while_one_is_stored(course: Course, four: list[Picture]) -> None:
    course.hook[("store", 1)] = lambda: course.until("out", 2)
    scheduler.draw_waiting()
    assert statuses() == ["ready"] * 4
    assert course.before(("in", 2), ("stored", 1)), "the second was drawn while the first waited to be stored"


def test_pictures_are_drawn_one_at_a_time_in_the_order_of_the_queue(course: Course, four: list[Picture]) -> None:
    scheduler.draw_waiting()
    inside = [one for one in course.seen if one[0] in ("in", "out")]
    assert inside == [(what, seed) for seed in (1, 2, 3, 4) for what in ("in", "out")]
    assert not [thread for thread in threading.enumerate() if thread.name == "pictures"], "and nothing is left behind"


def test_picture_storage_runs_at_most_one_beside_the_drawing(course: Course, four: list[Picture]) -> None:
    course.hook[("store", 1)] = lambda: course.until("looked", 2)
    begun: list[bool] = []

    def late() -> None:
        time.sleep(0.3)
        begun.append(("in", 3) in course.seen)
        course.note("looked", 2)

    course.hook[("store", 2)] = late
    scheduler.draw_waiting()
    assert begun == [False] and statuses() == ["ready"] * 4, "finished pictures do not pile up"


def test_a_picture_is_taken_out_of_the_queue_only_when_the_one_before_is_nearly_drawn(
    course: Course, four: list[Picture], painter: FakePainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_NEARLY_DONE_S", 0)
    painter.gap_s = 0.05
    taken: list[int] = []

    def look() -> None:
        taken.append(Picture.objects.filter(status="working").count())

    course.hook[("in", 1)] = lambda: (time.sleep(0.2), look())
    scheduler.draw_waiting()
    assert taken == [1] and statuses() == ["ready"] * 4


def test_picture_is_not_nearly_drawn_before_its_first_step(four: list[Picture]) -> None:
    near: list[int] = []
    watch = progress.ProgressWatcher(four[0], lambda: near.append(1))
    with pytest.raises(progress.DrawingCancelled):  # nobody has claimed it
        watch(DrawStep(0, 4))
    assert not near


def test_upscaling_duration_excludes_the_wait_for_the_model(
    ready_picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = upscaling.request_upscale(ready_picture.owner, ready_picture)
    waiting, held = threading.Event(), threading.Event()
    monkeypatch.setattr(gpu_slot, "_POLL_S", 0.1)
    monkeypatch.setattr(progress.ProgressWatcher, "renew_while_waiting", lambda _: waiting.set())

    def hold_model() -> None:
        with QueueTicket().model(lambda: None):
            held.set()
            waiting.wait(WAIT_S)
            time.sleep(1.5)

    threading.Thread(target=hold_model).start()
    held.wait(WAIT_S)
    began = time.monotonic()
    assert draw_ready(row).seconds < time.monotonic() - began - 1.4


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
    draw_ready(queued_picture)
    assert (seen, queued_picture.status, queued_picture.attempts) == ([True], "ready", 1)
    assert not [thread for thread in threading.enumerate() if thread.name == "lease"]


def test_picture_that_may_have_ended_a_worker_is_drawn_alone(course: Course, four: list[Picture]) -> None:
    Picture.objects.filter(seed=1).update(attempts=1)
    course.hook[("store", 1)] = lambda: (time.sleep(0.3), others.append(statuses()[1]))
    others: list[str] = []
    scheduler.draw_waiting()
    assert others == ["queued"] and statuses() == ["ready"] * 4
    assert course.before(("stored", 1), ("in", 2))


def list_stored(settings: LazySettings) -> set[str]:
    return {path.stem for path in (Path(settings.MEDIA_ROOT) / "pictures").iterdir()}


def cancel(seed: int) -> None:
    Picture.objects.filter(seed=seed).update(status="cancelled", lease_token="", lease_until=None)


def test_picture_cancelled_while_waiting_or_being_stored_is_dropped_alone(
    course: Course, four: list[Picture], settings: LazySettings, painter: FakePainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "TICK_S", 0)
    course.hook[("store", 1)] = lambda: cancel(1)
    course.hook[("in", 3)] = lambda: cancel(3)
    scheduler.draw_waiting()
    assert statuses() == ["cancelled", "ready", "cancelled", "ready"]
    assert list_stored(settings) == {str(row.pk) for row in Picture.objects.filter(status="ready")}


def test_picture_that_lacks_memory_fails_alone(course: Course, four: list[Picture], painter: FakePainter) -> None:
    refusal = EngineRefused("There is not enough memory for a picture of this size. Choose a smaller size.")
    course.hook[("in", 2)] = lambda: setattr(painter, "fail", refusal)
    scheduler.draw_waiting()
    assert statuses() == ["ready", "failed", "ready", "ready"]
    assert "not enough memory" in Picture.objects.get(seed=2).reason


def test_a_full_disk_while_the_next_is_drawn_leaves_no_half_picture(
    course: Course, four: list[Picture], settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign = worker.content_credentials.sign_picture

    def full(png: bytes, *also: Any) -> bytes:
        if ("stored", 1) not in course.seen and course.seen.count(("store", 1)) == 1:
            raise OSError(28, "No space left on device")
        return sign(png, *also)

    monkeypatch.setattr(worker.content_credentials, "sign_picture", full)
    scheduler.draw_waiting()
    waits = Picture.objects.exclude(status="ready")
    assert {row.status for row in waits} == {"queued"} and all("disk" in row.reason and not row.file for row in waits)
    Picture.objects.update(lease_until=None)
    monkeypatch.undo()
    scheduler.draw_waiting()
    assert statuses() == ["ready"] * 4 and list_stored(settings) == {str(row.pk) for row in four}


def test_a_worker_that_is_told_to_end_lets_go_of_both(
    course: Course, four: list[Picture], painter: FakePainter, settings: LazySettings
) -> None:
    course.hook[("in", 2)] = scheduler._stop
    try:
        scheduler.draw_waiting()
        assert statuses() == ["ready", "queued", "queued", "queued"], "what was drawn is stored"
        assert not Picture.objects.exclude(seed=1).exclude(attempts=0, lease_token="").exists()
    finally:
        scheduler._start()


def test_drawing_does_not_wait_for_a_slow_disk_at_each_step(
    queued_picture: Picture, painter: FakePainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, told = [0.0], [0]
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now[0]))
    Picture.objects.update(steps=50)
    tell, look = progress.ProgressWatcher._report, painter.paint

    def slow(self: Any, *said: Any) -> None:
        told[0] += 1
        now[0] += 0.12
        tell(self, *said)

    def step(request: DrawRequest, at: int) -> Image.Image:
        now[0] += 0.1  # each of 50 steps is looked at once, or not at all
        return look(request, at)

    def draw(request: DrawRequest, seen: Any) -> Any:
        return original(request, lambda at: (step(request, at.step), seen(at))[1])

    original = painter.draw
    monkeypatch.setattr(progress.ProgressWatcher, "_report", slow)
    monkeypatch.setattr(painter, "draw", draw)
    draw_ready(queued_picture)
    assert 2 <= told[0] <= 4, "of sixteen"
