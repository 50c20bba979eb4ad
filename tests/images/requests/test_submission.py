"""Requests for pictures: validation, moderation, queueing."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings

from apps.engines import registry
from apps.engines.image.fake import FakePainter
from apps.engines.types import EngineRefused, EngineUnavailable
from apps.images.generation import model_info
from apps.images.models import Picture
from apps.images.requests import submission
from apps.images.requests.submission import PictureRequest, PictureRequestRefused
from apps.users import rate_limits
from apps.users.models import User
from apps.users.models.rate_limit import LimitedResource, LimitScope, Rate
from apps.users.rate_limits import RateLimited
from tests.images.conftest import FORBIDDEN


def test_pictures_asked_for_together_wait_with_seeds_in_a_row(
    alice: User, painter: FakePainter, notified: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        rows = submission.request_pictures(alice, PictureRequest("A red cat", count=3, seed=7))
    assert [(row.seed, row.status, row.batch) for row in rows] == [(n, "queued", rows[0].batch) for n in (7, 8, 9)]
    assert notified == [str(row.pk) for row in rows]
    assert {(row.width, row.height, row.steps, row.guidance) for row in rows} == {(128, 128, 4, 5.0)}, "model default"


def test_picture_without_a_seed_gets_a_random_one(alice: User, painter: FakePainter) -> None:
    assert (
        submission.request_pictures(alice, PictureRequest("A cat"))[0].seed
        != submission.request_pictures(alice, PictureRequest("A cat"))[0].seed
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompt": ""}, "first"),
        ({"prompt": "\u200b "}, "first"),
        ({"prompt": "x" * 10_000}, "shorten"),
        ({"count": 0}, "1 to 4"),
        ({"count": 5}, "1 to 4"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**32}, "seed"),
        ({"width": 100_000}, "width"),
        ({"height": 33}, "height"),
        ({"steps": 10**6}, "steps"),
        ({"scheduler": "Nobody's"}, "scheduler"),
        ({"guidance": 1e9}, "guidance"),
        ({"strength": 2}, "strength"),
    ],
)
def test_picture_request_that_cannot_be_drawn_is_refused_in_words(
    alice: User, painter: FakePainter, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises((PictureRequestRefused, EngineRefused), match=words):
        submission.request_pictures(alice, PictureRequest(**{"prompt": "A cat"} | changes))
    assert not Picture.objects.exists()


@pytest.mark.parametrize("field", ["prompt", "negative"])
def test_words_that_the_safety_check_withholds_are_not_drawn(
    alice: User, painter: FakePainter, strict_check: None, field: str
) -> None:
    disguised = FORBIDDEN.replace("purple", "pur\u200bple")
    with pytest.raises(PictureRequestRefused, match="not drawn here"):
        submission.request_pictures(alice, PictureRequest(**{"prompt": "A cat"} | {field: disguised}))
    assert not Picture.objects.exists()


def test_the_text_that_was_checked_is_the_text_that_is_drawn(alice: User, painter: FakePainter) -> None:
    assert submission.request_pictures(alice, PictureRequest("a re\u200bd ｃａｔ"))[0].prompt == "a red cat"


def test_picture_queue_is_limited_per_user(alice: User, bob: User, painter: FakePainter) -> None:
    for _ in range(submission.MAX_QUEUED // submission.MAX_PICTURES):
        submission.request_pictures(alice, PictureRequest("A cat", count=submission.MAX_PICTURES))
    with pytest.raises(PictureRequestRefused, match="are already waiting"):
        submission.request_pictures(alice, PictureRequest("A cat"))
    assert submission.request_pictures(bob, PictureRequest("A cat")), "and others are not kept from theirs"


def test_picture_request_without_a_model_says_what_to_do(alice: User, settings: LazySettings) -> None:
    with pytest.raises(EngineUnavailable, match="being loaded"):
        submission.request_pictures(alice, PictureRequest("A cat"))
    settings.ENGINES = settings.ENGINES | {"image": settings.ENGINES["image"] | {"OPTIONS": {"model": ""}}}
    with pytest.raises(EngineUnavailable, match="no picture model is set up"):
        submission.request_pictures(alice, PictureRequest("A cat"))


def test_model_loading_error_reaches_the_page_and_loading_is_retried(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def model() -> None:
        raise EngineUnavailable("The picture model 'x' cannot be loaded: no such folder")

    monkeypatch.setattr(registry.get_image_engine(), "model", model)
    model_info.refresh_model()
    with pytest.raises(EngineUnavailable, match="no such folder"):
        submission.request_pictures(alice, PictureRequest("A cat"))
    monkeypatch.undo()
    monkeypatch.setattr(model_info, "_AGAIN_S", 0)
    model_info.refresh_model()
    assert model_info.get_model().name == "stripes"


def test_a_model_that_starts_from_no_picture_is_not_given_one(
    alice: User, queued_picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    other = replace(model_info.get_model(), accepts_start=False)
    monkeypatch.setattr(model_info, "get_model", lambda: other)
    with pytest.raises(EngineRefused, match="cannot start"):
        submission.request_pictures(alice, PictureRequest("A cat", parent=queued_picture, from_parent=True))


def test_a_user_draws_pictures_from_a_bucket(alice: User, bob: User, painter: FakePainter) -> None:
    try:
        rate_limits.change_limit(LimitScope.USER, LimitedResource.PICTURES, Rate(3, 60))
        submission.request_pictures(alice, PictureRequest("A cat", count=2))
        with pytest.raises(RateLimited, match="pictures"):
            submission.request_pictures(alice, PictureRequest("A cat", count=2))
        assert Picture.objects.count() == 2 and rate_limits.read_levels(
            rate_limits.list_buckets(bob, LimitedResource.PICTURES)
        ) == [3]
        submission.request_pictures(bob, PictureRequest("A cat", count=2))
    finally:
        rate_limits.clear_rate_cache()
