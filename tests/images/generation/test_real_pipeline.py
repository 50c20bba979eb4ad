"""Repetition and alignment on real code: a tiny diffusers pipeline and a tiny CLIP model with random weights.

A repeated recipe gives the same bytes, also in a new engine.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings

from apps.engines import registry
from apps.engines.image.clip import ClipScorer
from apps.images.generation import model_info
from apps.images.library import gallery, generation_details
from apps.images.requests import submission
from apps.images.requests.submission import PictureRequest
from apps.users.models import User
from tests.images import tiny_pipeline
from tests.images.draw_helper import draw_ready

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_pipeline.save(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_pipeline.save_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def _real(settings: LazySettings, folder: str, clip: str, notified: list[str]) -> None:
    painter = {"BACKEND": "apps.engines.image.diffusers.DiffusersPainter", "OPTIONS": {"model": folder}}
    measure = {"BACKEND": "apps.engines.image.clip.ClipScorer", "OPTIONS": {"model": clip}}
    settings.ENGINES = {**settings.ENGINES, "image": painter, "align": measure}
    registry.reset()
    model_info.refresh_model()


@pytest.mark.usefixtures("_real")
def test_a_recipe_gives_the_same_picture_byte_for_byte_also_after_a_restart(alice: User) -> None:
    first = draw_ready(submission.request_pictures(alice, PictureRequest("a red cat", "dogs", steps=3, seed=11))[0])
    registry.reset()  # the engine of another process
    again = draw_ready(submission.request_pictures(alice, gallery.make_repetition(first))[0])
    assert (
        again.plain_sha256 == first.plain_sha256
        and (told := generation_details.describe_generation(again))
        and told.is_identical
    )
    other = draw_ready(submission.request_pictures(alice, gallery.make_variation(first))[0])
    assert other.plain_sha256 != first.plain_sha256
    begun = PictureRequest("a blue dog", steps=4, seed=3, strength=0.5, parent=first, from_parent=True)
    start = draw_ready(submission.request_pictures(alice, begun)[0])
    assert (
        draw_ready(submission.request_pictures(alice, gallery.make_repetition(start))[0]).plain_sha256
        == start.plain_sha256
    )
    assert len(first.step_ms) == 3 and list(first.frames.values_list("step", flat=True)) == [1, 2, 3]


@pytest.mark.usefixtures("_real")
def test_the_fit_of_picture_and_words_is_measured_and_named(alice: User, folder: str) -> None:
    row = draw_ready(submission.request_pictures(alice, PictureRequest("a red cat", steps=2, seed=1))[0])
    assert row.alignment is not None and -1 <= row.alignment <= 1 and row.aligned_by.startswith("CLIP (")
    assert str(Path(folder).parent) not in row.aligned_by, "no path of this machine is shown"
    told = gallery.describe_recipe(row)
    assert told["plain_sha256"] == row.plain_sha256


def test_a_clip_model_tells_words_apart_and_repeats_itself(clip: str) -> None:
    from PIL import Image

    measure, picture = ClipScorer(clip), Image.new("RGB", (40, 30), "red")
    first = measure.measure(picture, "a red cat")
    assert measure.measure(picture, "a red cat") == first != measure.measure(picture, "taxes")
    assert ClipScorer().active is False and measure.active


@pytest.mark.usefixtures("_real")
def test_a_clip_model_that_is_not_there_costs_nobody_the_picture(alice: User, settings: LazySettings) -> None:
    settings.ENGINES = {
        **settings.ENGINES,
        "align": {"BACKEND": "apps.engines.image.clip.ClipScorer", "OPTIONS": {"model": "/nowhere"}},
    }
    registry.reset()
    row = draw_ready(submission.request_pictures(alice, PictureRequest("a red cat", steps=1, seed=1))[0])
    assert (row.alignment, row.aligned_by) == (None, "")
