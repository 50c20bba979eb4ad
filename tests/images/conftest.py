"""Fixtures of the image tests: fake painter, recorded notifications of the worker, waiting and finished pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from celery import current_app
from django.conf import LazySettings

from apps.engines import registry
from apps.engines.image.fake import FakePainter
from apps.images.generation import model_info, worker
from apps.images.models import TASK, Picture
from apps.images.requests import submission
from apps.safety.policy import defaults, schema, versions
from apps.safety.policy.verdicts import Verdict
from apps.users.models import User
from tests.images.draw_helper import draw_ready

FORBIDDEN = "the purple elephant password"  # withheld by the check of these tests, in place of hostile text


class Strict:
    """Check of questions that withholds the phrase FORBIDDEN."""

    async def question(self, text: str, vector: object = None) -> Verdict:
        return Verdict(FORBIDDEN not in text, "phrase", "That is not drawn here.")


@pytest.fixture(autouse=True)
def _own_folder(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def painter(notified: list[str]) -> FakePainter:
    """Return the fake painter, with its description stored for pages."""
    model_info.refresh_model()
    return cast(FakePainter, registry.get_image_engine())


@pytest.fixture
def notified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of picture ids for which the worker was notified."""
    sent: list[str] = []

    def send(task: str, args: list[str], **_: Any) -> None:
        assert task == TASK
        sent.extend(args)

    monkeypatch.setattr(current_app, "send_task", send)
    return sent


@pytest.fixture
def strict_check(settings: LazySettings) -> None:
    """Use `Strict` as the safety check."""
    settings.SAFETY_CHECK = f"{__name__}.Strict"


@pytest.fixture
def image_classifier(settings: LazySettings) -> None:
    """Configure the fake classifier of pictures."""
    settings.ENGINES = {
        **settings.ENGINES,
        "pictures": {"BACKEND": "apps.engines.classify.image_classifier.FakeImageClassifier"},
    }
    registry._built.pop("pictures", None)


@pytest.fixture
def photo_painter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the fake painter count as one that may draw anything, not pictograms alone."""
    monkeypatch.setattr(worker, "VocabularyLimited", ())


@pytest.fixture
def fail_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold pictures while no classifier can judge whether they are sexual."""
    policy = defaults.make_default_policy(registry.get_text_classifier().thresholds)
    next(clause for clause in policy["clauses"] if clause["code"] == "sexual")["fail"] = "closed"
    monkeypatch.setattr(versions, "current_policy", lambda: schema.parse_policy(policy))


@pytest.fixture
def queued_picture(alice: User, painter: FakePainter) -> Picture:
    """Return a queued picture that Alice requested."""
    return submission.request_pictures(alice, submission.PictureRequest("A red cat", seed=7))[0]


@pytest.fixture
def ready_picture(queued_picture: Picture) -> Picture:
    """Return that picture after a worker drew it."""
    return draw_ready(queued_picture)
