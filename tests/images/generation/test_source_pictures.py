"""Source pictures are kept after their row is deleted, as long as a recipe needs them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.conf import LazySettings

from apps.engines import registry
from apps.images.generation import model_info, scheduler
from apps.images.library import gallery
from apps.images.models import Picture
from apps.images.requests import submission, upscaling
from apps.images.requests.submission import PictureRequest, PictureRequestRefused
from apps.users.models import User
from tests.images import tiny_pipeline
from tests.images.draw_helper import draw, draw_ready

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def first_of_diffusers(
    settings: LazySettings, notified: list[str], alice: User, tmp_path_factory: pytest.TempPathFactory
) -> Picture:
    """Return a picture drawn by a real pipeline."""
    options = {"model": tiny_pipeline.save(tmp_path_factory.mktemp("tiny"))}
    image = {"BACKEND": "apps.engines.image.diffusers.DiffusersPainter", "OPTIONS": options}
    settings.ENGINES = {**settings.ENGINES, "image": image}
    registry.reset()
    model_info.refresh_model()
    return draw_ready(submission.request_pictures(alice, PictureRequest("a red cat", steps=2, seed=1))[0])


def begun(user: User, ready_picture: Picture) -> Picture:
    return draw_ready(
        submission.request_pictures(
            user, PictureRequest("a blue dog", steps=4, seed=3, strength=0.5, parent=ready_picture, from_parent=True)
        )[0]
    )


def files() -> list[str]:
    return sorted(path.name for path in Path(Picture().start.storage.path("starts")).glob("*"))


@pytest.mark.slow
def test_a_variant_is_drawn_again_byte_for_byte_after_its_parent_was_deleted(
    alice: User, first_of_diffusers: Picture
) -> None:
    ready_picture = first_of_diffusers
    row, whole = begun(alice, ready_picture), ready_picture.sha256
    assert gallery.describe_recipe(row)["start"] == whole and not files()
    gallery.delete_pictures(alice, [ready_picture.pk])
    row.refresh_from_db()
    assert row.parent is None and gallery.describe_recipe(row)["start"] == whole and files() == [f"{row.pk}.png"]
    registry.reset()  # the engine of another process
    again = draw_ready(submission.request_pictures(alice, gallery.make_repetition(row))[0])
    assert again.plain_sha256 == row.plain_sha256
    assert (
        draw_ready(submission.request_pictures(alice, gallery.make_variation(row))[0]).plain_sha256 != row.plain_sha256
    )
    gallery.delete_pictures(alice, [made.pk for made in Picture.objects.all()])
    assert files() == [], "with the last of them it is gone"


def test_upscaling_is_repeated_from_the_kept_source(alice: User, ready_picture: Picture) -> None:
    large = draw_ready(upscaling.request_upscale(alice, ready_picture))
    gallery.delete_pictures(alice, [ready_picture.pk])
    large.refresh_from_db()
    again = draw_ready(upscaling.repeat_upscale(alice, large))
    assert (again.width, again.plain_sha256, again.repeat_of) == (large.width, large.plain_sha256, large)


def test_source_and_picture_deleted_together_leave_no_file(alice: User, ready_picture: Picture) -> None:
    row = begun(alice, ready_picture)
    gallery.delete_pictures(alice, [ready_picture.pk, row.pk])
    assert files() == [] and not Picture.objects.exists()


def test_a_picture_that_is_held_is_kept_for_nothing(alice: User, ready_picture: Picture) -> None:
    row = begun(alice, ready_picture)
    Picture.objects.filter(pk=ready_picture.pk).update(status="held")
    gallery.delete_pictures(alice, [ready_picture.pk])
    row.refresh_from_db()
    assert not row.start and files() == []
    again = submission.request_pictures(alice, gallery.make_repetition(row))[0]
    draw(again)
    assert (again.status, "no longer available" in again.reason) == ("failed", True)
    with pytest.raises(PictureRequestRefused, match="no longer available"):
        large = Picture(owner=alice, upscale=2, width=8, height=8)
        upscaling.repeat_upscale(alice, large)


def test_picture_of_a_deleted_blurred_source_is_blurred(alice: User, ready_picture: Picture) -> None:
    Picture.objects.filter(pk=ready_picture.pk).update(blur="violence")
    ready_picture.refresh_from_db()
    row = submission.request_pictures(
        alice, PictureRequest("a blue dog", steps=4, strength=0.5, parent=ready_picture, from_parent=True)
    )[0]
    gallery.delete_pictures(alice, [ready_picture.pk])
    row.refresh_from_db()
    assert draw_ready(row).blur == "violence"


@pytest.mark.parametrize("links", [True, False])
def test_the_sweep_leaves_what_is_kept_also_where_the_disk_has_no_links(
    alice: User, ready_picture: Picture, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    row = begun(alice, ready_picture)
    if not links:
        monkeypatch.delattr(os, "link")
    with ready_picture.file.open("rb") as file:
        content = file.read()
    gallery.delete_pictures(alice, [ready_picture.pk])
    row.refresh_from_db()
    os.utime(row.start.path, (0, 0))
    scheduler.sweep_queue()
    assert Path(row.start.path).read_bytes() == content
