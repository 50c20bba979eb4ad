"""Pictures that can only be pictograms skip a classifier of photographs; all others are classified."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apps.engines import registry
from apps.engines.image.fake import FakePainter
from apps.images.generation import worker
from apps.images.models import Picture
from apps.images.requests import submission
from apps.safety.gate import pictures
from apps.safety.models.strictness import Strictness
from apps.safety.policy.evaluation import SignalStatus
from apps.users.models import User
from tests.images.draw_helper import draw

pytestmark = pytest.mark.django_db


class Photographs:
    """Classifier that knows photographs only and scores every picture as sexual."""

    fingerprint, codes, pictograms = "photographs", frozenset({"sexual"}), False
    seen = 0

    def scores(self, picture: bytes) -> dict[str, float]:
        Photographs.seen += 1
        return {"sexual": 0.99}


@pytest.fixture(autouse=True)
def photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    Photographs.seen = 0
    monkeypatch.setattr(registry, "get_image_classifier", Photographs)


def asked(owner: User, **more: object) -> Picture:
    told = {"prompt": "A lamp", "width": 64, "height": 64, "steps": 2, "guidance": 1, "seed": 1, "model": "stripes"}
    return Picture.objects.create(owner=owner, **told | more)


def test_a_pictogram_is_not_shown_to_it_nor_said_to_be_unseen(alice: User) -> None:
    row = draw(asked(alice))
    assert (row.status, row.pictogram, row.unchecked, Photographs.seen) == ("ready", True, False, 0)


def test_picture_made_of_pictograms_alone_is_a_pictogram(alice: User) -> None:
    first = draw(asked(alice))
    assert draw(asked(alice, parent=first, from_parent=True)).pictogram
    assert draw(asked(alice, parent=first, upscale=2)).pictogram and not Photographs.seen


def test_picture_begun_with_an_upload_is_checked(alice: User) -> None:
    first = draw(asked(alice))
    Picture.objects.filter(pk=first.pk).update(pictogram=False)  # as if an upload had been its start
    row = draw(asked(alice, parent=first, from_parent=True))
    assert (row.status, row.pictogram) == ("held", False) and Photographs.seen


def test_pictures_of_other_painters_are_checked(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "VocabularyLimited", ())  # the painter is none of those
    assert draw(asked(alice)).status == "held" and Photographs.seen


def test_a_pictogram_needs_no_classifier_where_none_is_set_up(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "get_image_classifier", lambda: None)
    row = draw(asked(alice))
    assert (row.status, row.pictogram, row.unchecked) == ("ready", True, False)
    assert pictures.classify_picture(bytes).status is SignalStatus.MISSING


def test_strictest_request_without_a_classifier_is_refused_unless_it_can_only_be_a_pictogram(
    alice: User, painter: FakePainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "get_image_classifier", lambda: None)
    request = submission.PictureRequest("A lamp", level=Strictness.STRICTEST)
    (row,) = submission.request_pictures(alice, request)
    assert row.level == Strictness.STRICTEST
    with pytest.raises(submission.PictureRequestRefused, match="only checked pictures"):
        submission.request_pictures(alice, replace(request, start=b"an upload"))
    monkeypatch.setattr(submission, "VocabularyLimited", ())  # the painter may draw anything
    with pytest.raises(submission.PictureRequestRefused, match="only checked pictures"):
        submission.request_pictures(alice, request)


def test_the_signal_says_that_it_was_not_needed() -> None:
    assert pictures.classify_picture(bytes, pictogram=True).status is SignalStatus.SKIPPED
    assert pictures.classify_picture(bytes).status is SignalStatus.OK
