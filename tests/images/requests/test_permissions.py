"""Each verb that changes a picture or a preset refuses a user who does not own it, whoever calls it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.exceptions import PermissionDenied

from apps.images.library import gallery
from apps.images.models import Picture, Preset
from apps.images.requests import presets, submission, upscaling
from apps.images.requests.submission import PictureRequest
from apps.users.models import User
from tests.images.draw_helper import draw_ready

pytestmark = pytest.mark.django_db

VERBS: dict[str, Callable[[User, Picture, Preset], object]] = {
    "vary": lambda user, row, _: submission.request_pictures(user, gallery.make_variation(row)),
    "repeat": lambda user, row, _: submission.request_pictures(user, gallery.make_repetition(row)),
    "start from": lambda user, row, _: submission.request_pictures(
        user, PictureRequest("A cat", parent=row, from_parent=True)
    ),
    "request_upscale": lambda user, row, _: upscaling.request_upscale(user, row),
    "set_favourite": lambda user, row, _: gallery.set_favourite(user, row, favourite=True),
    "cancel_drawing": lambda user, row, _: gallery.cancel_drawing(user, row),
    "rename_preset": lambda user, _, preset: presets.rename_preset(user, preset, "Night"),
    "delete_preset": lambda user, _, preset: presets.delete_preset(user, preset),
}


@pytest.fixture
def preset(alice: User) -> Preset:
    return Preset.objects.create(owner=alice, name="Evening", settings={"steps": 4})


@pytest.mark.parametrize("verb", VERBS)
def test_a_stranger_is_refused_and_the_owner_is_not(
    verb: str, bob: User, ready_picture: Picture, preset: Preset
) -> None:
    with pytest.raises(PermissionDenied):
        VERBS[verb](bob, ready_picture, preset)
    ready_picture.refresh_from_db()
    assert Picture.objects.count() == 1 and (ready_picture.status, ready_picture.favourite) == (
        Picture.Status.READY,
        False,
    )
    assert Preset.objects.get().name == "Evening"
    VERBS[verb](ready_picture.owner, ready_picture, preset)


def test_an_upscaled_picture_of_another_user_is_not_repeated(bob: User, ready_picture: Picture) -> None:
    large = draw_ready(upscaling.request_upscale(ready_picture.owner, ready_picture))
    with pytest.raises(PermissionDenied):
        upscaling.repeat_upscale(bob, large)
    assert Picture.objects.count() == 2


def test_pictures_of_another_user_are_not_deleted(bob: User, ready_picture: Picture) -> None:
    assert gallery.delete_pictures(bob, [ready_picture.pk]) == 0
    assert Picture.objects.filter(pk=ready_picture.pk).exists()
