"""Previews are shown only after a verdict on exactly their bytes, by the rules of the finished picture."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from apps.engines.classify.image_classifier import FakeImageClassifier
from apps.engines.image.fake import FakePainter
from apps.engines.image.protocol import DrawRequest
from apps.engines.types import EngineBroken
from apps.images.generation import progress
from apps.images.models import Picture, PreviewFrame
from apps.safety.models import detector_outages
from apps.users.models import User
from tests.factories import make_client
from tests.images.draw_helper import draw

CALM, DOUBTFUL, BAD = "blue", "green", "red"  # as FakePictures sees them


@pytest.fixture
def classifier(image_classifier: None, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return the list of pictures that the classifier saw. Every step stores a preview, however quick it is."""
    monkeypatch.setattr(progress, "TICK_S", 0)
    monkeypatch.setattr(progress, "_CHECK_PAUSE", 0)
    shown: list[bytes] = []
    scores = FakeImageClassifier.scores

    def noted(self: FakeImageClassifier, picture: bytes) -> Any:
        shown.append(picture)
        return scores(self, picture)

    monkeypatch.setattr(FakeImageClassifier, "scores", noted)
    return shown


@pytest.fixture
def visible(queued_picture: Picture, painter: FakePainter, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """Return, after each step, whether the owner could load a preview."""
    client, seen = make_client(queued_picture.owner), []
    tell = progress.ProgressWatcher.__call__

    def then(self: progress.ProgressWatcher, step: Any) -> None:
        tell(self, step)
        status = client.get(f"/pictures/{queued_picture.pk}/preview.jpg").status_code
        tile = client.get("/pictures/tiles/").content.decode()
        assert ("preview.jpg" in tile) == (status == 200), "the tile asks for nothing that is not there"
        seen.append((step.step, status == 200))

    monkeypatch.setattr(progress.ProgressWatcher, "__call__", then)
    return seen


def coloured(monkeypatch: pytest.MonkeyPatch, *colours: str) -> None:
    """Make each step show that colour; the last is that of the picture."""

    def look(self: FakePainter, request: DrawRequest, step: int) -> Image.Image:
        return Image.new("RGB", (request.width, request.height), colours[min(step, len(colours)) - 1])

    monkeypatch.setattr(FakePainter, "paint", look)


def test_calm_previews_are_shown_each_after_its_own_verdict(
    queued_picture: Picture, classifier: list[bytes], visible: list[tuple[int, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    coloured(monkeypatch, CALM)
    assert draw(queued_picture).status == "ready"
    assert visible == [(step, True) for step in (1, 2, 3, 4)]
    kept = [bytes(preview) for preview in PreviewFrame.objects.values_list("preview", flat=True)]
    assert len(kept) == 4 and set(kept) <= set(classifier)


def test_refused_preview_withdraws_earlier_ones_and_stops_later_ones(
    queued_picture: Picture, classifier: list[bytes], visible: list[tuple[int, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    coloured(monkeypatch, CALM, BAD, CALM, BAD)
    row = draw(queued_picture)
    assert (row.status, visible) == ("held", [(1, True), (2, False), (3, False), (4, False)])
    assert len(classifier) == 3, "two previews and the picture"
    assert not PreviewFrame.objects.exists()
    client = make_client(row.owner)
    assert "preview.jpg" not in client.get("/pictures/").content.decode()
    assert client.get(f"/pictures/{row.pk}/frames/1.jpg").status_code == 404


def test_previews_of_a_picture_that_is_held_in_the_end_are_gone_too(
    queued_picture: Picture, classifier: list[bytes], visible: list[tuple[int, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    coloured(monkeypatch, CALM)
    finished = FakeImageClassifier.scores

    def only_whole(self: FakeImageClassifier, picture: bytes) -> Any:
        return {"sexual": 0.99} if picture.startswith(b"\x89PNG") else finished(self, picture)

    monkeypatch.setattr(FakeImageClassifier, "scores", only_whole)
    row = draw(queued_picture)
    client = make_client(row.owner)
    assert row.status == "held" and visible[0] == (1, True)
    addresses = [f"/pictures/{row.pk}/{name}" for name in ("preview.jpg", "file.png", "frames/1.jpg")]
    assert [client.get(address).status_code for address in addresses] == [404] * 3


def test_preview_that_the_policy_sends_to_review_is_shown(
    queued_picture: Picture, classifier: list[bytes], visible: list[tuple[int, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    coloured(monkeypatch, DOUBTFUL)
    assert draw(queued_picture).status == "ready" and all(shown for _, shown in visible)


def test_a_level_judges_previews_as_strictly_as_the_picture(
    queued_picture: Picture, classifier: list[bytes], visible: list[tuple[int, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    Picture.objects.update(level="strict")
    coloured(monkeypatch, DOUBTFUL)
    assert draw(queued_picture).status == "held" and not any(shown for _, shown in visible)


def test_previews_are_not_shown_while_the_classifier_is_away(
    queued_picture: Picture, classifier: list[bytes], visible: list[tuple[int, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([False, True])

    def away(self: FakeImageClassifier, picture: bytes) -> dict[str, float]:
        if next(looks, False):
            return {"sexual": 0.01}
        raise EngineBroken("away")

    monkeypatch.setattr(FakeImageClassifier, "scores", away)
    draw(queued_picture)
    assert visible == [(1, False), (2, True), (3, True), (4, True)], "the third and fourth show what the second did"
    assert list(PreviewFrame.objects.values_list("step", flat=True)) == [2]
    detector_outages._noted.clear()


def test_previews_without_a_classifier_follow_the_policy(
    queued_picture: Picture,
    visible: list[tuple[int, bool]],
    fail_closed: None,
    photo_painter: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "TICK_S", 0)
    assert draw(queued_picture).status == "held" and not any(shown for _, shown in visible)


def test_a_slow_classifier_takes_a_tenth_of_the_time_at_most(
    alice: User, queued_picture: Picture, classifier: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(progress, "_CHECK_PAUSE", 9)
    Picture.objects.update(steps=50)
    coloured(monkeypatch, CALM)
    scores = FakeImageClassifier.scores

    def slow(self: FakeImageClassifier, picture: bytes) -> Any:
        now[0] += 2
        return scores(self, picture)

    def step(self: FakePainter, request: DrawRequest, at: int) -> Any:
        now[0] += 0.5
        return Image.new("RGB", (request.width, request.height), CALM)

    monkeypatch.setattr(FakeImageClassifier, "scores", slow)
    monkeypatch.setattr(FakePainter, "paint", step)
    assert draw(queued_picture).status == "ready"
    assert len(classifier) <= progress.MAX_FRAMES + 3, "those that are kept, the picture, and hardly any other"
