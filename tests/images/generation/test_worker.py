"""Drawing worker: from a queued row to a picture, and every other outcome."""

from __future__ import annotations

import hashlib
import io
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.storage import FileSystemStorage
from django.utils import timezone
from PIL import Image

from apps.engines import registry
from apps.engines.image.fake import FakePainter
from apps.engines.image.protocol import DrawRequest
from apps.engines.types import EngineBroken, EngineBusy
from apps.images.generation import model_info, progress, scheduler, worker
from apps.images.library import gallery, generation_details
from apps.images.models import Picture
from apps.images.provenance import content_credentials
from apps.images.requests import submission
from apps.images.requests.submission import PictureRequest
from apps.users.models import User
from tests.images.conftest import FORBIDDEN
from tests.images.draw_helper import draw

pytestmark = pytest.mark.django_db


def list_stored(settings: LazySettings) -> list[str]:
    folder = Path(settings.MEDIA_ROOT) / "pictures"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def crash(row: Picture, monkeypatch: pytest.MonkeyPatch) -> Picture:
    """Draw with an engine that raises an unexpected error, and end the pause before the next attempt."""
    monkeypatch.setattr(registry.get_image_engine(), "draw", lambda *_: 1 / 0)
    draw(row)
    monkeypatch.undo()
    Picture.objects.filter(pk=row.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    row.refresh_from_db()
    return row


def test_a_picture_is_drawn_signed_and_stored(queued_picture: Picture) -> None:
    row = draw(queued_picture)
    assert (row.status, row.step, row.lease_token, row.width, row.height) == ("ready", 4, "", 128, 128)
    with row.file.open("rb") as file:
        content = file.read()
    assert hashlib.sha256(content).hexdigest() == row.sha256
    said = content_credentials.read_credentials(content, "image/png")
    assert said and said.by_model and said.intact
    assert Image.open(io.BytesIO(bytes(row.preview))).size == (128, 128)


def test_the_recipe_names_what_drew_it_also_where_the_weights_were_exchanged_meanwhile(
    queued_picture: Picture, painter: FakePainter
) -> None:
    assert queued_picture.fingerprint == "stripes-1"
    painter.name = "other"
    row = draw(queued_picture)
    assert (row.model, row.fingerprint) == ("other", "other-1")
    assert model_info.get_model().fingerprint == "other-1", "the pages know it too"


def test_the_recipe_gives_the_same_picture_again(alice: User, queued_picture: Picture) -> None:
    first = draw(queued_picture)
    again = draw(submission.request_pictures(alice, gallery.make_repetition(first))[0])
    assert (again.plain_sha256, again.repeat_of) == (first.plain_sha256, first) and first.plain_sha256
    assert again.watermark_id != first.watermark_id, "but the files can be told apart"
    told = generation_details.describe_generation(again)
    assert told and told.is_identical
    assert draw(submission.request_pictures(alice, gallery.make_variation(first))[0]).plain_sha256 != first.plain_sha256
    Picture.objects.filter(pk=first.pk).update(plain_sha256="0" * 64)
    again.refresh_from_db()
    assert (told := generation_details.describe_generation(again)) and told.is_identical is False


def test_a_picture_grows_from_another(alice: User, painter: FakePainter, queued_picture: Picture) -> None:
    start = draw(queued_picture)
    asked = PictureRequest("A blue dog", seed=1, parent=start, from_parent=True, strength=0.3)
    row = draw(submission.request_pictures(alice, asked)[0])
    assert (row.status, gallery.describe_recipe(row)["start"]) == ("ready", start.sha256)
    assert painter.requests[-1].start, "its pixels were given to the engine"
    other, late = (submission.request_pictures(alice, asked)[0] for _ in range(2))
    gallery.delete_pictures(alice, [start.pk])
    assert draw(other).plain_sha256 == row.plain_sha256, "what it starts from was kept for it"
    late.refresh_from_db()
    late.start.storage.delete(late.start.name)
    assert "no longer available" in draw(late).reason


def test_a_picture_that_is_cancelled_ends_between_two_steps(
    queued_picture: Picture, painter: FakePainter, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    monkeypatch.setattr(progress, "TICK_S", 0)
    told: list[int] = []
    watch = progress.ProgressWatcher.__call__

    def cancel(self: Any, step: Any) -> None:
        told.append(step.step)
        if step.step == 2:
            Picture.objects.filter(pk=queued_picture.pk).update(status="cancelled", lease_token="", lease_until=None)
        watch(self, step)

    monkeypatch.setattr(progress.ProgressWatcher, "__call__", cancel)
    row = draw(queued_picture)
    assert (row.status, told, list_stored(settings)) == ("cancelled", [1, 2], [])
    assert row.preview, "what could be seen by then"


def test_steps_and_previews_are_seen_while_it_is_drawn(
    queued_picture: Picture, painter: FakePainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "TICK_S", 0)
    seen: list[tuple[str, int, bool]] = []
    original_draw = painter.draw

    def watched(request: DrawRequest, tell: Any) -> Any:
        def both(step: Any) -> None:
            tell(step)
            now = Picture.objects.get(pk=queued_picture.pk)
            seen.append((now.status, now.step, bool(now.preview)))

        return original_draw(request, both)

    monkeypatch.setattr(painter, "draw", watched)
    draw(queued_picture)
    assert seen == [("working", step, True) for step in (1, 2, 3, 4)]


def test_engine_failure_is_the_reason_on_the_tile(queued_picture: Picture, painter: FakePainter) -> None:
    painter.fail = EngineBroken("The picture server sent a file that is not a picture.")
    row = draw(queued_picture)
    assert (row.status, row.reason) == ("failed", "The picture server sent a file that is not a picture.")


def test_a_server_that_is_busy_is_asked_again_as_often_as_it_takes(
    queued_picture: Picture, painter: FakePainter
) -> None:
    for _ in range(worker.MAX_CRASHES + 2):
        painter.fail = EngineBusy("The picture server is busy. It is tried again later.")
        row = draw(queued_picture)
        assert (row.status, row.attempts) == ("queued", 0)
        assert not scheduler.next_pictures(5), "nobody hurries"
        Picture.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert draw(queued_picture).status == "ready"


def test_a_picture_that_stops_every_worker_is_set_aside(
    queued_picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for attempt in range(1, worker.MAX_CRASHES + 1):
        assert crash(queued_picture, monkeypatch).attempts == attempt
    assert draw(queued_picture).status == "queued", "it is not tried once more"
    scheduler.sweep_queue()
    queued_picture.refresh_from_db()
    assert queued_picture.status == "failed" and "crashed the worker 3 times" in queued_picture.reason


def test_a_picture_whose_worker_was_killed_is_drawn_by_another(queued_picture: Picture, notified: list[str]) -> None:
    held = {"status": "working", "lease_token": "dead", "attempts": 1, "step": 2}
    Picture.objects.filter(pk=queued_picture.pk).update(lease_until=timezone.now() + timedelta(seconds=60), **held)
    assert draw(queued_picture).status == "working", "as long as the lease runs it is somebody's"
    Picture.objects.filter(pk=queued_picture.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert scheduler.sweep_queue() == 1 and notified[-1] == str(queued_picture.pk)
    assert draw(queued_picture).status == "ready"


def test_a_worker_that_is_told_to_end_lets_go_of_what_it_draws(
    queued_picture: Picture, painter: FakePainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    original_draw = painter.draw

    def told(request: DrawRequest, seen: Any) -> Any:
        scheduler._stop()
        return original_draw(request, seen)

    monkeypatch.setattr(painter, "draw", told)
    try:
        scheduler.draw_waiting()
        queued_picture.refresh_from_db()
        assert (queued_picture.status, queued_picture.attempts, queued_picture.lease_token) == ("queued", 0, "")
        scheduler.draw_waiting()
        assert scheduler.next_pictures(1) == [queued_picture.pk], (
            "it takes up nothing more, and the next worker need not wait"
        )
    finally:
        scheduler._start()
    monkeypatch.undo()
    scheduler.draw_waiting()
    queued_picture.refresh_from_db()
    assert queued_picture.status == "ready"


def test_a_worker_that_lost_its_picture_writes_nothing(
    queued_picture: Picture, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    sign = content_credentials.sign_picture

    def late(png: bytes, *also: Any) -> bytes:
        Picture.objects.filter(pk=queued_picture.pk).update(lease_token="another")
        return sign(png, *also)

    monkeypatch.setattr(content_credentials, "sign_picture", late)
    row = draw(queued_picture)
    assert (row.status, row.lease_token, list_stored(settings)) == ("working", "another", [])


def test_a_full_disk_leaves_no_half_picture_and_it_is_drawn_later(
    queued_picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Any, name: str, content: Any) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FileSystemStorage, "_save", full)
    for _ in range(worker.MAX_CRASHES + 1):
        Picture.objects.update(lease_until=None)
        row = draw(queued_picture)
        assert (row.status, bool(row.file), row.attempts) == ("queued", False, 0), "the picture is not to blame"
    scheduler.sweep_queue()
    row.refresh_from_db()
    assert row.status == "queued" and row.reason.startswith("The disk of this server is full")
    monkeypatch.undo()
    Picture.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert draw(queued_picture).status == "ready"


def test_words_that_today_s_rules_withhold_are_not_drawn_any_more(
    alice: User, painter: FakePainter, settings: LazySettings
) -> None:
    row = submission.request_pictures(alice, PictureRequest(f"A poster: {FORBIDDEN}"))[0]
    settings.SAFETY_CHECK = "tests.images.conftest.Strict"
    assert (draw(row).status, row.reason) == ("held", "That is not drawn here.")
    assert not painter.requests


def test_user_with_few_pictures_does_not_wait_for_one_with_many(alice: User, bob: User, painter: FakePainter) -> None:
    many = submission.request_pictures(alice, PictureRequest("A cat", count=4))
    late = submission.request_pictures(bob, PictureRequest("A dog"))[0]
    until = timezone.now() + timedelta(seconds=60)
    Picture.objects.filter(pk=many[0].pk).update(status="working", lease_token="x", lease_until=until)
    assert scheduler.next_pictures(1) == [late.pk]
    assert scheduler.queue_positions()[late.pk] == 4


@pytest.mark.django_db(transaction=True)
def test_picture_worker_draws_until_the_queue_is_empty(alice: User, painter: FakePainter) -> None:
    submission.request_pictures(alice, PictureRequest("A cat", count=4))
    scheduler.draw_waiting()
    assert set(Picture.objects.values_list("status", flat=True)) == {"ready"}


@pytest.mark.django_db(transaction=True)
def test_a_bell_that_rings_meanwhile_draws_nothing_itself(
    alice: User, painter: FakePainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission.request_pictures(alice, PictureRequest("A cat", count=3))
    original_draw, drawn_by_it = painter.draw, []

    def watched(request: DrawRequest, tell: Any) -> Any:
        before = len(painter.requests)
        scheduler.draw_waiting()
        drawn_by_it.append(len(painter.requests) - before)
        return original_draw(request, tell)

    monkeypatch.setattr(painter, "draw", watched)
    scheduler.draw_waiting()
    assert drawn_by_it == [0, 0, 0] and len(painter.requests) == 3


def test_files_without_a_row_are_removed_after_an_hour(queued_picture: Picture, settings: LazySettings) -> None:
    row = draw(queued_picture)
    folder = Path(settings.MEDIA_ROOT) / "pictures"
    for name, age_s in (("old.png", 4000), ("new.png", 60), (Path(row.file.name).name, 4000)):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - age_s,) * 2)
    scheduler.sweep_queue()
    assert list_stored(settings) == sorted(["new.png", Path(row.file.name).name])
